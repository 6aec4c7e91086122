"""RoBERTa, and XLM-RoBERTa, which differs in its tokenizer only.

``<s> question </s>`` and ``</s> passage </s>``: joined they are the ordinary layout, with its two
``</s>`` in between. There is one token type. Positions begin after the padding token's number.

Source: Liu et al. 2019 (https://arxiv.org/abs/1907.11692).
"""

from typing import Any

from transformers import PreTrainedConfig

from ....data import PrereadError
from ..layers import AbsoluteEmbedder, TransformerLayer
from .bert import SPAN_NAMES, bert_fields, bert_names, own_fields
from .family import Family, Head

_LABELS = {"pooler.{p}": "classifier.dense.{p}", "classifier.{p}": "classifier.out_proj.{p}"}
_CHOICE = {"pooler.{p}": "roberta.pooler.dense.{p}", "classifier.{p}": "classifier.{p}"}


def _fields(found: PreTrainedConfig) -> dict[str, Any]:
    if found.pad_token_id is None:
        raise PrereadError(
            "roberta: expected a configuration with pad_token_id, after which positions begin; "
            "found none. Add it to config.json (1 in the published checkpoints)."
        )
    return bert_fields(found) | {
        "position_offset": found.pad_token_id + 1,
        "begins_with_separator": True,
    }


ROBERTA = Family(
    config_fields=_fields,
    hugging_face_fields=own_fields,
    embedder=AbsoluteEmbedder,
    layer=lambda config, embedder: TransformerLayer(config),
    weight_names=lambda config: bert_names(config, "roberta"),
    head_names={
        Head.SPAN: SPAN_NAMES,
        Head.CLASSIFICATION: _LABELS,
        Head.CHOICE: _CHOICE,
    },
)
