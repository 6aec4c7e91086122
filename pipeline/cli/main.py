"""The command line: each command parses, calls one library function, prints."""

import io
import logging
import os
import sys
from typing import Annotated, NoReturn

import typer
from typer.exceptions import Abort, TyperException

from ...data import PrereadError
from ...data.io.outside import printable
from . import (
    calibrate,
    cloze,
    cluster,
    codec,
    conversion,
    demo,
    documents,
    downloads,
    engine_config,
    evaluation,
    index,
    labels,
    mcp,
    negatives,
    nq,
    pairs,
    partitions,
    profile,
    questions,
    reproduction,
    retrieval,
    server,
    training,
    vectors,
)

EXIT_MISTAKE = 2
EXIT_INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""

app = typer.Typer(
    name="preread",
    help="Question answering over a corpus that has been read ahead of time.",
    add_completion=False,
)
for module in (
    *(
        index,
        documents,
        partitions,
        vectors,
        questions,
        server,
        cluster,
        engine_config,
        mcp,
        evaluation,
        calibrate,
    ),
    *(
        pairs,
        nq,
        downloads,
        negatives,
        cloze,
        labels,
        training,
        retrieval,
        conversion,
        codec,
        profile,
        demo,
        reproduction,
    ),
):
    module.add_to(app)


def _print_version(is_asked: bool) -> None:
    """Print the installed version and leave."""
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"preread {version('preread')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Take the options that come before a command."""


def main() -> None:
    """Run the command line.

    A caller's mistake is printed as ``error: …`` on standard error, with exit code 2.
    """
    _accept_any_bytes()
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    # Model libraries draw bars and advice of their own, which would drown ours.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_MININTERVAL", "0.5")
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # PyTorch's profiler tells of every start
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except PrereadError as error:
        _fail(str(error), EXIT_MISTAKE)
    except TyperException as error:
        _fail(error.format_message(), EXIT_MISTAKE)
    except (Abort, KeyboardInterrupt):
        code = EXIT_INTERRUPTED
    if code == EXIT_INTERRUPTED:  # typer turns Ctrl-C within a command into this code
        _fail(
            "interrupted; `preread index … --resume` goes on with a build, `preread evaluate … "
            "--predictions FILE --resume` with an evaluation, the same `preread dense` with "
            "vectors, the same `preread calibrate … --reads FILE` with reading, the same `preread "
            "download` or `reproduce` with those",
            code,
        )
    sys.exit(code)


def _accept_any_bytes() -> None:
    """Have no byte of input and no character of output end a command.

    What is not UTF-8 on standard input comes as Python has it in arguments, and is refused where it
    stands; a character that the terminal's encoding lacks is printed as its escape.
    """
    for stream, errors in (
        (sys.stdin, "surrogateescape"),
        (sys.stdout, "backslashreplace"),
        (sys.stderr, "backslashreplace"),
    ):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def _fail(message: str, code: int) -> NoReturn:
    """Print an error and leave."""
    typer.echo(printable(f"error: {message}"), err=True)
    sys.exit(code)
