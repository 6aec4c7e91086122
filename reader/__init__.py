"""The reader: configuration, DeFormer layers, span decoding, codecs and training."""

from typing import TYPE_CHECKING

from ..data.lazy import lazy_attributes

if TYPE_CHECKING:
    from .comprehension import answer_examples as answer_examples
    from .config import DeformerConfig as DeformerConfig
    from .inference.runtimes import Precision as Precision
    from .inference.runtimes import Runtime as Runtime
    from .inference.spans import Span as Span
    from .inference.spans import decode_spans as decode_spans
    from .inference.window_table import WindowTable as WindowTable
    from .modeling.layers import Segment as Segment
    from .modeling.question_answering import (
        DeformerForQuestionAnswering as DeformerForQuestionAnswering,
    )
    from .modeling.question_answering import SpanLogits as SpanLogits
    from .packing import Packed as Packed
    from .pairs.models import DeformerForMultipleChoice as DeformerForMultipleChoice
    from .pairs.models import DeformerForSequenceClassification as DeformerForSequenceClassification
    from .pairs.models import PairLogits as PairLogits
    from .pairs.reader import PairReader as PairReader
    from .ranking import Ranking as Ranking
    from .reader import Reader as Reader
    from .text.windows import TextEncoder as TextEncoder
    from .text.windows import Window as Window

__getattr__, __dir__, __all__ = lazy_attributes(
    __name__,
    {
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
    },
)
"""The names of each module. They are imported when first used: code that needs only `Packed` or
`Window` does not wait for the import of transformers."""
