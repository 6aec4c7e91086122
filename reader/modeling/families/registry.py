"""The families by the name that Hugging Face's configurations give them."""

from ....data import PrereadError
from .bert import BERT
from .distilbert import DISTILBERT
from .electra import ELECTRA
from .family import Family
from .mpnet import MPNET
from .roberta import ROBERTA
from .xlnet import XLNET

FAMILIES: dict[str, Family] = {
    "bert": BERT,
    "distilbert": DISTILBERT,
    "electra": ELECTRA,
    "mpnet": MPNET,
    "roberta": ROBERTA,
    "xlm-roberta": ROBERTA,
    "xlnet": XLNET,
}
"""Families by ``model_type``."""


def find_family(model_type: str) -> Family:
    """Find a family by its name.

    Args:
        model_type: ``model_type`` of Hugging Face's configuration.

    Raises:
        PrereadError: If there is no such family.
    """
    if model_type not in FAMILIES:
        raise PrereadError(
            f"expected a checkpoint whose family is one of {', '.join(FAMILIES)}, found model type "
            f"{model_type!r}. Name a checkpoint of one of these families."
        )
    return FAMILIES[model_type]
