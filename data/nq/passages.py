"""Pages of Natural Questions as passages, and the way back from characters to tokens and bytes."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from ..records import Passage
from .records import NqCandidate, NqDocument, NqExample
from .spans import NqSpan

_LINE_TAG = re.compile(r"</?(?:p|tr|table|caption|li|[uod]l|d[dt]|h[1-6])(?![a-z0-9])", re.I)
"""Tags that begin or end a line. The cells of a table's row stay on one."""
_TAG_NAME = re.compile(r"<([A-Za-z0-9]+)")


@dataclass(frozen=True, slots=True)
class NqTokenMap:
    r"""Text made of a document's tokens, tags left out, that knows where each token stands.

    Tokens are joined by blanks, and by line ends where a tag ends a paragraph, an item or a row::

        token      <Ul>  <Li>  Larry  Page  </Li>  <Li>  Sergey  </Li>  </Ul>
        number      13    14    15     16     17    18     19      20     21
        text                    Larry  Page   \n           Sergey
        start                   0      6                   11
    """

    text: str
    numbers: tuple[int, ...]
    """Numbers in the document of the tokens that are in the text, rising."""
    starts: tuple[int, ...]
    """Where each of them starts, in code points of the text."""
    ends: tuple[int, ...]
    """Where each of them ends."""

    @classmethod
    def of(cls, document: NqDocument, start_token: int, end_token: int) -> "NqTokenMap":
        """The text of some tokens of a document; empty where all are tags or blank."""
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
        """Where some tokens of the document stand in the text; None where none of them does."""
        first = bisect_left(self.numbers, start_token)
        last = bisect_left(self.numbers, end_token) - 1
        return (self.starts[first], self.ends[last]) if first <= last else None

    def tokens(self, start: int, end: int) -> tuple[int, int]:
        """The smallest range of the document's tokens that covers some characters of the text.

        Args:
            start: First character, in code points of the text.
            end: The character after the last.

        Returns:
            Number of the first token, and of the last plus one.

        Raises:
            ValueError: If the characters are not in the text, or are between tokens.
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
        """What it is on the page, in lower case: ``p``, ``table``, ``ul``, ``ol`` or ``dl``."""
        name = _TAG_NAME.match(self.document.tokens[self.candidate.span.start_token])
        return name[1].lower() if name else ""

    def span(self, start: int, end: int) -> NqSpan:
        """Tokens, and bytes where they are known, of an answer at some characters of the text.

        Raises:
            ValueError: If the characters are not in the text, or are between tokens.
        """
        return self.document.span(*self.token_map.tokens(start, end))


def passages_of(example: NqExample) -> Iterator[NqPassage]:
    """The top-level candidates with text, each named by the example and the candidate's number.

    Candidate 4 of example -7 is passage ``-7:4``.
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
