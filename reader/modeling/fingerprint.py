"""The fingerprint of a reader, which identifies the states that it computes."""

import hashlib
import json
from collections.abc import Callable

from tokenizers import Tokenizer

from ..text.vocabulary import vocabulary_of
from .question_answering import DeformerForQuestionAnswering
from .weight_names import is_lower

_MORE_FIELDS = {"base": "bert", "position_offset": 0, "begins_with_separator": False}
"""Further fields, each with its value in BERT. A field with that value is left out of the hash, so
that a BERT reader keeps its fingerprint when a field for another family is added."""
_LAYOUT_FIELDS = (
    "num_lower_layers",
    "num_attention_heads",
    "hidden_act",
    "layer_norm_eps",
    "max_title_length",
    "separates_untitled",
    "window_length",
    "window_stride",
)


def fingerprint(model: DeformerForQuestionAnswering, tokenizer: Tokenizer) -> str:
    """Hash (SHA-256) everything that decides the stored states of a passage.

    This covers tokenizer, layout of windows, embedder and lower layers. The upper layers and the
    head are left out: they may be trained again without a new index.

    Args:
        model: Model in float32, the number format in which states are computed.
        tokenizer: Tokenizer of the reader.
    """
    digest = hashlib.sha256()
    layout = {name: getattr(model.config, name) for name in _LAYOUT_FIELDS}
    more = {name: getattr(model.config, name) for name in _MORE_FIELDS}
    layout |= {name: value for name, value in more.items() if value != _MORE_FIELDS[name]}
    digest.update(json.dumps(layout, sort_keys=True).encode())
    vocabulary = vocabulary_of(tokenizer)  # checked before it is written down, with every gap
    description = json.loads(tokenizer.to_str())
    parts = [description.get("normalizer"), description.get("pre_tokenizer")]
    parts.append(sorted(vocabulary.items()))
    if description["model"].get("type") != "WordPiece":  # merges or scores decide tokens as well
        parts.append(description["model"])
    digest.update(json.dumps(parts, sort_keys=True).encode())
    _add_weights(digest, model, lambda name: is_lower(name, model.config.num_lower_layers))
    return digest.hexdigest()


def weights_sha256(model: DeformerForQuestionAnswering) -> str:
    """Hash (SHA-256) all weights: those of the stored states, and those that read them.

    Args:
        model: Model on any device.
    """
    digest = hashlib.sha256()
    _add_weights(digest, model, lambda _: True)
    return digest.hexdigest()


def _add_weights(
    digest: "hashlib._Hash", model: DeformerForQuestionAnswering, wanted: Callable[[str], bool]
) -> None:
    for name, weight in sorted(model.state_dict().items()):
        if wanted(name):
            digest.update(name.encode())
            digest.update(weight.detach().cpu().float().contiguous().numpy().data)
