"""Records that all rooms use: passages, questions and training examples."""

from dataclasses import dataclass, field
from enum import StrEnum

MetadataValue = str | int | float | bool | list[str]
"""Types of metadata fields."""
Metadata = dict[str, MetadataValue]
"""Fields of a passage besides identifier, title and text, by name."""


class AnswerMatch(StrEnum):
    """How a question's gold answers are matched."""

    STRING = "string"
    """As text: by normalised words against a prediction, by tokens in a passage."""
    REGEX = "regex"
    """As regular expressions, such as TREC's answer patterns."""


@dataclass(frozen=True, slots=True)
class Passage:
    """The unit of text that is retrieved and read."""

    passage_id: str
    """The user's identifier, unique in a corpus."""
    text: str
    """Answers are spans of this text, with offsets in code points."""
    title: str = ""
    """Title of the page that the passage is from; empty where it has none."""
    metadata: Metadata = field(default_factory=dict, hash=False)
    """Fields of the passage besides its text: its document, page, line … They are neither searched
    nor read. Names that begin with ``_`` are for the index only."""

    def shown_metadata(self) -> Metadata:
        """The metadata for people and other programs."""
        return {name: value for name, value in self.metadata.items() if name[:1] != "_"}


@dataclass(frozen=True, slots=True)
class Question:
    """An open-domain question, which comes without a passage."""

    question_id: str
    question: str
    answers: tuple[str, ...] = ()
    """Gold answers, each of them correct by itself; empty where the file has none."""
    match: AnswerMatch = AnswerMatch.STRING
    """Whether the gold answers are texts or patterns."""
    is_labelled: bool = True
    """False where the file has no gold answers for the question. True with empty ``answers`` means
    that the question has no answer."""


@dataclass(frozen=True, slots=True)
class ReadingExample:
    """A question about one context (reading comprehension)."""

    example_id: str
    question: str
    context: str
    answers: tuple[str, ...] = ()
    """Gold answers; each equals ``context[start : start + len(answer)]``."""
    answer_starts: tuple[int, ...] = ()
    """For each answer, its start in ``context``, in code points."""
    title: str = ""
    is_impossible: bool = False
    """True where the context does not contain an answer (SQuAD 2.0)."""
    multi_span: bool = False
    """True where the annotated answer consists of several spans (QED); training leaves such
    examples out."""


@dataclass(frozen=True, slots=True)
class OpenDomainExample:
    """A question with one passage that answers it and others that do not."""

    example_id: str
    question: str
    answers: tuple[str, ...]
    """Gold answers, at least one; each of them is correct by itself."""
    positive: Passage
    """The passage with the answer; its ``passage_id`` is empty where it is not from a corpus."""
    answer: str
    """The answer as written in the positive:
    ``positive.text[answer_start : answer_start + len(answer)]``."""
    answer_start: int
    """Start of the answer in the positive's text, in code points."""
    negatives: tuple[Passage, ...]
    """Passages that contain none of the answers, hardest first."""


@dataclass(frozen=True, slots=True)
class PairExample:
    """Two texts with one label, as in BoolQ, MNLI and QQP."""

    example_id: str
    first: str
    """Question, premise, or first question."""
    second: str
    """Passage, hypothesis, or second question."""
    label: str
    """``true`` or ``false``, or the data set's own label."""


@dataclass(frozen=True, slots=True)
class ChoiceExample:
    """A question about a passage, with answers to choose from, as in RACE."""

    example_id: str
    asked: tuple[str, ...]
    """For each choice, the question and the choice as one text."""
    passage: str
    label: int
    """Number of the correct choice, counted from 0."""
