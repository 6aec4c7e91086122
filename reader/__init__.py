"""The reader: configuration, DeFormer layers, span decoding, codecs and training."""

from typing import TYPE_CHECKING

from ..data.lazy import lazy_attributes

if TYPE_CHECKING:
    from .comprehension import answer_examples
    from .config import DeformerConfig
    from .inference.runtimes import Precision, Runtime
    from .inference.spans import Span, decode_spans
    from .inference.window_table import WindowTable
    from .modeling.layers import Segment
    from .modeling.question_answering import DeformerForQuestionAnswering, SpanLogits
    from .packing import Packed
    from .pairs.models import (
        DeformerForMultipleChoice,
        DeformerForSequenceClassification,
        PairLogits,
    )
    from .pairs.reader import PairReader
    from .ranking import Ranking
    from .reader import Reader
    from .text.windows import TextEncoder, Window

__all__ = [
    "DeformerConfig",
    "DeformerForMultipleChoice",
    "DeformerForQuestionAnswering",
    "DeformerForSequenceClassification",
    "Packed",
    "PairLogits",
    "PairReader",
    "Precision",
    "Ranking",
    "Reader",
    "Runtime",
    "Segment",
    "Span",
    "SpanLogits",
    "TextEncoder",
    "Window",
    "WindowTable",
    "answer_examples",
    "decode_spans",
]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "DeformerConfig": "config",
        "DeformerForMultipleChoice": "pairs.models",
        "DeformerForQuestionAnswering": "modeling.question_answering",
        "DeformerForSequenceClassification": "pairs.models",
        "Packed": "packing",
        "PairLogits": "pairs.models",
        "PairReader": "pairs.reader",
        "Precision": "inference.runtimes",
        "Ranking": "ranking",
        "Reader": "reader",
        "Runtime": "inference.runtimes",
        "Segment": "modeling.layers",
        "Span": "inference.spans",
        "SpanLogits": "modeling.question_answering",
        "TextEncoder": "text.windows",
        "Window": "text.windows",
        "WindowTable": "inference.window_table",
        "answer_examples": "comprehension",
        "decode_spans": "inference.spans",
    },
)
"""Each name is imported when it is first used: code that needs only `Packed` or `Window` does not
wait for the import of transformers."""
