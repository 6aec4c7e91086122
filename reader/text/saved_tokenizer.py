"""The tokenizer of a saved reader, read without transformers."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import Unigram

_TOKENIZER_FILE = "tokenizer.json"
_SETTINGS_FILE = "tokenizer_config.json"


@dataclass(frozen=True)
class SavedTokenizer:
    """A tokenizer with the ids of the tokens that the layout of questions and windows needs."""

    backend_tokenizer: Tokenizer
    cls_token_id: int
    sep_token_id: int

    @classmethod
    def load(cls, folder: Path) -> "SavedTokenizer | None":
        """Load a tokenizer from a reader's folder.

        Args:
            folder: Folder of the reader.

        Returns:
            The tokenizer; None if transformers must load it. That is so if the folder has no files
            of a fast tokenizer, if they do not name [CLS] and [SEP], and for Unigram models, of
            whose scores the library reads the last digit otherwise than transformers.
        """
        file, settings = folder / _TOKENIZER_FILE, folder / _SETTINGS_FILE
        if not file.is_file() or not settings.is_file():
            return None
        described: dict[str, Any] = json.loads(settings.read_bytes())
        tokenizer = Tokenizer.from_file(str(file))
        cls_id, sep_id = (
            _id_of(tokenizer, described.get(f"{name}_token")) for name in ("cls", "sep")
        )
        if cls_id is None or sep_id is None or isinstance(tokenizer.model, Unigram):
            return None
        return cls(tokenizer, cls_id, sep_id)


def _id_of(tokenizer: Tokenizer, token: Any) -> int | None:
    """Id of a special token, which settings name by its text or describe with more fields."""
    text = token.get("content") if isinstance(token, dict) else token
    return tokenizer.token_to_id(text) if isinstance(text, str) else None
