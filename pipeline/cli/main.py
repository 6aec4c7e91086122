"""The command line: each command parses, calls one library function, prints."""

import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand
from typer.exceptions import Abort, TyperException

from ...data import PrereadError
from ...data.io.outside import printable
from ...data.io.system_errors import reason_of
from . import (
    calibrate,
    cluster,
    datasets,
    demo,
    documents,
    engine_config,
    evaluation,
    index,
    mcp,
    partitions,
    profile,
    questions,
    readers,
    reproduction,
    scores,
    sentences,
    server,
    vectors,
)
from .interrupts import EXIT_INTERRUPTED, INTERRUPTED, handle_interrupts
from .outputs import prepare_streams

EXIT_MISTAKE = 2

COMMANDS: Mapping[str, Mapping[str, Callable[..., Any] | typer.Typer]] = {
    "Ask": {
        "demo": demo.demo,
        "ask": questions.ask,
        "search": questions.search,
        "highlight": sentences.highlight,
        "prune": sentences.prune,
        "check-quote": sentences.check_quote,
    },
    "Build and change an index": {
        "index": index.index,
        "add": index.add,
        "delete": index.delete,
        "sync": documents.sync,
        "compact": index.compact,
        "dense": vectors.dense,
        "set-reader": index.set_reader,
        "split": partitions.split,
        "merge": partitions.merge,
        "verify": index.verify,
        "info": index.info,
        "documents": documents.documents,
        "show": documents.show,
    },
    "Serve": {
        "serve": server.serve,
        "mcp": mcp.mcp,
        "serve-cluster": cluster.serve_cluster,
        "engine-config": engine_config.commands,
    },
    "Evaluate": {
        "evaluate": evaluation.evaluate,
        "score": scores.score,
        "compare": scores.compare,
        "calibrate": calibrate.calibrate,
        "evaluate-retrieval": evaluation.evaluate_retrieval,
        "evaluate-reader": evaluation.evaluate_reader,
        "evaluate-pairs": evaluation.evaluate_pairs,
        "score-nq": scores.score_natural_questions,
        "reproduce": reproduction.reproduce,
        "profile": profile.profile,
    },
    "Get data": {
        "download": datasets.download,
        "cloze": datasets.cloze,
        "mine": datasets.mine,
    },
    "Make readers and codecs": {
        "train": readers.train,
        "train-retriever": readers.train_retriever,
        "label": readers.label,
        "convert": readers.convert,
        "learn-codec": readers.learn_codec,
    },
}
"""Commands by name, under the heading that ``--help`` shows them with."""


class _Command(TyperCommand):
    """A command that takes no empty path, as a shell makes it of a variable that is not set.

    Python would take it for the working folder.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, and refuse an empty one in the place of a path."""
        is_one_empty = any(not arg or arg.startswith("--") and arg.endswith("=") for arg in args)
        left = super().parse_args(ctx, args)
        empty = [name for name, value in ctx.params.items() if value == Path()]
        if is_one_empty and empty:
            raise PrereadError(
                f"{empty[0].upper()}: expected a path, found an empty argument. Name a file or a "
                "folder, or . for this folder."
            )
        return left


app = typer.Typer(
    name="preread",
    help="Question answering over a corpus that has been read ahead of time.",
    add_completion=False,
)
for heading, commands in COMMANDS.items():
    for name, command in commands.items():
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, rich_help_panel=heading)
        else:
            app.command(name, cls=_Command, rich_help_panel=heading)(command)


def _print_version(is_asked: bool) -> None:
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
    allow_hub: Annotated[
        bool,
        typer.Option(
            "--allow-hub",
            help="Let an index name a reader or encoder that is fetched from the Hugging Face hub.",
        ),
    ] = False,
) -> None:
    """Take the options that stand before a command."""
    if allow_hub:
        os.environ["PREREAD_ALLOW_HUB"] = "1"  # worker processes inherit it


def main() -> None:
    """Run the command line.

    A caller's mistake is printed as ``error: …`` on standard error, with exit code 2.
    """
    handle_interrupts()
    prepare_streams()
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    # Model libraries draw progress bars and print advice of their own, which would hide ours.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_MININTERVAL", "0.5")
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # PyTorch's profiler reports every start
    try:
        code = app(sys.argv[1:] or ["--help"], prog_name="preread", standalone_mode=False)
    except PrereadError as error:
        _fail(str(error), EXIT_MISTAKE)
    except OSError as error:
        _fail(_system_error(error), EXIT_MISTAKE)
    except TyperException as error:
        _fail(error.format_message() + _usage(error), EXIT_MISTAKE)
    except (Abort, KeyboardInterrupt):
        code = EXIT_INTERRUPTED
    if code == EXIT_INTERRUPTED:  # typer turns Ctrl-C within a command into this code
        typer.echo(printable(INTERRUPTED), err=True, nl=False)
    sys.exit(code)


def _system_error(error: OSError) -> str:
    """An operating system's error, with the file or the output that it is about."""
    if error.filename is None or isinstance(error.filename, int):  # a descriptor
        return reason_of(error)
    return f"{os.fsdecode(error.filename)}: {reason_of(error)}"


def _usage(error: TyperException) -> str:
    """Where the usage of a mistyped command is explained."""
    context = getattr(error, "ctx", None)
    return "" if context is None else f" See `{context.command_path} --help`."


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(printable(f"error: {message}"), err=True)
    sys.exit(code)
