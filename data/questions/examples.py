"""Checks that apply to the reading-comprehension examples of every format."""

from ..io.json_records import shorten
from ..io.policy import SourceLocation
from ..records import Question, ReadingExample


def check_example(example: ReadingExample, location: SourceLocation) -> ReadingExample:
    """Check that each answer of an example stands at its offset in the context; return it.

    Args:
        example: The example.
        location: Where it stands, for the error.

    Raises:
        DataError: If the numbers of answers and offsets differ, an answer is not at its offset, or
            an impossible question has an answer. The error names the example's identifier.
    """
    name = f"record {example.example_id!r}"
    n_answers, n_starts = len(example.answers), len(example.answer_starts)
    if n_answers != n_starts:
        raise location.error(
            f"{name}: expected one offset for each answer, found {n_answers} answers and "
            f"{n_starts} offsets. Correct or drop the record."
        )
    if example.is_impossible and example.answers:
        raise location.error(
            f"{name}: expected no answers because 'is_impossible' is true, found "
            f"{shorten(example.answers)}. Correct one of the two."
        )
    for answer, start in zip(example.answers, example.answer_starts, strict=True):
        found = example.context[start : start + len(answer)] if start >= 0 else ""
        if found != answer:
            raise location.error(
                f"{name}: expected the answer {shorten(answer)} at offset {start} of the context "
                f"({len(example.context)} characters), found {shorten(found)}. "
                "Offsets count Unicode code points; correct it or drop the record."
            )
    return example


def as_question(example: ReadingExample) -> Question:
    """Return the example's question without its context, each distinct answer once.

    Args:
        example: The example.
    """
    answers = tuple(dict.fromkeys(example.answers))
    return Question(example.example_id, example.question, answers)
