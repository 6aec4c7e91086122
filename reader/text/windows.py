"""How text is laid out for the reader: questions, and the windows of a passage.

A question is ``[CLS] q1 … qm [SEP]``, or ``q1 … qm [SEP] [CLS]`` where the passage comes first. A
passage's window is ``t1 … tk [SEP] c1 … cn [SEP]``, the title first where there is one, and before
it another [SEP] where the reader's base has two; a passage longer than a window gives several,
which overlap:

    text tokens   0                192              384        500
    window 0      |---------------------|
    window 1                       |---------------------|
    window 2                                        |----------|

Windows do not depend on the question, which is what makes their states worth storing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from string import punctuation
from unicodedata import category

from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from ...data import PrereadError
from ...data.text.characters import whole_characters
from ..config import DeformerConfig

_IDEOGRAPHS = (
    ("\u3400", "\u4dbf"),
    ("\u4e00", "\u9fff"),
    ("\uf900", "\ufaff"),
    ("\U00020000", "\U0002ceaf"),
    ("\U0002f800", "\U0002fa1f"),
)
"""First and last of the blocks of Chinese characters, each of which is a word."""


@dataclass(frozen=True, slots=True)
class Window:
    """One stretch of a passage, as token ids."""

    token_ids: tuple[int, ...]
    """Title, [SEP], text, [SEP]; RoBERTa's begin with one more."""
    n_prefix: int
    """Tokens before the text."""
    first_token: int
    """Which token of the passage's text the window's text begins with."""

    @property
    def n_text(self) -> int:
        """Tokens of text."""
        return len(self.token_ids) - self.n_prefix - 1


@dataclass(frozen=True, slots=True)
class TokenMap:
    """A text, and where its tokens stand in it."""

    text: str
    tokens: tuple[tuple[int, int], ...]
    """Start and end (exclusive) of each token, in code points."""
    words: tuple[tuple[int, int], ...]
    """Start and end of the word that each token is part of."""

    def char_span(self, first_token: int, last_token: int) -> tuple[int, int]:
        """Code points of a span of tokens; a word that is cut is taken whole.

        Args:
            first_token: First token of the span.
            last_token: Last token, inclusive.

        Returns:
            Start and end (exclusive), so that the answer is ``text[start:end]``. No character is
            cut in two: accents that stand for themselves belong to the letter before them.
        """
        return whole_characters(self.text, self.words[first_token][0], self.words[last_token][1])


def load_tokenizer(source: str) -> PreTrainedTokenizerFast:
    """The tokenizer of a checkpoint.

    Args:
        source: Folder or hub name.

    Raises:
        PrereadError: If it has none that knows where in the text its tokens stand.
    """
    tokenizer = AutoTokenizer.from_pretrained(source)
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise PrereadError(
            f"{source}: expected a fast tokenizer (tokenizer.json), found "
            f"{type(tokenizer).__name__}, which cannot say where in the text a token stands. "
            "Name a checkpoint with one."
        )
    return tokenizer


class TextEncoder:
    """Turns questions and passages into token ids, and spans of tokens back into characters."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, config: DeformerConfig) -> None:
        """Wrap a fast Hugging Face tokenizer."""
        self.config = config
        self._backend: Tokenizer = tokenizer.backend_tokenizer
        self._backend.no_truncation()
        self._backend.no_padding()
        self.cls_id = int(tokenizer.cls_token_id)
        self.sep_id = int(tokenizer.sep_token_id)

    def encode_questions(self, questions: Sequence[str]) -> list[list[int]]:
        """Token ids of each question, cut to ``max_question_length``."""
        room = self.config.max_question_length - 2
        if self.config.passage_first:
            return [[*ids[:room], self.sep_id, self.cls_id] for ids in self._ids(questions)]
        return [[self.cls_id, *ids[:room], self.sep_id] for ids in self._ids(questions)]

    def count_cut_questions(self, questions: Sequence[str]) -> int:
        """How many questions are longer than ``max_question_length``, so that words are lost."""
        room = self.config.max_question_length - 2
        return sum(len(ids) > room for ids in self._ids(questions))

    def encode_passages(
        self, texts: Sequence[str], titles: Sequence[str] | None = None
    ) -> list[list[Window]]:
        """Windows of each passage, at least one each.

        Args:
            texts: The passages.
            titles: Their titles, empty where there is none.

        Returns:
            For each passage its windows, in the order of the text.
        """
        title_ids = self._ids(titles) if titles is not None else [[] for _ in texts]
        return [
            self._windows(title, text)
            for title, text in zip(title_ids, self._ids(texts), strict=True)
        ]

    def token_map(self, text: str) -> "TokenMap":
        """Where the tokens of a passage's text stand in it."""
        encoding = self._backend.encode(text, add_special_tokens=False)
        tokens: list[tuple[int, int]] = encoding.offsets
        within = [
            (encoding.word_to_chars(word) if word is not None else None) or token
            for word, token in zip(encoding.word_ids, tokens, strict=True)
        ]
        words = [_word(text, *where) for where in zip(tokens, within, strict=True)]
        return TokenMap(text, tuple(tokens), tuple(words))

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        encodings = self._backend.encode_batch(list(texts), add_special_tokens=False)
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
    """The word that a token is part of.

    A WordPiece tokenizer's words end at punctuation and hold one ideograph. Others take all up to
    the next space for one, so that these are looked for here.

    Args:
        text: What was tokenised.
        token: Where the token stands.
        within: What the tokenizer says is its word.
    """
    start, end = token
    if start == end:  # the blank before a character whose bytes are tokens of their own
        return within
    while start > within[0] and not (_stands_alone(text[start - 1]) or _stands_alone(text[start])):
        start -= 1
    while end < within[1] and not (_stands_alone(text[end - 1]) or _stands_alone(text[end])):
        end += 1
    return start, end


def _stands_alone(character: str) -> bool:
    """Whether a character is no part of a longer word: punctuation, or an ideograph.

    Source: the pre-tokenizer of BERT, https://github.com/google-research/bert, ``tokenization.py``.
    """
    if character.isascii():
        return character in punctuation
    return category(character).startswith("P") or any(
        first <= character <= last for first, last in _IDEOGRAPHS
    )
