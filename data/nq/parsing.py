"""Parsing of Natural Questions' records, original and simplified.

The original form has ``document_tokens``, each with its byte offsets in ``document_html``. The
simplified form has ``document_text``, the same tokens joined by single spaces, and its spans have
no bytes.

Source: https://github.com/google-research-datasets/natural-questions, README.md and text_utils.py.
"""

import html
import re
from collections.abc import Collection
from urllib.parse import parse_qs, unquote, urlsplit

from ..io.fields import (
    check_unicode,
    take_flag,
    take_id,
    take_objects,
    take_optional_text,
    take_text,
)
from ..io.json_records import JsonObject, as_json_object, shorten
from ..io.policy import SourceLocation
from .records import NqAnswer, NqCandidate, NqDocument, NqExample, YesNo
from .spans import NqSpan, parse_span

_FIELDS = frozenset({"question_text", "long_answer_candidates"})
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:[ _][^>]*)?>")
"""A tag; in the simplified form, spaces inside a tag are underscores."""


def is_nq(fields: Collection[str]) -> bool:
    """Decide whether a record with these fields is an example of Natural Questions.

    Args:
        fields: Names of the record's fields.
    """
    return _FIELDS.issubset(fields)


def parse_example(record: JsonObject, location: SourceLocation) -> NqExample:
    """Parse a record.

    Args:
        record: The JSON object of one line.
        location: Where it stands, for the error.

    Raises:
        DataError: If a field is missing or wrong, or a span is outside the document.
    """
    name = take_id(record, "example_id", location)
    document = parse_document(record, location)
    example = NqExample(
        example_id=name,
        question=take_text(record, "question_text", location),
        document=document,
        candidates=parse_candidates(record, location),
        annotations=parse_annotations(record, location),
    )
    _check_spans(example, location)
    return example


def parse_document(record: JsonObject, location: SourceLocation) -> NqDocument:
    """Parse the page of a record.

    Args:
        record: The JSON object of one line.
        location: Where it stands, for the error.

    Raises:
        DataError: If the record has neither tokens nor text, or a token is malformed.
    """
    url = take_optional_text(record, "document_url", location)
    try:
        title = take_optional_text(record, "document_title", location) or title_of(url)
    except ValueError as error:
        raise location.error(
            f"expected 'document_url' to be a URL, found {shorten(url)} ({error}). Correct or drop "
            "the record."
        ) from error
    if "document_tokens" in record:
        return _parse_tokens(record["document_tokens"], title, url, location)
    # Not split(): a token may contain or consist of white space other than spaces.
    tokens = take_text(record, "document_text", location).split(" ")
    is_html = [token.startswith("<") and bool(_TAG.fullmatch(token)) for token in tokens]
    return NqDocument(title, url, tokens, is_html)


def parse_candidates(record: JsonObject, location: SourceLocation) -> tuple[NqCandidate, ...]:
    """Parse the long-answer candidates of a record, nested ones included.

    Args:
        record: The JSON object of one line.
        location: Where it stands, for the error.

    Raises:
        DataError: If a candidate is malformed or has no tokens.
    """
    values = take_objects(record, "long_answer_candidates", location)
    return tuple(NqCandidate(_token_span(v, at), take_flag(v, "top_level", at)) for at, v in values)


def parse_annotations(record: JsonObject, location: SourceLocation) -> tuple[NqAnswer, ...]:
    """Parse what each annotator marked; none where the field is missing, as in a test set.

    Args:
        record: The JSON object of one line.
        location: Where it stands, for the error.

    Raises:
        DataError: If an annotation is malformed.
    """
    values = take_objects(record, "annotations", location)
    return tuple(parse_answer(value, at) for at, value in values)


def parse_answer(record: JsonObject, location: SourceLocation) -> NqAnswer:
    """Parse ``long_answer``, ``short_answers`` and ``yes_no_answer``; a missing field is null.

    Args:
        record: The JSON object of an annotation or a prediction.
        location: Where it stands, for the error.

    Raises:
        DataError: If a span is malformed, or the yes/no answer is none of yes, no and none.
    """
    value = record.get("long_answer")
    within = f"{location.within}.long_answer" if location.within else "long_answer"
    at = location._replace(within=within)
    long_answer = NqSpan() if value is None else parse_span(as_json_object(value, at), at)
    spans = (parse_span(v, a) for a, v in take_objects(record, "short_answers", location))
    return NqAnswer(
        long_answer=long_answer,
        short_answers=tuple(span for span in spans if not span.is_null),
        yes_no=_parse_yes_no(record, location),
    )


def title_of(url: str) -> str:
    """Extract a page's title from its URL.

    Args:
        url: The URL as released, HTML-escaped, such as
            ``…/index.php?title=Trade_winds&amp;oldid=817251427``.

    Returns:
        The query's ``title`` or, where it has none, the last part of the path, with spaces in place
        of underscores.

    Raises:
        ValueError: If it is not a URL.
    """
    parts = urlsplit(html.unescape(url))
    (title,) = parse_qs(parts.query).get("title", [unquote(parts.path.rsplit("/", 1)[-1])])[:1]
    return title.replace("_", " ").strip()


def _parse_yes_no(record: JsonObject, location: SourceLocation) -> YesNo:
    """Parse the yes/no answer, in upper or lower case."""
    text = take_optional_text(record, "yes_no_answer", location)
    try:
        return YesNo(text.lower() or YesNo.NONE)
    except ValueError:
        choices = ", ".join(choice.value.upper() for choice in YesNo)
        raise location.error(
            f"expected 'yes_no_answer' to be one of {choices}, found {shorten(text)}. Correct it."
        ) from None


def _parse_tokens(value: object, title: str, url: str, location: SourceLocation) -> NqDocument:
    """Parse a page of tokens with byte offsets."""
    at = location._replace(within="document_tokens")
    if not isinstance(value, list) or not value:
        raise at.error(f"expected a list of tokens, found {shorten(value)}. Fetch the file again.")
    try:
        # A page has some ten thousand tokens, so that checking them one by one would be slow.
        tokens = [token["token"] for token in value]
        is_html = [token["html_token"] for token in value]
        bytes_ = [(token["start_byte"], token["end_byte"]) for token in value]
    except (KeyError, TypeError) as error:
        raise at.error(
            "expected objects with 'token', 'html_token', 'start_byte' and 'end_byte', found one "
            f"without ({error}). Fetch the file again."
        ) from error
    _check_types(tokens, "token", str, at)
    _check_types(is_html, "html_token", bool, at)
    _check_types([start for start, _ in bytes_], "start_byte", int, at)
    _check_types([end for _, end in bytes_], "end_byte", int, at)
    check_unicode(" ".join(tokens), "token", at)
    return NqDocument(title, url, tokens, is_html, bytes_)


def _check_types(values: list[object], name: str, wanted: type, location: SourceLocation) -> None:
    if set(map(type, values)) != {wanted}:
        bad = next(value for value in values if type(value) is not wanted)
        raise location.error(
            f"expected each {name!r} to be of type {wanted.__name__}, found {type(bad).__name__} "
            f"{shorten(bad)}. Fetch the file again."
        )


def _token_span(record: JsonObject, location: SourceLocation) -> NqSpan:
    """Parse a span that must have tokens."""
    span = parse_span(record, location)
    if not span.has_tokens:
        raise location.error("expected 'start_token' and 'end_token', found none. Add them.")
    return span


def _check_spans(example: NqExample, location: SourceLocation) -> None:
    """Refuse spans that end after the page, and answers without tokens."""
    n_tokens = len(example.document.tokens)
    spans = [candidate.span for candidate in example.candidates]
    for answer in example.annotations:
        spans += [span for span in (answer.long_answer, *answer.short_answers) if not span.is_null]
    for span in spans:
        if not span.has_tokens or span.end_token > n_tokens:
            raise location.error(
                f"example {example.example_id!r}: expected spans within the {n_tokens:,} tokens of "
                f"the document, found {span}. Correct or drop the record."
            )
