"""Natural Questions as open-domain questions and as reading comprehension.

Source: https://github.com/google-research-datasets/natural-questions.
"""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from ..io.policy import ErrorPolicy, SourceLocation, parse_each
from ..nq import NqExample, NqPassage, NqTokenMap, parse_example, passages_of, read_nq_records
from ..records import Question, ReadingExample
from .examples import check_example


class LeftOutReason(StrEnum):
    """Why a record has no answer that is a single span of text."""

    NO_ANSWER = "no answer"
    LONG_ONLY = "long answer only"
    YES_NO = "yes or no"
    SEVERAL_SPANS = "answer of several spans"
    TABLE = "answer in a table"
    NO_PASSAGE = "answer in no top-level candidate"


def read_nq_questions(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, Question]]:
    """Read Natural Questions as open-domain questions.

    A short answer of any annotator is a gold answer where it is a single span. Records without such
    an answer are left out and counted by reason. Records of a test set, which have no annotations,
    become questions without answers.

    Args:
        path: A file, plain or gzip, or a folder of files.
        policy: What to do with a record that cannot be used; its report counts what is left out.

    Yields:
        The location of each question, and the question with each distinct answer once.

    Raises:
        DataError: If a file cannot be read, or the policy is to fail and a record is refused.
    """
    for location, example in parse_each(read_nq_records(path, policy), parse_example, policy):
        answers = tuple(dict.fromkeys(_answer_texts(example)))
        if answers or not example.annotations:
            yield location, Question(example.example_id, example.question, answers)
        else:
            policy.report.left_out[_reason(example)] += 1


def read_nq_examples(
    path: Path, policy: ErrorPolicy
) -> Iterator[tuple[SourceLocation, ReadingExample]]:
    """Read Natural Questions as reading comprehension.

    The context is the paragraph or list that contains the most short answers, with the text it has
    when the same file is read as a corpus. Records without a short answer of a single span outside
    tables are left out and counted by reason.

    Args:
        path: A file, plain or gzip, or a folder of files.
        policy: What to do with a record that cannot be used; its report counts what is left out.

    Yields:
        The location of each example, and the example.

    Raises:
        DataError: If a file cannot be read, or the policy is to fail and a record is refused.
    """
    for location, example in parse_each(read_nq_records(path, policy), parse_example, policy):
        found = _reading_example(example)
        if isinstance(found, ReadingExample):
            yield location, check_example(found, location)
        else:
            policy.report.left_out[found] += 1


def _answer_texts(example: NqExample) -> Iterator[str]:
    """Yield the text of each annotator's short answer that is a single span."""
    for start, end in _answer_tokens(example):
        text = NqTokenMap.of(example.document, start, end).text
        if text:
            yield text


def _answer_tokens(example: NqExample) -> Iterator[tuple[int, int]]:
    """Yield the tokens of each annotator's short answer that is a single span."""
    for annotation in example.annotations:
        if len(annotation.short_answers) == 1:
            (span,) = annotation.short_answers
            yield span.start_token, span.end_token


def _reason(example: NqExample) -> LeftOutReason:
    """Return why no short answer is a single span: the reason nearest to one, of any annotator."""
    annotations = example.annotations
    if any(annotation.short_answers for annotation in annotations):
        return LeftOutReason.SEVERAL_SPANS
    if any(annotation.has_short for annotation in annotations):
        return LeftOutReason.YES_NO
    if any(annotation.has_long for annotation in annotations):
        return LeftOutReason.LONG_ONLY
    return LeftOutReason.NO_ANSWER


def _reading_example(example: NqExample) -> ReadingExample | LeftOutReason:
    """Pair the question with the passage that contains most of its answers."""
    answers = Counter(_answer_tokens(example))
    if not answers:
        return _reason(example)
    best, n_best, in_table = None, 0, False
    for passage in passages_of(example):
        inside = _inside(passage, answers)
        in_table = in_table or (bool(inside) and passage.tag == "table")
        if passage.tag != "table" and inside.total() > n_best:
            best, n_best = passage, inside.total()
    if best is None:
        return LeftOutReason.TABLE if in_table else LeftOutReason.NO_PASSAGE
    text = best.passage.text
    spans = sorted(_inside(best, answers))
    return ReadingExample(
        example_id=example.example_id,
        question=example.question,
        context=text,
        answers=tuple(text[start:end] for start, end in spans),
        answer_starts=tuple(start for start, _ in spans),
        title=example.document.title,
    )


def _inside(passage: NqPassage, answers: Counter[tuple[int, int]]) -> Counter[tuple[int, int]]:
    """Count the answers within a passage, by start and end in its text."""
    found: Counter[tuple[int, int]] = Counter()
    candidate = passage.candidate.span
    for (start, end), count in answers.items():
        if candidate.start_token <= start and end <= candidate.end_token:
            characters = passage.token_map.characters(start, end)
            if characters is not None:
                found[characters] += count
    return found
