"""One example of Natural Questions: a question, a whole page, and what annotators marked in it."""

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
    """A long answer, and short answers or a yes/no: one annotator's, or a system's."""

    long_answer: NqSpan = NqSpan()
    """Null where there is none."""
    short_answers: tuple[NqSpan, ...] = ()
    """The spans, null ones taken out; several make up one answer together."""
    yes_no: YesNo = YesNo.NONE

    @property
    def has_long(self) -> bool:
        """Whether there is a long answer."""
        return not self.long_answer.is_null

    @property
    def has_short(self) -> bool:
        """Whether there is a short answer; a yes or no is one."""
        return bool(self.short_answers) or self.yes_no is not YesNo.NONE


@dataclass(frozen=True, slots=True)
class NqCandidate:
    """A part of the page that may be a long answer: a paragraph, list, table, or part of one."""

    span: NqSpan
    top_level: bool
    """False where another candidate holds it."""


@dataclass(frozen=True, slots=True)
class NqDocument:
    """A page as tokens. Those of HTML are tags of headings, paragraphs, lists and tables."""

    title: str
    url: str
    """Names a revision of the page, so that equal URLs are equal pages; empty where not given."""
    tokens: Sequence[str]
    is_html: Sequence[bool]
    """For each token, whether it is a tag."""
    byte_spans: Sequence[tuple[int, int]] = ()
    """For each token, its place in the UTF-8 bytes of the HTML; empty in the simplified form."""

    def span(self, start_token: int, end_token: int) -> NqSpan:
        """The span of some tokens, at least one, with its bytes where they are known."""
        if not self.byte_spans:
            return NqSpan(start_token, end_token)
        start_byte, end_byte = self.byte_spans[start_token][0], self.byte_spans[end_token - 1][1]
        return NqSpan(start_token, end_token, start_byte, end_byte)


@dataclass(frozen=True, slots=True)
class NqExample:
    """One line of the data set."""

    example_id: str
    question: str
    document: NqDocument
    candidates: tuple[NqCandidate, ...]
    annotations: tuple[NqAnswer, ...]
    """One in the training set, five in the development set, none in a test set."""
