"""What makes a reading-comprehension example sound, whatever file it came from."""

from ..io.json_records import shorten
from ..io.policy import SourceLocation
from ..records import Question, ReadingExample


def check_example(example: ReadingExample, location: SourceLocation) -> ReadingExample:
    """The example, when each answer stands in the context where its offset says.

    Raises:
        DataError: If answers and offsets differ in number, an answer is not at its offset, or an
            impossible question has an answer. The message names the record's id.
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
            f"{shorten(example.answers)}. Change one of the two."
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
    """The example without its context; each distinct answer once."""
    answers = tuple(dict.fromkeys(example.answers))
    return Question(example.example_id, example.question, answers)
