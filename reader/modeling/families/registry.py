"""Families by the name that Hugging Face's configurations give them."""

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
"""By ``model_type``."""


def find_family(model_type: str) -> Family:
    """A family by its name.

    Raises:
        PrereadError: If there is none of that name.
    """
    if model_type not in FAMILIES:
        raise PrereadError(
            f"expected a checkpoint of one of {', '.join(FAMILIES)}, found model type "
            f"{model_type!r}. Name a checkpoint of one of these families."
        )
    return FAMILIES[model_type]
