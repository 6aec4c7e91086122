"""The families of checkpoints that can be split, one module each."""

from .base import Base, Head
from .bert import BERT
from .electra import ELECTRA
from .registry import BASES, find_base
from .roberta import ROBERTA
from .xlnet import XLNET

__all__ = ["BASES", "BERT", "ELECTRA", "ROBERTA", "XLNET", "Base", "Head", "find_base"]
