"""What identifies the maker of stored states."""

import hashlib
import json
from collections.abc import Callable

from tokenizers import Tokenizer

from .question_answering import DeformerForQuestionAnswering
from .weight_names import is_lower

_MORE_FIELDS = {"base": "bert", "position_offset": 0, "begins_with_separator": False}
"""Fields that came later, and what they are in BERT: there they are left out of the hash, and
indexes made before stay valid."""
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
    """Hash of everything that decides a passage's stored states.

    Covers embedder, lower layers, tokenizer and the layout of windows; not upper layers and head,
    which may be retrained without rebuilding an index.

    Args:
        model: In float32, as states are computed.
        tokenizer: Its backend tokenizer.

    Returns:
        SHA-256, hexadecimal.
    """
    digest = hashlib.sha256()
    layout = {name: getattr(model.config, name) for name in _LAYOUT_FIELDS}
    more = {name: getattr(model.config, name) for name in _MORE_FIELDS}
    layout |= {name: value for name, value in more.items() if value != _MORE_FIELDS[name]}
    digest.update(json.dumps(layout, sort_keys=True).encode())
    description = json.loads(tokenizer.to_str())
    parts = [description.get("normalizer"), description.get("pre_tokenizer")]
    parts.append(sorted(tokenizer.get_vocab(with_added_tokens=True).items()))
    if description["model"].get("type") != "WordPiece":  # merges and scores cut words, too
        parts.append(description["model"])
    digest.update(json.dumps(parts, sort_keys=True).encode())
    _add_weights(digest, model, lambda name: is_lower(name, model.config.num_lower_layers))
    return digest.hexdigest()


def weights_sha256(model: DeformerForQuestionAnswering) -> str:
    """SHA-256 of all weights, hexadecimal: what answers depend on besides the stored states."""
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
