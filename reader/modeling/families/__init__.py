"""The families of checkpoints that can be split, one module for each."""

from .bert import BERT
from .distilbert import DISTILBERT
from .electra import ELECTRA
from .family import Family, Head
from .mpnet import MPNET
from .registry import FAMILIES, find_family
from .roberta import ROBERTA
from .xlnet import XLNET

__all__ = [
    "BERT",
    "DISTILBERT",
    "ELECTRA",
    "FAMILIES",
    "MPNET",
    "ROBERTA",
    "XLNET",
    "Family",
    "Head",
    "find_family",
]
