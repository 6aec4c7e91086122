"""Pages of Natural Questions as passages whose characters map to tokens and bytes of the page."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from ..records import Passage
from .records import NqCandidate, NqDocument, NqExample
from .spans import NqSpan

_LINE_TAG = re.compile(r"</?(?:p|tr|table|caption|li|[uod]l|d[dt]|h[1-6])(?![a-z0-9])", re.I)
"""Tags that begin or end a line; the cells of a table's row stay on one line."""
_TAG_NAME = re.compile(r"<([A-Za-z0-9]+)")


@dataclass(frozen=True, slots=True)
class NqTokenMap:
    r"""The text of a document's tokens without tags, and where each token stands in it.

    Tokens are joined by spaces, or by a newline where a tag ends a paragraph, an item or a row::

        token      <Ul>  <Li>  Larry  Page  </Li>  <Li>  Sergey  </Li>  </Ul>
        number      13    14    15     16     17    18     19      20     21
        text                    Larry  Page   \n           Sergey
        start                   0      6                   11
    """

    text: str
    numbers: tuple[int, ...]
    """For each token in the text, its number in the document; ascending."""
    starts: tuple[int, ...]
    """For each token in the text, its start, in code points of the text."""
    ends: tuple[int, ...]
    """For each token in the text, its end (exclusive), in code points of the text."""

    @classmethod
    def of(cls, document: NqDocument, start_token: int, end_token: int) -> "NqTokenMap":
        """Make the text of some tokens; it is empty where all of them are tags or blank.

        Args:
            document: The page.
            start_token: Number of the first token.
            end_token: Number of the last token plus one.
        """
        pieces: list[str] = []
        numbers, starts, ends = [], [], []
        length, ends_line = 0, False
        for number in range(start_token, end_token):
            token = document.tokens[number]
            if document.is_html[number]:
                ends_line = ends_line or bool(_LINE_TAG.match(token))
                continue
            if not token.strip():
                continue
            if pieces:
                pieces.append("\n" if ends_line else " ")
                length += 1
            ends_line = False
            numbers.append(number)
            starts.append(length)
            pieces.append(token)
            length += len(token)
            ends.append(length)
        return cls("".join(pieces), tuple(numbers), tuple(starts), tuple(ends))

    def characters(self, start_token: int, end_token: int) -> tuple[int, int] | None:
        """Find where some tokens of the document stand in the text.

        Args:
            start_token: Number of the first token in the document.
            end_token: Number of the last token plus one.

        Returns:
            Start and end (exclusive), in code points of the text; None where none of the tokens is
            in the text.
        """
        first = bisect_left(self.numbers, start_token)
        last = bisect_left(self.numbers, end_token) - 1
        return (self.starts[first], self.ends[last]) if first <= last else None

    def tokens(self, start: int, end: int) -> tuple[int, int]:
        """Find the smallest range of the document's tokens that covers some characters.

        Args:
            start: Offset of the first character, in code points of the text.
            end: Offset after the last character.

        Returns:
            Number of the first token, and number of the last token plus one.

        Raises:
            ValueError: If the characters are outside the text, or between tokens.
        """
        first, last = bisect_right(self.ends, start), bisect_left(self.starts, end) - 1
        if not 0 <= start < end <= len(self.text) or first > last:
            raise ValueError(
                f"expected characters of a token in a text of {len(self.text)}, found {start}:{end}"
            )
        return self.numbers[first], self.numbers[last] + 1


@dataclass(frozen=True, slots=True)
class NqPassage:
    """A top-level long-answer candidate as a passage."""

    passage: Passage
    candidate: NqCandidate
    document: NqDocument
    token_map: NqTokenMap

    @property
    def tag(self) -> str:
        """The passage's HTML tag in lower case: ``p``, ``table``, ``ul``, ``ol`` or ``dl``."""
        name = _TAG_NAME.match(self.document.tokens[self.candidate.span.start_token])
        return name[1].lower() if name else ""

    def span(self, start: int, end: int) -> NqSpan:
        """Return the span in the document that covers some characters of the passage.

        Args:
            start: Offset of the first character, in code points of the passage's text.
            end: Offset after the last character.

        Raises:
            ValueError: If the characters are outside the text, or between tokens.
        """
        return self.document.span(*self.token_map.tokens(start, end))


def passages_of(example: NqExample) -> Iterator[NqPassage]:
    """Yield the top-level candidates that have text, as passages.

    A passage's identifier is the example's and the candidate's number: candidate 4 of example -7 is
    passage ``-7:4``.

    Args:
        example: A page with its candidates.
    """
    document = example.document
    for number, candidate in enumerate(example.candidates):
        if not candidate.top_level:
            continue
        span = candidate.span
        token_map = NqTokenMap.of(document, span.start_token, span.end_token)
        if token_map.text:
            name = f"{example.example_id}:{number}"
            passage = Passage(name, token_map.text, document.title)
            yield NqPassage(passage, candidate, document, token_map)
