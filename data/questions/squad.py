"""SQuAD 1.1 and 2.0 JSON (https://rajpurkar.github.io/SQuAD-explorer/)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError
from ..io.fields import take_flag, take_optional_id, take_optional_text, take_text
from ..io.json_records import JsonObject, as_json_object, shorten
from ..io.lines import read_whole_text
from ..io.policy import ErrorPolicy, SourceLocation, parse_each
from ..records import ReadingExample
from .examples import check_example


class _RawExample(NamedTuple):
    """One question and the objects it stands in."""

    article: JsonObject
    paragraph: JsonObject
    question: JsonObject


def read_squad_examples(
    path: Path, policy: ErrorPolicy
) -> Iterator[tuple[SourceLocation, ReadingExample]]:
    """The examples of one SQuAD file, plain or gzip; ``plausible_answers`` are passed over.

    Raises:
        DataError: If the file as a whole is not SQuAD's JSON, or the policy says so.
    """
    return parse_each(_walk(path, policy), _parse, policy)


def _walk(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, _RawExample]]:
    """Every question of the file with the objects it stands in."""
    top = SourceLocation(path, None)
    file = _load(path, top)
    _take_list(file, "data", top)  # without it there is nothing to skip: raises whatever the policy
    number = 0
    for article_place, article in _objects(file, "data", top, policy):
        for paragraph_place, paragraph in _objects(article, "paragraphs", article_place, policy):
            for location, question in _objects(paragraph, "qas", paragraph_place, policy):
                yield location._replace(number=number), _RawExample(article, paragraph, question)
                number += 1


def _load(path: Path, top: SourceLocation) -> JsonObject:
    """The file's one object."""
    text = read_whole_text(path)
    try:
        return as_json_object(json.loads(text), top)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        raise top._replace(line=line).error(
            f"expected SQuAD's JSON, one object with 'data', found a fault ({error}). "
            "Fetch the file again or correct it."
        ) from error


def _take_list(owner: JsonObject, key: str, location: SourceLocation) -> list[object]:
    """A list that must be there."""
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
    """The objects of a list, each with the way to it."""
    try:
        values = _take_list(owner, key, location)
    except DataError as error:
        policy.reject(error)
        return
    way = f"{location.within}.{key}" if location.within else key
    places = (location._replace(within=f"{way}[{index}]") for index in range(len(values)))
    yield from parse_each(zip(places, values, strict=True), as_json_object, policy)


def _parse(raw: _RawExample, location: SourceLocation) -> ReadingExample:
    """One question as an example; without an id it is named by its number in the file."""
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
    """The answers of one question; none where the field is absent, as in a test set."""
    if question.get("answers") is None:
        return []
    return [_parse_answer(value, location) for value in _take_list(question, "answers", location)]


def _parse_answer(value: object, location: SourceLocation) -> tuple[str, int]:
    """One answer: its text and its offset."""
    answer = as_json_object(value, location)
    text = take_text(answer, "text", location)
    start = answer.get("answer_start")
    if type(start) is not int:
        raise location.error(f"expected a whole number in 'answer_start', found {shorten(start)}.")
    return text, start
