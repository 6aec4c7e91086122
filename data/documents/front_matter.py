"""YAML front matter: what a Markdown file says of itself before its text."""

import datetime
import re
from typing import Any

import yaml

from ..records import Metadata

_FRONT_MATTER = re.compile(r"\A---[^\S\n]*\n(.*?\n)(?:---|\.\.\.)[^\S\n]*(?:\n|\Z)", re.DOTALL)


def read_front_matter(source: str) -> tuple[Metadata, int]:
    """The fields of a file's front matter.

    Args:
        source: The whole file.

    Returns:
        The fields that are text, numbers, truth values, dates (in ISO form) or lists of texts, and
        the offset at which the file's text begins. No field and 0 where there is no front matter,
        or what stands there is no YAML.
    """
    match = _FRONT_MATTER.match(source)
    if match is None:
        return {}, 0
    try:
        found = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, 0
    if not isinstance(found, dict):
        return {}, 0
    fields: Metadata = {}
    for name, value in found.items():
        plain = _plain(value)
        if plain is not None:
            fields[str(name)] = plain
    return fields, match.end()


def _plain(value: Any) -> str | int | float | bool | list[str] | None:
    """A value as metadata has it; None where it has none such."""
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, list) and value and all(isinstance(one, str | int) for one in value):
        return [str(one) for one in value]
    return None
