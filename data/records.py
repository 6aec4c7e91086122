"""The records that travel between rooms: passages, questions and reading-comprehension examples."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """What is retrieved and read."""

    passage_id: str
    """The user's own identifier, unique in a corpus."""
    text: str
    """Answers are spans of this text; their offsets count its code points."""
    title: str = ""
    """Title of the page the passage was cut from, or empty."""


@dataclass(frozen=True, slots=True)
class Question:
    """An open-domain question: no passage is given."""

    question_id: str
    question: str
    answers: tuple[str, ...] = ()
    """Gold answers, any of which is right; empty where the file has none."""


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
