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

import preread
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from preread.pipeline.cli.main import COMMANDS

ROOT = Path(__file__).parents[1]
ROOMS = ("data", "reader", "indexer", "pipeline")
FACADE = ROOT / "pipeline" / "facade"
IGNORED = {"__pycache__"}
MOST_BYTES = 100 * 10**6
"""Of a file on PyPI."""


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


def in_folders() -> dict[str, Path]:
    """Files of the four rooms, by their paths in a wheel; the facade is the package itself."""
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file()]
    return {
        installed_path(path): path
        for path in files
        if not IGNORED & set(path.relative_to(ROOT).parts)
    }


def installed_path(path: Path) -> str:
    """Where a file of the folders is in a wheel."""
    if FACADE in path.parents:
        return f"preread/{path.relative_to(FACADE).as_posix()}"
    return f"preread/{path.relative_to(ROOT).as_posix()}"


@pytest.mark.slow
def test_a_wheel_holds_every_file_of_the_folders_as_it_is(unpacked: Path) -> None:
    built = {
        path.relative_to(unpacked).as_posix(): path
        for path in (unpacked / "preread").rglob("*")
        if path.is_file()
    }
    sources = in_folders()
    assert set(built) == set(sources)
    changed = [
        name for name, path in built.items() if path.read_bytes() != sources[name].read_bytes()
    ]
    assert changed == []
    assert "preread/reader/checkpoints/deformer-minilm-l6/model.safetensors" in built
    (wheel,) = unpacked.parent.glob("*.whl")
    assert wheel.stat().st_size < MOST_BYTES


@pytest.mark.slow
def test_the_command_of_a_wheel_answers_from_the_sample_that_it_brings(
    unpacked: Path, tmp_path: Path
) -> None:
    """In a process that finds the package there first, and nothing of it in the folders."""
    (metadata,) = unpacked.glob("preread-*.dist-info")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert metadata.name == f"preread-{project['version']}.dist-info"
    entry = (metadata / "entry_points.txt").read_text("utf-8")
    assert entry.split() == ["[console_scripts]", "preread", "=", "preread.pipeline.__main__:main"]
    code = (
        "import sys, preread\n"
        "from preread.pipeline.__main__ import main\n"
        "folder = sys.argv.pop(1)\n"
        "for module in (preread, preread.data):\n"
        "    assert module.__file__.startswith(folder), module.__file__\n"
        "main()"
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
        ".".join(Path(name).parent.parts)
        for name in in_folders()
        if Path(name).name == "__init__.py"
    }
    assert listed == found


def test_registries_of_tools_are_told_this_package_and_version() -> None:
    """`server.json`, by the rules of https://modelcontextprotocol.io/registry/package-types."""
    told = json.loads((ROOT / "server.json").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (package,) = told["packages"]
    assert package["identifier"] == project["name"]
    assert told["version"] == package["version"] == project["version"]
    assert f"mcp-name: {told['name']} " in (ROOT / project["readme"]).read_text("utf-8")
    assert package["packageArguments"][0]["value"] in COMMANDS["Serve"]


def test_what_make_installs_is_what_the_package_asks_for() -> None:
    """Each requirement but PyTorch is locked, to a version that it allows, with hashes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = {
        "package": project["dependencies"],
        "test": [*project["dependencies"], *project["optional-dependencies"]["test"]],
    }
    for name, requirements in asked.items():
        lines = (ROOT / ".ci" / "locked" / f"{name}.txt").read_text("utf-8").splitlines()
        locked: dict[str, list[str]] = {}
        for line in lines:
            if not line.startswith("#"):
                release, version = line.split()[0].split("==")
                assert "--hash=sha256:" in line
                locked.setdefault(release, []).append(version)
        for requirement in map(Requirement, requirements):
            if requirement.name != "torch":
                versions = locked[canonicalize_name(requirement.name)]
                assert all(map(requirement.specifier.contains, versions)), requirement


@pytest.mark.slow
def test_the_package_imports_its_names_when_they_are_used() -> None:
    code = (
        "import sys, preread\n"
        "assert not {'torch', 'transformers', 'jnius', 'preread.data'} & set(sys.modules)\n"
        "from preread import OpenDomainQA, Reader, build_index\n"
        "assert OpenDomainQA is preread.pipeline.OpenDomainQA"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_package_has_a_version_and_every_name_that_it_lists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert preread.__version__ == project["version"]
    assert dir(preread) == sorted(preread.__all__)
    for name in preread.__all__:
        value = getattr(preread, name)
        room = getattr(value, "__module__", "").split(".")[1:2]
        assert not room or value is getattr(getattr(preread, room[0]), name)
    with pytest.raises(AttributeError, match="'preread' has no attribute 'Reeder'"):
        _ = preread.Reeder
