"""The DeFormer model: configuration, layers, decoding, training. Tensors in, spans out."""

from .comprehension import answer_examples
from .config import DeformerConfig
from .layers import Segment
from .model import DeformerForQuestionAnswering, SpanLogits
from .packing import Packed
from .pair_models import DeformerForMultipleChoice, DeformerForSequenceClassification, PairLogits
from .pair_reader import PairReader
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
