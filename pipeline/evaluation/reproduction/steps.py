"""Running one step of a reproduction in its own process. A finished step is not run again."""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ....data import PrereadError
from ....data.io.hashing import sha256_of
from ....indexer import PassageIndex
from ....indexer.bm25.indexer import lucene_files
from ....indexer.storage.json_files import write_json
from ....indexer.storage.manifest import MANIFEST_FILE
from ....reader.checkpoints import shipped_reader_path
from .listing import ReproductionStep

INTERRUPTED = 130
"""Exit code of a command that was ended by Ctrl-C."""
GRACE_SECONDS = 10
"""Seconds in which a command may end by itself after Ctrl-C."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished step."""

    step: ReproductionStep
    command: list[str]
    output: dict[str, Any]
    """JSON object that the command printed."""
    seconds: float
    was_done: bool
    """Whether an earlier run had finished it."""


def run_step(
    step: ReproductionStep, places: Mapping[str, Path], record: Path, say: Callable[[str], None]
) -> Done:
    """Run a step, unless it is finished and nothing that it depends on has changed.

    Args:
        step: The step.
        places: For each name in braces, the path that replaces it.
        record: File that keeps the result, and what the result depends on.
        say: Called with a message: the command before it runs, or that it is finished.

    Raises:
        PrereadError: If the command fails. Its own messages are on standard error.
        KeyboardInterrupt: If the command was interrupted.
    """
    words = [*step.words({name: str(path) for name, path in places.items()}), "--json"]
    shown = shlex.join(["preread", *words])
    used = {name: path for name, path in places.items() if name in step.places() - {"folder"}}
    kept = _read_record(record)
    if kept is not None and kept["depends_on"] == _depends_on(words, used):
        say(f"{step.name}: is finished ({record}).")
        return Done(
            step=step,
            command=words,
            output=kept["output"],
            seconds=kept["seconds"],
            was_done=True,
        )
    say(f"{step.name}: {shown}")
    begin = time.monotonic()
    output = _run(words, step, record.parent)
    seconds = round(time.monotonic() - begin, 1)
    write_json(
        record,
        {"depends_on": _depends_on(words, used), "seconds": seconds, "output": output},
    )
    return Done(step=step, command=words, output=output, seconds=seconds, was_done=False)


def _run(words: list[str], step: ReproductionStep, folder: Path) -> dict[str, Any]:
    """Run a command and parse the JSON that it prints. Its progress goes to standard error."""
    # -P: a folder named `preread` where the user stands is not the package.
    command = [sys.executable, "-P", "-m", "preread.pipeline", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        try:
            out, _ = process.communicate()
        except BaseException:  # Ctrl-C reaches the command too, which then ends by itself
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.terminate()
            raise
    if process.returncode == INTERRUPTED:
        raise KeyboardInterrupt
    again = f"Run `preread reproduce` again to go on; remove {folder} to start over."
    if process.returncode:
        raise PrereadError(
            f"step {step.name!r}: `preread {words[0]}` ended with code {process.returncode}; its "
            f"messages are above. {again}"
        )
    try:
        content: dict[str, Any] = json.loads(out)
        content.keys()
    except (ValueError, AttributeError) as error:
        raise PrereadError(
            f"step {step.name!r}: expected one JSON object of `preread {words[0]}`, found "
            f"{out[:80]!r}. Choose a command that prints one."
        ) from error
    return content


def _read_record(path: Path) -> dict[str, Any] | None:
    """The record of a finished step; None if there is no complete record."""
    try:
        kept: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return kept if {"depends_on", "seconds", "output"} <= kept.keys() else None
    except (OSError, ValueError, AttributeError):
        return None


def _depends_on(words: list[str], used: Mapping[str, Path]) -> dict[str, Any]:
    """Everything that decides a step's result, in a form that survives JSON."""
    reader = shipped_reader_path("default")
    assert reader is not None
    return {
        "command": words,
        "preread": version("preread"),
        "reader": sha256_of(reader / "model.safetensors"),
        "files": {
            name: _index_stamp(path) if name == "index" else _stamp(path)
            for name, path in sorted(used.items())
        },
    }


def _stamp(path: Path) -> list[list[Any]]:
    """Names, sizes and modification times of a file, or of the files of a folder."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    found = [(file, file.stat()) for file in files if file.is_file()]
    return [[str(file), status.st_size, status.st_mtime_ns] for file, status in found]


def _index_stamp(path: Path) -> str | None:
    """SHA-256 of an index's manifest; None if a file of the index is missing or was cut."""
    try:
        with PassageIndex(path) as index:
            folder = path / index.manifest.lucene
            for file in lucene_files(folder):
                file.check_size(folder)
            return sha256_of(path / MANIFEST_FILE)
    except (PrereadError, OSError):
        return None
