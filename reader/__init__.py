"""The DeFormer model: configuration, layers, decoding, training. Tensors in, spans out."""

from typing import TYPE_CHECKING

from ..data.lazy import lazy_attributes

if TYPE_CHECKING:
    from .comprehension import answer_examples
    from .config import DeformerConfig
    from .layers import Segment
    from .model import DeformerForQuestionAnswering, SpanLogits
    from .packing import Packed
    from .pair_models import (
        DeformerForMultipleChoice,
        DeformerForSequenceClassification,
        PairLogits,
    )
    from .pair_reader import PairReader
    from .ranking import Ranking
    from .reader import Reader
    from .runtime import Precision, Runtime
    from .spans import Span, decode_spans
    from .window_table import WindowTable
    from .windows import TextEncoder, Window

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
        "DeformerForMultipleChoice": "pair_models",
        "DeformerForQuestionAnswering": "model",
        "DeformerForSequenceClassification": "pair_models",
        "Packed": "packing",
        "PairLogits": "pair_models",
        "PairReader": "pair_reader",
        "Precision": "runtime",
        "Ranking": "ranking",
        "Reader": "reader",
        "Runtime": "runtime",
        "Segment": "layers",
        "Span": "spans",
        "SpanLogits": "model",
        "TextEncoder": "windows",
        "Window": "windows",
        "WindowTable": "window_table",
        "answer_examples": "comprehension",
        "decode_spans": "spans",
    },
)
"""Imported when first used: indexes take some of these, and only the model takes transformers."""
