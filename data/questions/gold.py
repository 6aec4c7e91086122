"""Questions to be scored: their gold answers must be known, their identifiers unique."""

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
    """Read questions with the answers they will be scored by.

    Args:
        path: As in `read_questions`.
        format: As in `read_questions`.
        match: What the answers are; by default regular expressions where they come of ``patterns``
            or the file is named CuratedTREC, else text.
        patterns: A file of TREC's answer patterns, which replace the answers of ``path``.
        on_error: What to do with a record that cannot be used.
        report: Filled with what was read and skipped, where given.
        limit: Number of questions after which to stop.

    Returns:
        The questions in the file's order. An empty list of answers is one: there is none to be
        found.

    Raises:
        DataError: If no question has an answer; as in `read_questions`; or, where ``on_error`` is
            ``FAIL``, if a question has no answers field or no pattern, or an identifier is that of
            an earlier question.
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
            f"expected questions with answers, found none with one among {len(gold):,}. Name a "
            "file with answers, or TREC's patterns.",
            path=path,
        )
    return gold


def usual_match(path: str | Path) -> AnswerMatch:
    """What a file's answers are: CuratedTREC's are patterns, and only its name tells."""
    path = Path(path)
    name = path.name.lower().replace("-", "").replace("_", "")
    return AnswerMatch.REGEX if "curatedtrec" in name else AnswerMatch.STRING


def _check(
    question: Question, location: SourceLocation, seen: set[str], patterns: str | Path | None
) -> None:
    """Refuse a question that cannot be scored, or not told from another."""
    if not question.is_labelled:
        where = f" in {patterns}" if patterns is not None else ""
        raise location.error(
            f"expected the answers of {shorten(question.question)}, found none{where}. Add them "
            "(an empty list where there is none to be found; TREC's patterns for topics), or drop "
            "the question."
        )
    if question.question_id in seen:
        raise location.error(
            f"expected an identifier of its own for each question, found {question.question_id!r} "
            "a second time. Change one of the two."
        )
    seen.add(question.question_id)
