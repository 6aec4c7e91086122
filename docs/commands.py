"""The reference of commands, written from the command line's own help."""

from collections.abc import Iterator
from typing import Any

from preread.pipeline.cli.main import app as cli
from sphinx.application import Sphinx
from typer.main import get_command

PAGE = "reference/commands"


def add_commands(app: Sphinx, name: str, source: list[str]) -> None:
    """Append all commands to their page when Sphinx reads it.

    Args:
        app: The build; not used.
        name: The page that is read.
        source: Its text, in a list of one.
    """
    if name == PAGE:
        source[0] += "\n" + "\n".join(command_sections(get_command(cli)))


def command_sections(command: Any, path: str = "preread", level: int = 2) -> Iterator[str]:
    """Markdown of all commands below one.

    Args:
        command: A group of commands, as typer makes it.
        path: The words that call it.
        level: Of the headings.
    """
    for name, one in sorted(command.commands.items()):
        called = f"{path} {name}"
        yield f"{'#' * level} {called}\n"
        if hasattr(one, "commands"):
            yield f"{one.help or ''}\n"
            yield from command_sections(one, called, level + 1)
            continue
        yield f"{summary(one)}\n"
        context = one.make_context(name, [], resilient_parsing=True)
        arguments = [p for p in one.params if p.param_type_name == "argument"]
        usage = " ".join(argument.display_name_raw for argument in arguments)
        yield f"```text\n{called} {usage} [OPTIONS]\n```\n"
        described = [(f"`{p.display_name_raw}`", p.help, "") for p in arguments if p.help]
        if described:
            yield table("argument", described)
        options = [p for p in one.params if p.param_type_name == "option" and not p.hidden]
        rows = [(option_name(p, context), p.help or "", default(p)) for p in options]
        yield table("option", rows)


def summary(command: Any) -> str:
    """The help of a command, as one paragraph."""
    return " ".join((command.help or "").split())


def option_name(option: Any, context: Any) -> str:
    """How an option is written, with its value where it takes one.

    Args:
        option: Of the command.
        context: A call of the command.
    """
    if option.is_flag:
        return f"`{option.opts[0]}`"
    kind = option.display_type(context).strip("<>").replace("|", " or ")
    value = option.metavar or (kind if " or " in kind else kind.split()[0].upper())
    return f"`{option.opts[0]} {value}`"


def default(option: Any) -> str:
    """The default value of an option; nothing where it says nothing."""
    value = option.default
    if option.is_flag or value is None or callable(value) or value == "":
        return ""
    return f"`{getattr(value, 'value', value)}`"


def table(kind: str, rows: list[tuple[str, str, str]]) -> str:
    """A Markdown table of arguments or options.

    Args:
        kind: ``argument`` or ``option``.
        rows: Name, help and default of each.
    """
    has_default = kind == "option"
    lines = [f"| {kind} | meaning |{' default |' if has_default else ''}"]
    lines.append("|---|---|---|" if has_default else "|---|---|")
    for name, text, value in rows:
        cells = [name, text.replace("|", "\\|"), *([value] if has_default else [])]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
