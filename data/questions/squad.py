"""The JSON of SQuAD 1.1 and 2.0 (https://rajpurkar.github.io/SQuAD-explorer/)."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError
from ..io.fields import (
    places_of_items,
    take_flag,
    take_optional_id,
    take_optional_text,
    take_start,
    take_text,
)
from ..io.json_records import JsonObject, as_json_object, read_json_object, shorten
from ..io.policy import ErrorPolicy, SourceLocation, parse_each
from ..records import ReadingExample
from .examples import check_example


class _RawExample(NamedTuple):
    """One question with the objects around it."""

    article: JsonObject
    paragraph: JsonObject
    question: JsonObject


def read_squad_examples(
    path: Path, policy: ErrorPolicy
) -> Iterator[tuple[SourceLocation, ReadingExample]]:
    """Read the examples of a SQuAD file; ``plausible_answers`` are ignored.

    Args:
        path: A file, plain or gzip.
        policy: What to do with an article, paragraph or question that cannot be used.

    Yields:
        The location of each question, such as ``data[0].paragraphs[2].qas[1]``, and the example.

    Raises:
        DataError: If the file is not SQuAD's JSON, or the policy is to fail and a part of it is
            refused.
    """
    return parse_each(_walk(path, policy), _parse, policy)


def _walk(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, _RawExample]]:
    """Yield every question of the file with the objects around it."""
    top = SourceLocation(path, None)
    file = read_json_object(path, "SQuAD's JSON, one object with 'data'")
    _take_list(file, "data", top)  # raises whatever the policy: without it there is nothing to read
    number = 0
    for article_place, article in _objects(file, "data", top, policy):
        for paragraph_place, paragraph in _objects(article, "paragraphs", article_place, policy):
            for location, question in _objects(paragraph, "qas", paragraph_place, policy):
                yield location._replace(number=number), _RawExample(article, paragraph, question)
                number += 1


def _take_list(owner: JsonObject, key: str, location: SourceLocation) -> list[object]:
    """Read a list that must be there."""
    value = owner.get(key)
    if not isinstance(value, list):
        raise location.error(
            f"expected a list in {key!r}, found {shorten(value)} (fields: {', '.join(owner)}). "
            "SQuAD's layout is data[].paragraphs[].qas[]."
        )
    return value


def _objects(
    owner: JsonObject, key: str, location: SourceLocation, policy: ErrorPolicy
) -> Iterator[tuple[SourceLocation, JsonObject]]:
    try:
        values = _take_list(owner, key, location)
    except DataError as error:
        policy.reject(error)
        return
    places = places_of_items(values, key, location)
    yield from parse_each(zip(places, values, strict=True), as_json_object, policy)


def _parse(raw: _RawExample, location: SourceLocation) -> ReadingExample:
    """Parse a question; the identifier of one without it is its number in the file."""
    answers = _parse_answers(raw.question, location)
    example = ReadingExample(
        example_id=take_optional_id(raw.question, ("id",), location) or str(location.number),
        question=take_text(raw.question, "question", location),
        context=take_text(raw.paragraph, "context", location),
        answers=tuple(text for text, _ in answers),
        answer_starts=tuple(start for _, start in answers),
        title=take_optional_text(raw.article, "title", location),
        is_impossible=take_flag(raw.question, "is_impossible", location),
    )
    return check_example(example, location)


def _parse_answers(question: JsonObject, location: SourceLocation) -> list[tuple[str, int]]:
    """Parse a question's answers; there are none where the field is missing, as in a test set."""
    if question.get("answers") is None:
        return []
    return [_parse_answer(value, location) for value in _take_list(question, "answers", location)]


def _parse_answer(value: object, location: SourceLocation) -> tuple[str, int]:
    answer = as_json_object(value, location)
    text = take_text(answer, "text", location)
    return text, take_start(answer, "answer_start", location)
