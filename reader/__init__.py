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

_MODULES = {
    "comprehension": ("answer_examples",),
    "config": ("DeformerConfig",),
    "inference.runtimes": ("Precision", "Runtime"),
    "inference.spans": ("Span", "decode_spans"),
    "inference.window_table": ("WindowTable",),
    "modeling.layers": ("Segment",),
    "modeling.question_answering": ("DeformerForQuestionAnswering", "SpanLogits"),
    "packing": ("Packed",),
    "pairs.models": (
        "DeformerForMultipleChoice",
        "DeformerForSequenceClassification",
        "PairLogits",
    ),
    "pairs.reader": ("PairReader",),
    "ranking": ("Ranking",),
    "reader": ("Reader",),
    "text.windows": ("TextEncoder", "Window"),
}
"""The names of each module. They are imported when first used: code that needs only `Packed` or
`Window` does not wait for the import of transformers."""

__getattr__, __dir__ = lazy_attributes(
    __name__, {name: module for module, names in _MODULES.items() for name in names}
)
