"""Finding a quotation in a text, word for word or nearly so."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import regex

from .characters import whole_characters

_CodePoints: TypeAlias = npt.NDArray[np.uint32]
_LIKE = {
    **dict.fromkeys("‘’‚‛′`´ʼ＇", "'"),
    **dict.fromkeys("“”„‟″«»＂", '"'),
    **dict.fromkeys("‐‑‒–—―−﹣－", "-"),
}
"""Typographic characters, and what is typed for them."""
_AROUND = " \"'.,;:!?-"
"""Characters at the ends of a quotation that need not stand in the text."""


_WORD_BREAK = regex.compile(r"(?w)\b")
"""Ends of words in all scripts: Unicode Standard Annex 29 (https://www.unicode.org/reports/tr29)."""


@dataclass(frozen=True, slots=True)
class FoldedText:
    """A text without differences of case, white space and typography, with its offsets."""

    text: str
    starts: tuple[int, ...]
    """Offset in the source of each character, in code points."""
    ends: tuple[int, ...]
    """Offset after the last code point of the source that each character stands for."""

    def source_span(self, start: int, end: int) -> tuple[int, int]:
        """Convert a span of the folded text to a span of the source.

        Args:
            start: First character of the folded text.
            end: Character after the last one; at least ``start + 1``.
        """
        return self.starts[start], self.ends[end - 1]


@lru_cache(maxsize=4096)
def _folded_character(character: str) -> str:
    """What is compared in place of a character; empty for one without a shape of its own."""
    if character in _LIKE:
        return _LIKE[character]
    if character.isspace():
        return " "
    if unicodedata.category(character) == "Cf":  # soft hyphens, zero-width characters
        return ""
    # Decomposed character by character, so that composed and decomposed accents are alike.
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())


def fold(text: str) -> FoldedText:
    """Make a text comparable: no case, one space for all white space, plain quotes and dashes.

    Args:
        text: The text.
    """
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for offset, character in enumerate(text):
        for one in _folded_character(character):
            if one == " " and (not characters or characters[-1] == " "):
                continue
            characters.append(one)
            starts.append(offset)
            ends.append(offset + 1)
    return FoldedText("".join(characters), tuple(starts), tuple(ends))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a text that is, or is like, a quotation."""

    start: int
    """Offset in the text, in code points."""
    end: int
    """Exclusive."""
    similarity: float
    """1 less the edits that turn one into the other, per character of the quotation; 1 if they are
    alike word for word."""
    is_exact: bool
    """Whether they are alike but for case, white space and typography."""


def folded_quotation(quotation: str) -> str:
    """A quotation as it is compared, without quotation marks and stops around it.

    Args:
        quotation: The quotation.
    """
    return fold(quotation).text.strip(_AROUND)


def find_exactly(quotation: str, text: str) -> Stretch | None:
    """Find a quotation in a text, but for case, white space, and the form of quotes and dashes.

    Args:
        quotation: What `folded_quotation` returned; not empty.
        text: The text.

    Returns:
        The first place where it stands as whole words; None if there is none.
    """
    folded = fold(text)
    place = folded.text.find(quotation)
    while place >= 0:
        end = place + len(quotation)
        if _stands_apart(folded.text, place, end):
            start, stop = whole_characters(text, *folded.source_span(place, end))
            return Stretch(start, stop, 1.0, True)
        place = folded.text.find(quotation, place + 1)
    return None


def align(quotation: str, text: str, min_similarity: float = 0.0) -> Stretch | None:
    """Find the stretch of a text that is most like a quotation.

    The stretch has the least edit distance to the quotation, counted in characters that are
    inserted, deleted or replaced. It is widened to whole words.

    Args:
        quotation: What `folded_quotation` returned; not empty.
        text: The text.
        min_similarity: A text that is too short to hold a stretch as similar as this is not
            aligned.

    Returns:
        The first such stretch; None if no character of the text is like one of the quotation, or
        the text is too short.

    Source: Sellers 1980, The theory and computation of evolutionary distances
    (https://doi.org/10.1016/0196-6774(80)90016-4). The cost is the product of both lengths, however
    alike the texts are; that of difflib grows with the cube.
    """
    folded = fold(text)
    whole = folded.text.rstrip()
    # Each character that the text lacks is an edit.
    if not whole or len(whole) < min_similarity * len(quotation):
        return None
    wanted, found = _code_points(quotation), _code_points(whole)
    ends = _distances(wanted, found)
    end = int(ends.argmin())
    distance = int(ends[end])
    # The same from behind: where the nearest stretch that ends there begins.
    starts = _distances(wanted[::-1], found[:end][::-1])
    start = end - int(starts.argmin())
    start += len(whole[start:end]) - len(whole[start:end].lstrip())
    end = start + len(whole[start:end].rstrip())
    if start == end:
        return None
    while not _is_boundary(whole, start):
        start -= 1
    while not _is_boundary(whole, end):
        end += 1
    where = whole_characters(text, *folded.source_span(start, end))
    return Stretch(*where, max(0.0, 1 - distance / len(quotation)), False)


def _distances(
    wanted: npt.NDArray[np.uint32], found: npt.NDArray[np.uint32]
) -> npt.NDArray[np.int64]:
    """The edit distance of a pattern to the nearest stretch that ends at each place of a text.

    Args:
        wanted: The pattern. Shape ``(n,)``.
        found: The text. Shape ``(m,)``.

    Returns:
        Shape ``(m + 1,)``, int64.
    """
    places = np.arange(len(found) + 1)
    row = np.zeros(len(found) + 1, dtype=np.int64)  # a stretch may begin anywhere
    for number, character in enumerate(wanted, start=1):
        new = np.empty_like(row)
        new[0] = number
        new[1:] = np.minimum(row[:-1] + (found != character), row[1:] + 1)
        # A character of the text that is passed over costs 1: the least of new[k] + (j - k).
        row = np.minimum.accumulate(new - places) + places
    return row


def _code_points(text: str) -> _CodePoints:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _stands_apart(text: str, start: int, end: int) -> bool:
    """Whether a stretch begins and ends at ends of words."""
    return _is_boundary(text, start) and _is_boundary(text, end)


def _is_boundary(text: str, offset: int) -> bool:
    """Whether an offset is not within a word."""
    return offset in (0, len(text)) or _WORD_BREAK.match(text, offset) is not None
