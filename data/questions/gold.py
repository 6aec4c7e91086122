"""Questions for evaluation, which need gold answers and unique identifiers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..errors import DataError
from ..io.json_records import shorten
from ..io.policy import (
    ErrorPolicy,
    OnError,
    ReadReport,
    SourceLocation,
    check_limit,
    draw,
    parse_each,
)
from ..records import AnswerMatch, Question
from .dispatch import locate_questions
from .formats import QuestionFormat
from .trec import check_pattern, read_patterns


def read_gold(
    path: str | Path,
    *,
    format: QuestionFormat = QuestionFormat.AUTO,
    match: AnswerMatch | None = None,
    patterns: str | Path | None = None,
    on_error: OnError = OnError.FAIL,
    report: ReadReport | None = None,
    limit: int | None = None,
) -> list[Question]:
    """Read questions with the gold answers by which predictions are scored.

    Args:
        path: A file of questions, plain or gzip; for Natural Questions, also a folder of files.
        format: The format; ``AUTO`` detects it from the name and the first record.
        match: How gold answers are matched. None means as regular expressions where ``patterns`` is
            given or the file is named CuratedTREC, and else as text.
        patterns: A file of TREC's answer patterns, which replace the answers in ``path``.
        on_error: What to do with a record that cannot be used.
        report: Updated with what is read and skipped; None for no report.
        limit: Number of questions after which to stop; None for all.

    Returns:
        The questions in the file's order. A question with an empty list of answers is kept; it has
        no answer, so that the empty prediction is correct.

    Raises:
        DataError: If a file cannot be read, or no question has an answer. Where ``on_error`` is
            ``FAIL``, also if a record cannot be used, a question has neither a list of answers nor
            a pattern, or an earlier question has its identifier.
        ValueError: If the limit is negative, or ``format`` or ``on_error`` is not a valid choice.
    """
    check_limit(limit)
    path = Path(path)
    policy = ErrorPolicy.of(on_error, report)
    by_topic = read_patterns(Path(patterns)) if patterns is not None else None
    if match is None:
        match = AnswerMatch.REGEX if by_topic is not None else usual_match(path)
    seen: set[str] = set()

    def check(question: Question, location: SourceLocation) -> Question:
        if by_topic is not None:
            answers = by_topic.get(question.question_id, ())
            question = replace(question, answers=answers, is_labelled=bool(answers))
        elif match is AnswerMatch.REGEX:
            for answer in question.answers:
                check_pattern(answer, location)
        _check(question, location, seen, patterns)
        return replace(question, match=match)

    found: Iterator[tuple[SourceLocation, Question]] = parse_each(
        locate_questions(path, format, policy), check, policy
    )
    gold = list(draw(found, path=path, noun="question", report=policy.report, limit=limit))
    if not any(question.answers for question in gold):
        raise DataError(
            f"expected questions with answers, found {len(gold):,} without. Name a file with "
            "answers, or TREC's patterns.",
            path=path,
        )
    return gold


def usual_match(path: str | Path) -> AnswerMatch:
    """Return how a file's answers are matched: CuratedTREC's as patterns, others as text.

    Args:
        path: The file; only its name distinguishes CuratedTREC.
    """
    path = Path(path)
    name = path.name.lower().replace("-", "").replace("_", "")
    return AnswerMatch.REGEX if "curatedtrec" in name else AnswerMatch.STRING


def _check(
    question: Question, location: SourceLocation, seen: set[str], patterns: str | Path | None
) -> None:
    """Refuse a question without gold answers, or with the identifier of an earlier one."""
    if not question.is_labelled:
        where = f" in {patterns}" if patterns is not None else ""
        raise location.error(
            f"expected the answers of {shorten(question.question)}, found none{where}. Add them "
            "(an empty list for a question without an answer, a pattern for a TREC topic), or drop "
            "the question."
        )
    if question.question_id in seen:
        raise location.error(
            f"expected each identifier once, found {question.question_id!r} a second time. Change "
            "one of the two."
        )
    seen.add(question.question_id)
