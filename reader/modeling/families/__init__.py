"""The families of checkpoints that can be split, one module each."""

from .bert import BERT
from .distilbert import DISTILBERT
from .electra import ELECTRA
from .family import Base, Head
from .mpnet import MPNET
from .registry import BASES, find_base
from .roberta import ROBERTA
from .xlnet import XLNET

__all__ = [
    "BASES",
    "BERT",
    "DISTILBERT",
    "ELECTRA",
    "MPNET",
    "ROBERTA",
    "XLNET",
    "Base",
    "Head",
    "find_base",
]
