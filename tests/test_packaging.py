"""What is installed is what is in the folders: a wheel is built, unpacked, and used."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("data", "reader", "indexer", "pipeline")
IGNORED = {"__pycache__"}


@pytest.fixture(scope="session")
def unpacked(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A wheel of the four rooms, built apart from what else lies about here, and unpacked."""

    def fill(folder: Path) -> None:
        source = folder / "source"
        source.mkdir()
        for room in ROOMS:
            shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns(*IGNORED))
        for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
            shutil.copy(ROOT / name, source)
        build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
        build += ["--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source)]
        subprocess.run(build, check=True)
        (wheel,) = folder.glob("*.whl")
        with ZipFile(wheel) as file:
            file.extractall(folder / "unpacked")

    return made_once("wheel", fill) / "unpacked"


def in_folders() -> set[str]:
    """Files of the four rooms, as paths below ``preread``."""
    return {
        f"preread/{path.relative_to(ROOT).as_posix()}"
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and not IGNORED & set(path.parts)
    }


@pytest.mark.slow
def test_a_wheel_holds_every_file_of_the_folders_as_it_is(unpacked: Path) -> None:
    built = {
        path.relative_to(unpacked).as_posix(): path
        for path in (unpacked / "preread").rglob("*")
        if path.is_file()
    }
    assert set(built) == in_folders()
    changed = [
        name
        for name, path in built.items()
        if path.read_bytes() != ROOT.joinpath(*Path(name).parts[1:]).read_bytes()
    ]
    assert changed == []


@pytest.mark.slow
def test_the_command_of_a_wheel_answers_from_the_sample_that_it_brings(
    unpacked: Path, tmp_path: Path
) -> None:
    """In a process that finds the package there first, and nothing of it in the folders."""
    (metadata,) = unpacked.glob("preread-*.dist-info")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert metadata.name == f"preread-{project['version']}.dist-info"
    entry = (metadata / "entry_points.txt").read_text("utf-8")
    assert entry.split() == ["[console_scripts]", "preread", "=", "preread.pipeline.cli.main:main"]
    code = (
        "import sys, preread.data, preread.pipeline.cli.main as cli\n"
        "assert preread.data.__file__.startswith(sys.argv.pop(1)), preread.data.__file__\n"
        "cli.main()"
    )

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code, str(unpacked), *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(unpacked)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("--version") == f"preread {project['version']}\n"
    sample = unpacked / "preread" / "data" / "sample" / "passages.jsonl"
    run("index", str(sample), "index", "--limit", "12", "--json")
    asked = run("ask", "index", "Which roman god gave volcanoes their name?", "--json")
    assert json.loads(asked)["answers"][0]["answer"] == "Vulcan"


def test_every_sub_package_is_listed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    listed = set(project["tool"]["setuptools"]["packages"])
    found = {
        "preread." + ".".join(path.parent.relative_to(ROOT).parts)
        for room in ROOMS
        for path in (ROOT / room).rglob("__init__.py")
    }
    assert listed == found
