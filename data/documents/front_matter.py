"""YAML front matter: what a Markdown file says of itself before its text."""

import datetime
import math
import re
from typing import Any

import yaml

from ..records import Metadata

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_MOST_NUMBER = 1 << 63
_MOST_CHARS = 1 << 14
"""Longer front matter is text: its fields are repeated in every passage of the document."""
_FRONT_MATTER = re.compile(r"\A---[^\S\n]*\n(.*?\n)(?:---|\.\.\.)[^\S\n]*(?:\n|\Z)", re.DOTALL)


def read_front_matter(source: str) -> tuple[Metadata, int]:
    """The fields of a file's front matter.

    Args:
        source: The whole file.

    Returns:
        The fields that are text, numbers, truth values, dates (in ISO form) or lists of texts, and
        the offset at which the file's text begins. No field and 0 where there is no front matter,
        or what stands there is no YAML, has aliases, or is longer than 16,384 characters.
    """
    match = _FRONT_MATTER.match(source)
    if match is None or len(match[1]) > _MOST_CHARS:
        return {}, 0
    try:
        found = yaml.load(match[1], _Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, 0
    if not isinstance(found, dict):
        return {}, 0
    fields: Metadata = {}
    for name, value in found.items():
        key, plain = _plain(name), _plain(value)
        if key is not None and plain is not None:
            fields[str(key)] = plain
    return fields, match.end()


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """Loads plain values. Aliases are refused: a few lines of them make a structure of any size."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Take the next value, unless it is an alias."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)


def _plain(value: Any) -> str | int | float | bool | list[str] | None:
    """A value as metadata has it; None where it has none such, as of halves of surrogate pairs."""
    if isinstance(value, str):
        return None if _SURROGATE.search(value) else value
    if isinstance(value, int):
        return value if abs(value) < _MOST_NUMBER else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, list) and value and all(isinstance(one, str | int) for one in value):
        plain = [str(found) for one in value if (found := _plain(one)) is not None]
        return plain if len(plain) == len(value) else None
    return None
