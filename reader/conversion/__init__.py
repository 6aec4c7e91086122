"""Readers from other people's checkpoints, and the other way."""

from .sources import CheckpointKind, Source, find_source
from .tensorflow_model import LeftOut, read_tensorflow, write_tensorflow
from .vanilla import ordinary_model, split_ordinary
from .vocabulary import find_tokenizer

__all__ = [
    "CheckpointKind",
    "LeftOut",
    "Source",
    "find_source",
    "find_tokenizer",
    "ordinary_model",
    "read_tensorflow",
    "split_ordinary",
    "write_tensorflow",
]
