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
from string import punctuation
from typing import TYPE_CHECKING
from unicodedata import category

from tokenizers import Encoding, Tokenizer
from torch import Tensor

from ...data import PrereadError
from ...data.text.characters import whole_characters
from ..config import DeformerConfig
from ..hub import WITHOUT_CODE
from .meaning import has_meaning, meaningful_tokens
from .saved_tokenizer import SavedTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
"""Files of which a tokenizer has one at least."""
_IDEOGRAPHS = (
    ("\u3400", "\u4dbf"),
    ("\u4e00", "\u9fff"),
    ("\uf900", "\ufaff"),
    ("\U00020000", "\U0002ceaf"),
    ("\U0002f800", "\U0002fa1f"),
)
"""First and last character of each block of Chinese ideographs. Each ideograph is a word."""


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


class TokenMap:
    """A text, and the positions of its tokens."""

    def __init__(self, text: str, encoding: Encoding) -> None:
        """Map a text.

        Args:
            text: The text.
            encoding: The text as the tokenizer encoded it, without special tokens.
        """
        self.text = text
        self._encoding = encoding
        self.tokens: list[tuple[int, int]] = encoding.offsets
        """Start and end (exclusive) of each token, in code points."""

    def word(self, token: int) -> tuple[int, int]:
        """Find the word that a token is part of.

        Args:
            token: Number of the token.

        Returns:
            Start and end (exclusive) of the word, in code points.
        """
        number = self._encoding.token_to_word(token)
        within = None if number is None else self._encoding.word_to_chars(number)
        return _word(self.text, self.tokens[token], within or self.tokens[token])

    def char_span(self, first_token: int, last_token: int) -> tuple[int, int]:
        """Convert a span of tokens to a span of characters, widened to whole words.

        Args:
            first_token: Number of the first token.
            last_token: Number of the last token, inclusive.

        Returns:
            Start and end (exclusive) in code points, so that the answer is ``text[start:end]``.
            Combining accents stay with their letter: the span begins and ends at whole characters.
        """
        return whole_characters(self.text, self.word(first_token)[0], self.word(last_token)[1])

    def has_meaning(self, first_token: int, last_token: int) -> bool:
        """Whether the text of a span holds more than punctuation, markup and space.

        Args:
            first_token: Number of the first token.
            last_token: Number of the last token, inclusive.
        """
        inner = self.text[self.tokens[first_token][0] : self.tokens[last_token][1]]
        if has_meaning(inner):  # nearly always, and sooner known than the whole span
            return True
        start, end = self.char_span(first_token, last_token)
        return has_meaning(self.text[start:end])


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
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        raise PrereadError(
            f"{source}: expected a checkpoint with a fast tokenizer (tokenizer.json), found none "
            f"that can be loaded: {reason}"
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
        """
        self.config = config
        self.backend: Tokenizer = tokenizer.backend_tokenizer
        self.backend.no_truncation()
        self.backend.no_padding()
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
        """Divide passages into windows.

        Args:
            texts: Texts of the passages.
            titles: Title of each passage, empty if it has none; None if no passage has a title.

        Returns:
            The windows of each passage, at least one, in the order of its text.
        """
        title_ids = self._ids(titles) if titles is not None else [[] for _ in texts]
        return [
            self._windows(title, text)
            for title, text in zip(title_ids, self._ids(texts), strict=True)
        ]

    def token_map(self, text: str) -> "TokenMap":
        """Find the tokens of a passage's text.

        Args:
            text: Text of the passage, without its title.

        Returns:
            The text and the offsets of its tokens, numbered as in its windows.
        """
        return TokenMap(text, self.backend.encode(text, add_special_tokens=False))

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


def _word(text: str, token: tuple[int, int], within: tuple[int, int]) -> tuple[int, int]:
    """Find the word that a token is part of.

    A word of a WordPiece tokenizer ends at punctuation and is at most one ideograph. Other
    tokenizers take everything up to the next space for one word, so their words are divided here.

    Args:
        text: The tokenised text.
        token: Start and end of the token, in code points.
        within: Start and end of the tokenizer's word, in code points.

    Returns:
        Start and end (exclusive) of the word, in code points.
    """
    start, end = token
    if start == end:  # a blank before a character that is tokenised byte by byte
        return within
    while start > within[0] and not (_stands_alone(text[start - 1]) or _stands_alone(text[start])):
        start -= 1
    while end < within[1] and not (_stands_alone(text[end - 1]) or _stands_alone(text[end])):
        end += 1
    return start, end


def _stands_alone(character: str) -> bool:
    """Whether a character is a word by itself: punctuation or an ideograph.

    Source: the pre-tokenizer of BERT, https://github.com/google-research/bert, ``tokenization.py``.
    """
    if character.isascii():
        return character in punctuation
    return category(character).startswith("P") or any(
        first <= character <= last for first, last in _IDEOGRAPHS
    )
