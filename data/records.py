"""The records that travel between rooms: passages, questions and examples to train on."""

from dataclasses import dataclass, field
from enum import StrEnum

MetadataValue = str | int | float | bool | list[str]
"""What a field of metadata may hold."""
Metadata = dict[str, MetadataValue]
"""What is known of a passage besides its text, by the names of its fields."""


class AnswerMatch(StrEnum):
    """How a question's gold answers are compared with what is found."""

    STRING = "string"
    """As text: normalised words, or tokens one after another."""
    REGEX = "regex"
    """As regular expressions, as TREC's answer patterns are."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What is retrieved and read."""

    passage_id: str
    """The user's own identifier, unique in a corpus."""
    text: str
    """Answers are spans of this text; their offsets count its code points."""
    title: str = ""
    """Title of the page the passage was cut from, or empty."""
    metadata: Metadata = field(default_factory=dict, hash=False)
    """Where the passage is from: its document, page, line … Neither searched nor read. Names that
    begin with ``_`` are for the index alone."""

    def shown_metadata(self) -> Metadata:
        """The metadata for people and other programs."""
        return {name: value for name, value in self.metadata.items() if name[:1] != "_"}


@dataclass(frozen=True, slots=True)
class Question:
    """An open-domain question: no passage is given."""

    question_id: str
    question: str
    answers: tuple[str, ...] = ()
    """Gold answers, any of which is right; empty where the file has none."""
    match: AnswerMatch = AnswerMatch.STRING
    """What the gold answers are: texts or patterns."""
    is_labelled: bool = True
    """False where the file does not say which answers are right; without gold answers, True means
    that there is none to be found."""


@dataclass(frozen=True, slots=True)
class ReadingExample:
    """A question about one given context (reading comprehension)."""

    example_id: str
    question: str
    context: str
    answers: tuple[str, ...] = ()
    """Gold answers. Each equals ``context[start : start + len(answer)]`` for its start."""
    answer_starts: tuple[int, ...] = ()
    """Code point offsets into ``context``, one for each answer."""
    title: str = ""
    is_impossible: bool = False
    """True where the context does not hold the answer (SQuAD 2.0)."""
    multi_span: bool = False
    """True where the annotated answer is several spans (QED); such records are not trained on."""


@dataclass(frozen=True, slots=True)
class OpenDomainExample:
    """A question with the passage that answers it and passages that do not."""

    example_id: str
    question: str
    answers: tuple[str, ...]
    """Gold answers, any of which is right; at least one."""
    positive: Passage
    """The passage that answers; its ``passage_id`` is empty where it is from no corpus."""
    answer: str
    """Equals ``positive.text[answer_start : answer_start + len(answer)]``."""
    answer_start: int
    """Code point offset into the positive's text."""
    negatives: tuple[Passage, ...]
    """Passages that hold none of the answers, hardest first."""


@dataclass(frozen=True, slots=True)
class PairExample:
    """Two texts, and what is said of them: BoolQ, MNLI, QQP."""

    example_id: str
    first: str
    """Question, premise, or first question."""
    second: str
    """Passage, hypothesis, or second question."""
    label: str
    """``true`` and ``false``, or the data set's own word."""


@dataclass(frozen=True, slots=True)
class ChoiceExample:
    """A question about a passage, with answers to choose from: RACE."""

    example_id: str
    asked: tuple[str, ...]
    """The question with each of the choices, as one text."""
    passage: str
    label: int
    """Which of the choices is right, from 0."""
