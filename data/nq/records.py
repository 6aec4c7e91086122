"""Records of Natural Questions: a question, a page, and what annotators marked in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from .spans import NqSpan


class YesNo(StrEnum):
    """An annotator's or a system's yes/no answer."""

    NONE = "none"
    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class NqAnswer:
    """One annotator's or a system's long answer, with short answers or yes or no."""

    long_answer: NqSpan = NqSpan()
    """Null where there is none."""
    short_answers: tuple[NqSpan, ...] = ()
    """The spans that are not null; several of them form one answer together."""
    yes_no: YesNo = YesNo.NONE

    @property
    def has_long(self) -> bool:
        """Whether there is a long answer."""
        return not self.long_answer.is_null

    @property
    def has_short(self) -> bool:
        """Whether there is a short answer, which may be yes or no."""
        return bool(self.short_answers) or self.yes_no is not YesNo.NONE


@dataclass(frozen=True, slots=True)
class NqCandidate:
    """A paragraph, list, table or part of one that may be a long answer."""

    span: NqSpan
    top_level: bool
    """False where the candidate is inside another."""


@dataclass(frozen=True, slots=True)
class NqDocument:
    """A page as tokens: words, and HTML tags of headings, paragraphs, lists and tables."""

    title: str
    url: str
    """URL of a revision of the page, so that equal URLs mean equal pages; may be empty."""
    tokens: Sequence[str]
    is_html: Sequence[bool]
    """For each token, whether it is a tag."""
    byte_spans: Sequence[tuple[int, int]] = ()
    """For each token, start and end (exclusive) in the UTF-8 bytes of the HTML; empty in the
    simplified form."""

    def span(self, start_token: int, end_token: int) -> NqSpan:
        """Return the span of some tokens, with its bytes where ``byte_spans`` is not empty.

        Args:
            start_token: Number of the first token.
            end_token: Number of the last token plus one; at least ``start_token + 1``.
        """
        if not self.byte_spans:
            return NqSpan(start_token, end_token)
        start_byte, end_byte = self.byte_spans[start_token][0], self.byte_spans[end_token - 1][1]
        return NqSpan(start_token, end_token, start_byte, end_byte)


@dataclass(frozen=True, slots=True)
class NqExample:
    """A question with its page, one line of the data set."""

    example_id: str
    question: str
    document: NqDocument
    candidates: tuple[NqCandidate, ...]
    annotations: tuple[NqAnswer, ...]
    """One for each annotator: one in the training set, five in the development set, none in a test
    set."""
