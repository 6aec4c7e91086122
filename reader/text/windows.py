"""Layout of text for the reader: questions, and the windows of a passage.

A question is ``[CLS] q1 … qm [SEP]``, or ``q1 … qm [SEP] [CLS]`` if the passage comes first. A
window of a passage is ``t1 … tk [SEP] c1 … cn [SEP]``: the title if there is one, then text.
Families with two separators between texts begin a window with another [SEP]. A passage that does
not fit one window has several, which overlap::

    text tokens   0                192              384        500
    window 0      |---------------------|
    window 1                       |---------------------|
    window 2                                        |----------|

Windows do not depend on the question, so their states can be stored.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Tokenizer
from torch import Tensor

from ...data import Passage, PrereadError
from ...data.io.system_errors import first_line
from ..config import DeformerConfig
from ..hub import WITHOUT_CODE
from .meaning import meaningful_tokens
from .saved_tokenizer import SavedTokenizer
from .token_map import TokenAligner, TokenMap

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
"""Files of which a tokenizer has one at least."""


@dataclass(frozen=True, slots=True)
class Window:
    """One piece of a passage as token ids."""

    token_ids: tuple[int, ...]
    """Title, [SEP], text, [SEP]; in families with two separators, another [SEP] first."""
    n_prefix: int
    """Number of tokens before the text."""
    first_token: int
    """Position in the passage's text of the window's first text token, counted in tokens from 0."""

    @property
    def n_text(self) -> int:
        """Number of text tokens."""
        return len(self.token_ids) - self.n_prefix - 1


def load_tokenizer(source: str) -> "PreTrainedTokenizerFast":
    """Load the tokenizer of a checkpoint.

    Args:
        source: Folder of the checkpoint.

    Raises:
        PrereadError: If there is no tokenizer, or it cannot report the offsets of its tokens.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    from .registration import register_readers

    register_readers()
    try:
        if not any(True for name in _VOCABULARIES for _ in Path(source).glob(name)):
            # transformers would make a tokenizer without words.
            raise FileNotFoundError(f"no file is one of {', '.join(_VOCABULARIES)}")
        tokenizer = AutoTokenizer.from_pretrained(source, **WITHOUT_CODE)
    except (OSError, ValueError) as error:
        raise PrereadError(
            f"{source}: expected a checkpoint with a fast tokenizer (tokenizer.json), found none "
            f"that can be loaded: {first_line(error)}"
        ) from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise PrereadError(
            f"{source}: expected a fast tokenizer (tokenizer.json), found "
            f"{type(tokenizer).__name__}, which does not report the offsets of tokens. "
            "Name a checkpoint with a fast tokenizer."
        )
    return tokenizer


class TextEncoder:
    """Converts questions and passages to token ids, and finds tokens in their text."""

    def __init__(
        self, tokenizer: "PreTrainedTokenizerFast | SavedTokenizer", config: DeformerConfig
    ) -> None:
        """Wrap a tokenizer.

        Args:
            tokenizer: Fast tokenizer. Its truncation and padding are switched off.
            config: Configuration of the reader, with the lengths of questions and windows.

        Raises:
            PrereadError: If the tokenizer does not say which tokens are [CLS] and [SEP].
        """
        if tokenizer.cls_token_id is None or tokenizer.sep_token_id is None:
            raise PrereadError(
                "tokenizer: expected tokens for [CLS] and [SEP], found none that are named so. Add "
                "cls_token and sep_token to tokenizer_config.json."
            )
        self.config = config
        self.backend: Tokenizer = tokenizer.backend_tokenizer
        self.backend.no_truncation()
        self.backend.no_padding()
        self._aligner = TokenAligner(self.backend)
        self.cls_id = int(tokenizer.cls_token_id)
        self.sep_id = int(tokenizer.sep_token_id)

    def with_config(self, config: DeformerConfig) -> "TextEncoder":
        """An encoder with the same tokenizer, for other lengths of questions and windows.

        Args:
            config: Configuration with these lengths.
        """
        other = copy(self)
        other.config = config
        vars(other)["meaningful_tokens"] = self.meaningful_tokens  # found once for all lengths
        return other

    @cached_property
    def meaningful_tokens(self) -> Tensor:
        """False for tokens of punctuation or markup. Shape ``(n_tokens,)``, bool."""
        return meaningful_tokens(self.backend)

    def encode_questions(self, questions: Sequence[str]) -> list[list[int]]:
        """Token ids of each question, cut to ``max_question_length``."""
        room = self.config.max_question_length - 2
        if self.config.passage_first:
            return [[*ids[:room], self.sep_id, self.cls_id] for ids in self._ids(questions)]
        return [[self.cls_id, *ids[:room], self.sep_id] for ids in self._ids(questions)]

    def count_cut_questions(self, questions: Sequence[str]) -> int:
        """Number of questions that are longer than ``max_question_length`` and lose words."""
        room = self.config.max_question_length - 2
        return sum(len(ids) > room for ids in self._ids(questions))

    def encode_passages(
        self, texts: Sequence[str], titles: Sequence[str] | None = None
    ) -> list[list[Window]]:
        """Divide passages into windows: of each at least one, in the order of its text.

        Args:
            texts: Texts of the passages.
            titles: Title of each passage, empty if it has none; None if no passage has a title.
        """
        title_ids = self._ids(titles) if titles is not None else [[] for _ in texts]
        return [
            self._windows(title, text)
            for title, text in zip(title_ids, self._ids(texts), strict=True)
        ]

    def windows_of(self, passages: Sequence[Passage]) -> list[list[Window]]:
        """Divide passages into windows, as `encode_passages` does with their texts and titles.

        Args:
            passages: The passages.
        """
        return self.encode_passages([one.text for one in passages], [one.title for one in passages])

    def token_map(self, text: str, token_ids: Sequence[int] = ()) -> TokenMap:
        """Find the tokens of a passage's text, numbered as in its windows.

        Args:
            text: Text of the passage, without its title.
            token_ids: Its token ids, if they are known; most texts then need not be tokenised.
        """
        known = self._aligner.align(text, token_ids)
        if known is not None:
            return known
        return TokenMap.of_encoding(text, self.backend.encode(text, add_special_tokens=False))

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        encodings = self.backend.encode_batch(list(texts), add_special_tokens=False)
        return [e.ids for e in encodings]

    def _windows(self, title: list[int], text: list[int]) -> list[Window]:
        prefix = [self.sep_id] if self.config.begins_with_separator else []
        if title or self.config.separates_untitled:
            prefix += [*title[: self.config.max_title_length - 1], self.sep_id]
        room = self.config.window_length - len(prefix) - 1
        windows = []
        for first in range(0, max(len(text), 1), self.config.window_stride):
            part = text[first : first + room]
            windows.append(Window((*prefix, *part, self.sep_id), len(prefix), first))
            if first + room >= len(text):
                break
        return windows
