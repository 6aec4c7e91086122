"""RACE: exam questions with four choices about an article, one JSON file for each article.

The release is ``{train,dev,test}/{middle,high}/N.txt``; each file holds ``article``, ``questions``,
``options`` (a list for each question) and ``answers`` (a letter for each).

Source: Lai et al. 2017 (https://aclanthology.org/D17-1082).
"""

from collections.abc import Iterator
from pathlib import Path

from ..errors import DataError
from ..io.fields import as_texts, check_unicode, take_text, take_texts
from ..io.folders import find_files
from ..io.json_records import read_json_object, shorten
from ..io.policy import ErrorPolicy, OnError, ReadReport, SourceLocation, check_limit, draw
from ..records import ChoiceExample

_SUFFIX = ".txt"
_BLANK = "_"
"""Marks in a question where the answer belongs."""


def read_choices(
    path: str | Path,
    *,
    on_error: OnError = OnError.FAIL,
    report: ReadReport | None = None,
    limit: int | None = None,
) -> Iterator[ChoiceExample]:
    """Read RACE's questions with choices.

    Args:
        path: A folder of RACE, sub-folders included, or one of its files.
        on_error: What to do with an article if its file or one of its questions cannot be used.
        report: Updated with what is read and skipped; None for no report.
        limit: Number of questions after which to stop; None for all.

    Returns:
        The questions, in the order of the files' paths. A question's identifier is its file's path
        without suffix, a hyphen and its number in the file, counted from 0.

    Raises:
        DataError: If there is no question, or ``on_error`` is ``FAIL`` and a file cannot be used;
            the error names the file and the question.
        ValueError: If the limit is negative, or ``on_error`` is not a valid choice.
    """
    check_limit(limit)
    path = Path(path)
    if not path.exists():
        raise DataError("expected a file or folder, found nothing. Check the path.", path=path)
    policy = ErrorPolicy.of(on_error, report)
    return draw(_locate(path, policy), path=path, noun="question with choices",
                report=policy.report, limit=limit)  # fmt: skip


def _locate(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, ChoiceExample]]:
    files = find_files(path, {_SUFFIX}) if path.is_dir() else [path]
    for file in files:
        name = file.relative_to(path if path.is_dir() else path.parent).with_suffix("").as_posix()
        try:
            examples = _parse_article(file, name)
        except DataError as error:
            policy.reject(error)
            continue
        yield from examples


def _parse_article(file: Path, name: str) -> list[tuple[SourceLocation, ChoiceExample]]:
    location = SourceLocation(file, 1)
    record = read_json_object(file, "RACE's JSON")
    article = take_text(record, "article", location)
    questions = take_texts(record, "questions", location)
    answers = take_texts(record, "answers", location)
    options = record.get("options")
    if not isinstance(options, list) or not len(questions) == len(options) == len(answers):
        raise location.error(
            f"expected 'options' and 'answers' for each of {len(questions)} questions, found "
            f"{len(options) if isinstance(options, list) else shorten(options)} and "
            f"{len(answers)}. Correct or drop the file."
        )
    made = []
    for number, (question, choices, answer) in enumerate(
        zip(questions, options, answers, strict=True)
    ):
        at = location._replace(number=number, within=f"questions[{number}]")
        texts = as_texts(choices, "options", at)
        asked = tuple(_asked(check_unicode(question, "questions", at), text) for text in texts)
        example = ChoiceExample(f"{name}-{number}", asked, article, _place_of(answer, texts, at))
        made.append((at, example))
    return made


def _asked(question: str, choice: str) -> str:
    """Put a choice into the question's blank or, where there is none, after the question."""
    if question.count(_BLANK) == 1:
        return question.replace(_BLANK, choice)
    return f"{question} {choice}"


def _place_of(letter: str, choices: tuple[str, ...], location: SourceLocation) -> int:
    """Return the number of the choice that a letter stands for, counted from 0."""
    number = ord(letter) - ord("A") if len(letter) == 1 else -1
    if not 0 <= number < len(choices):
        raise location.error(
            f"expected the answer to be one of the first {len(choices)} letters, found "
            f"{letter!r}. Correct or drop the file."
        )
    return number
