"""Where the tokens of a text lie in it.

A tokenizer tells it while it divides the text. Where the token ids of the text are known, as those
of stored windows are, they are enough: the pieces of a WordPiece vocabulary, one after another,
spell the text.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from string import punctuation
from unicodedata import category

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import Normalizer

from ...data.text.characters import whole_characters
from .meaning import has_meaning
from .vocabulary import vocabulary_of

_IDEOGRAPHS = (
    ("\u3400", "\u4dbf"),
    ("\u4e00", "\u9fff"),
    ("\uf900", "\ufaff"),
    ("\U00020000", "\U0002ceaf"),
    ("\U0002f800", "\U0002fa1f"),
)
"""First and last character of each block of Chinese ideographs. Each ideograph is a word."""
_CONTINUES = "##"
"""Prefix of a WordPiece token that continues a word."""
_SPACE = ord(" ")
_NO_PIECE = "\0"
"""A character that no piece has. It stands for a character that cannot be aligned."""


@dataclass(frozen=True, slots=True, eq=False)
class TokenMap:
    """A text, and the positions of its tokens."""

    text: str
    """The text."""
    tokens: list[tuple[int, int]]
    """Start and end (exclusive) of each token, in code points."""
    within: Callable[[int], tuple[int, int]]
    """Start and end (exclusive) of what the tokenizer takes for the word of a numbered token."""

    @classmethod
    def of_encoding(cls, text: str, encoding: Encoding) -> "TokenMap":
        """Map a text that a tokenizer encoded.

        Args:
            text: The text.
            encoding: The text as the tokenizer encoded it, without special tokens.
        """
        tokens: list[tuple[int, int]] = encoding.offsets

        def within(token: int) -> tuple[int, int]:
            number = encoding.token_to_word(token)
            return (None if number is None else encoding.word_to_chars(number)) or tokens[token]

        return cls(text, tokens, within)

    def word(self, token: int) -> tuple[int, int]:
        """Find start and end (exclusive), in code points, of the word that a token is part of.

        Args:
            token: Number of the token.
        """
        return _word(self.text, self.tokens[token], self.within(token))

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


class TokenAligner:
    """Finds the tokens of texts whose token ids are known, without tokenising the texts again."""

    def __init__(self, backend: Tokenizer) -> None:
        """Wrap a tokenizer.

        Args:
            backend: The tokenizer that made the token ids. Only those of WordPiece are aligned.
        """
        self._backend = backend
        self._forms = _Forms(backend.normalizer)

    @cached_property
    def _pieces(self) -> tuple[list[str], NDArray[np.int64], list[bool]] | None:
        """Text of each token, its length, and whether it continues a word; None if not WordPiece.

        The length is in code points. Shape ``(vocab_size,)``.
        """
        model = self._backend.model
        if not isinstance(model, WordPiece) or model.continuing_subword_prefix != _CONTINUES:
            return None
        vocabulary = vocabulary_of(self._backend)
        texts = [""] * (max(vocabulary.values(), default=-1) + 1)
        continues = [False] * len(texts)
        for piece, number in vocabulary.items():
            continues[number] = len(piece) > len(_CONTINUES) and piece.startswith(_CONTINUES)
            texts[number] = piece.removeprefix(_CONTINUES) if continues[number] else piece
        return texts, np.array([len(piece) for piece in texts], np.int64), continues

    def align(self, text: str, token_ids: Sequence[int]) -> TokenMap | None:
        """Find the tokens of a text.

        Args:
            text: The text.
            token_ids: Its token ids, as they may be stored somewhere.

        Returns:
            What the tokenizer would tell; None if the tokens do not spell the text one character
            for one, as with unknown words, rare characters, or token ids of another text.
        """
        if self._pieces is None or not token_ids:
            return None
        texts, lengths_of, continues = self._pieces
        if not 0 <= min(token_ids) <= max(token_ids) < len(texts):
            return None
        spelled = text.translate(self._forms)
        if "".join([texts[number] for number in token_ids]) != spelled.replace(" ", ""):
            return None
        lengths = lengths_of[np.asarray(token_ids)]
        after = lengths.cumsum()  # how many characters other than spaces stand before its end
        places = np.flatnonzero(np.frombuffer(spelled.encode("utf-32-le"), np.uint32) != _SPACE)
        starts, ends = places[after - lengths], places[after - 1] + 1
        if not np.array_equal(ends - starts, lengths):  # a space within a piece, or an empty piece
            return None
        tokens = list(zip(starts.tolist(), ends.tolist(), strict=True))

        def within(token: int) -> tuple[int, int]:
            first, after = token, token + 1
            while first and continues[token_ids[first]]:
                first -= 1
            while after < len(tokens) and continues[token_ids[after]]:
                after += 1
            return tokens[first][0], tokens[after - 1][1]

        return TokenMap(text, tokens, within)


class _Forms(dict[int, str]):
    """The normalised form of each character, by code point: one character, a space for a space."""

    def __init__(self, normalizer: Normalizer | None) -> None:
        """Begin without any; no normalizer leaves characters as they are."""
        super().__init__()
        self._normalizer = normalizer

    def __missing__(self, code_point: int) -> str:
        """Find the form of a character."""
        form = chr(code_point)
        if self._normalizer is not None and not form.isspace():
            form = self._normalizer.normalize_str(form).strip()
        self[code_point] = " " if form.isspace() else form if len(form) == 1 else _NO_PIECE
        return self[code_point]


def _word(text: str, token: tuple[int, int], within: tuple[int, int]) -> tuple[int, int]:
    """Find the word that a token is part of.

    A word of a WordPiece tokenizer ends at punctuation and is at most one ideograph. Other
    tokenizers take everything up to the next space for one word, so their words are divided here.
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
