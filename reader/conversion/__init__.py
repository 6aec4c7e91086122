"""Conversion between readers and checkpoints of other programs."""

from .sources import CheckpointKind, Source, find_source
from .tensorflow_model import UnusedVariables, read_tensorflow, write_tensorflow
from .vanilla import split_vanilla, vanilla_model
from .vocabulary import find_tokenizer

__all__ = [
    "CheckpointKind",
    "Source",
    "UnusedVariables",
    "find_source",
    "find_tokenizer",
    "read_tensorflow",
    "split_vanilla",
    "vanilla_model",
    "write_tensorflow",
]
