"""What is installed is what is in the folders."""

import sysconfig
import tomllib
from importlib.metadata import Distribution, PackagePath
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("data", "reader", "indexer", "pipeline")
IGNORED = {"__pycache__"}


def installed_files() -> list[PackagePath]:
    """Files of the installed package; not those a build left in the working folder."""
    (found,) = Distribution.discover(name="preread", path=[sysconfig.get_path("purelib")])
    return [f for f in found.files or () if f.parts[0] == "preread"]


def in_folders() -> set[str]:
    """Files of the four rooms, as paths below ``preread``."""
    return {
        f"preread/{path.relative_to(ROOT).as_posix()}"
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and not IGNORED & set(path.parts)
    }


def test_installed_wheel_holds_every_file_of_the_folders() -> None:
    installed = {str(f) for f in installed_files()}
    assert {f for f in installed if "__pycache__" not in f} == in_folders()


def test_installed_files_have_the_bytes_of_the_folders() -> None:
    stale = [
        str(f)
        for f in installed_files()
        if f.suffix in {".py", ".jsonl", ".toml", ".properties", ".html", ".css", ".js", ".svg"}
        and f.read_binary() != ROOT.joinpath(*f.parts[1:]).read_bytes()
    ]
    assert stale == [], "installed copies are stale: run `make test`, which installs first"


def test_every_sub_package_is_listed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    listed = set(project["tool"]["setuptools"]["packages"])
    found = {
        "preread." + ".".join(path.parent.relative_to(ROOT).parts)
        for room in ROOMS
        for path in (ROOT / room).rglob("__init__.py")
    }
    assert listed == found
