"""ELECTRA's discriminator: BERT, with narrower embeddings in the small model.

Source: Clark et al. 2020 (https://openreview.net/forum?id=r1xMH1BtvB), section 3.2.
"""

from typing import TYPE_CHECKING, Any

from ...config import DeformerConfig
from .bert import LABEL_NAMES, SPAN_NAMES, bert_fields, bert_names, own_fields
from .family import Family, Head

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

_PROJECTION = {
    f"embedder.project.{p}": f"electra.embeddings_project.{p}" for p in ("weight", "bias")
}

_CHOICE = {"pooler.{p}": "sequence_summary.summary.{p}", "classifier.{p}": "classifier.{p}"}


def _fields(found: "PreTrainedConfig") -> dict[str, Any]:
    return bert_fields(found) | {"embedding_size": found.embedding_size}


def _own_fields(config: DeformerConfig) -> dict[str, Any]:
    return own_fields(config) | {"embedding_size": config.embedding_size or config.hidden_size}


def _names(config: DeformerConfig) -> dict[str, str]:
    is_projected = config.embedding_size not in (None, config.hidden_size)
    return bert_names(config, "electra") | (_PROJECTION if is_projected else {})


ELECTRA = Family(
    config_fields=_fields,
    hugging_face_fields=_own_fields,
    weight_names=_names,
    head_names={
        Head.SPAN: SPAN_NAMES,
        Head.CLASSIFICATION: LABEL_NAMES,
        Head.CHOICE: _CHOICE,
    },
    pooler_activation="gelu",
)
