"""RoBERTa, and XLM-RoBERTa, which differs only in its tokenizer.

The layout is ``<s> question </s>`` and ``</s> passage </s>``. Joined, they are the layout of the
full model, with two ``</s>`` in between. There is one token type. Positions begin after the id of
the padding token.

Source: Liu et al. 2019 (https://arxiv.org/abs/1907.11692).
"""

from typing import TYPE_CHECKING, Any

from ....data import PrereadError
from .bert import LABEL_NAMES, SPAN_NAMES, bert_fields, bert_names, own_fields
from .family import Family, Head

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

_CHOICE = {"pooler.{p}": "roberta.pooler.dense.{p}", "classifier.{p}": "classifier.{p}"}


def _fields(found: "PreTrainedConfig") -> dict[str, Any]:
    if found.pad_token_id is None:
        raise PrereadError(
            "roberta: expected pad_token_id in config.json, because positions begin after it; "
            "found none. Add it (1 in the published checkpoints)."
        )
    return bert_fields(found) | {
        "position_offset": found.pad_token_id + 1,
        "begins_with_separator": True,
    }


ROBERTA = Family(
    config_fields=_fields,
    hugging_face_fields=own_fields,
    weight_names=lambda config: bert_names(config, "roberta"),
    head_names={
        Head.SPAN: SPAN_NAMES,
        Head.CLASSIFICATION: LABEL_NAMES,
        Head.CHOICE: _CHOICE,
    },
)
