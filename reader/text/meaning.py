"""Telling text that carries meaning from punctuation, markup and space, which answer nothing.

Letters, digits and the symbols of currencies, percentages, mathematics, units and emoji carry
meaning. Punctuation, space and the characters of markup, tables and lists do not.
"""

import regex
import torch
from tokenizers import Tokenizer
from torch import Tensor

from .vocabulary import vocabulary_of

_PERCENT = "%‰‱٪％﹪"
_MARKUP = "|~<=>｜～＜＝＞¦￤"
_SHAPES_AND_BLANKS = r"\u2500-\u25ff\u2800\u115f\u1160\u3164\uffa0\ufffc\ufffd"
"""Lines and shapes that tables and lists are drawn with, blank letters and symbols, and the
stand-ins for an object and for bytes that are not text."""
_MEANING = regex.compile(
    rf"(?V1)[[\p{{L}}\p{{N}}\p{{Sc}}\p{{Sm}}\p{{So}}{_PERCENT}]--[{_MARKUP}{_SHAPES_AND_BLANKS}]]"
)
_STANDS_ALONE = regex.compile(rf"(?V1)\s*[[\p{{P}}|^`~<=>]--[{_PERCENT}]]+")
"""Punctuation and ASCII markup: characters that are never part of a longer word."""
_WORD_MARKS = "#▁Ġ"
"""Marks in vocabularies of a token that continues a word (WordPiece) or begins one
(SentencePiece, byte-level BPE)."""


def has_meaning(text: str) -> bool:
    """Whether a text holds a character that carries meaning."""
    return _MEANING.search(text) is not None


def meaningful_tokens(tokenizer: Tokenizer) -> Tensor:
    """Find the tokens that may carry meaning.

    A token of punctuation or ASCII markup carries none in any text. For some others the text
    decides: the token for unknown words may stand for a word or for rare punctuation, and combining
    marks and the blank before a word belong to that word.

    Args:
        tokenizer: Tokenizer of the reader.

    Returns:
        False for tokens that carry no meaning in any text, by token id. Shape ``(n_tokens,)``,
        bool.
    """
    vocabulary = vocabulary_of(tokenizer)
    flags = torch.ones(max(vocabulary.values(), default=-1) + 1, dtype=torch.bool)
    for piece, number in vocabulary.items():
        rest = piece.lstrip(_WORD_MARKS)
        if not rest.isalnum() and _STANDS_ALONE.fullmatch(rest):
            # Decoding tells whether ``Ġ`` is a mark or a letter of this vocabulary.
            decoded = tokenizer.decode([number], skip_special_tokens=False)
            flags[number] = _STANDS_ALONE.fullmatch(decoded) is None
    return flags
