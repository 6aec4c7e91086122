"""The folders are the architecture: imports go one way, data <- reader <- indexer <- pipeline."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FrameType, ModuleType

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("data", "reader", "indexer", "pipeline")
FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


@cache
def imports_of(path: Path) -> list[ast.Import | ast.ImportFrom]:
    """Import statements of a module, wherever they stand in it."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def imported_rooms(path: Path) -> set[str]:
    """Rooms that a module imports, by relative or absolute names."""
    package = ("preread", *path.relative_to(ROOT).parts[:-1])
    rooms = set()
    for node in imports_of(path):
        names: list[tuple[str, ...]] = []
        if isinstance(node, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            whole = (*base, *(node.module.split(".") if node.module else ()))
            names = [(*whole, alias.name) for alias in node.names]
        rooms |= {name[1] for name in names if name[0] == "preread" and len(name) > 1}
    return rooms


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_what_lies_below_them(room: str) -> None:
    allowed = set(ROOMS[: ROOMS.index(room) + 1])
    files = [path for path in FILES if path.relative_to(ROOT).parts[0] == room]
    assert not {str(path): found for path in files if (found := imported_rooms(path) - allowed)}


def test_public_names_are_not_hidden_by_modules_of_the_same_name() -> None:
    """Importing a sub-module sets its name on the package, over a function of that name."""
    for room in ROOMS:
        package = import_module(f"preread.{room}")
        for path in (ROOT / room).glob("*.py"):
            assert path.stem not in package.__all__, f"{room}: {path.stem}"
        for name in package.__all__:
            assert not isinstance(getattr(package, name), ModuleType), f"{room}.{name}"


@pytest.mark.parametrize("room", ROOMS)
def test_a_name_that_is_not_there_is_said(room: str) -> None:
    package = import_module(f"preread.{room}")
    with pytest.raises(AttributeError, match=f"'preread.{room}' has no attribute 'Reeder'"):
        _ = package.Reeder
    assert set(package.__all__) <= set(dir(package))


def test_every_module_was_looked_at() -> None:
    assert len(FILES) > 40
    assert imported_rooms(ROOT / "pipeline" / "qa" / "pipeline.py") >= {"data", "reader", "indexer"}


def calls_of_the_reader(path: Path) -> list[str]:
    """Methods of a module's calls that run a reader's upper layers."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        method, owner = node.func.attr, node.func.value
        name = getattr(owner, "attr", getattr(owner, "id", ""))
        on_reader = name in {"reader", "_reader", "runtime"} and method in {"logits", "read"}
        if method == "logits_batch" or on_reader:
            found.append(method)
    return found


def test_one_place_of_the_pipeline_reads() -> None:
    calls = {
        path.relative_to(ROOT).as_posix(): calls_of_the_reader(path)
        for path in FILES
        if path.relative_to(ROOT).parts[0] == "pipeline"
    }
    assert {path: found for path, found in calls.items() if found} == {
        "pipeline/qa/reading.py": ["logits_batch"]
    }


def test_only_the_command_line_prints() -> None:
    """Ruff's T20 bans print; this bans writing to the standard streams by other means."""
    for path in FILES:
        if path.parent == ROOT / "pipeline" / "cli":
            continue
        assert "sys.stdout" not in path.read_text("utf-8"), path


@pytest.mark.parametrize("room", ROOMS)
def test_folders_of_a_room_import_each_other_one_way(room: str) -> None:
    """Files and folders of a folder stand in an order: each imports only what lies below it."""
    for folder in [ROOT / room, *(ROOT / room).rglob("__init__.py")]:
        folder = folder.parent if folder.name == "__init__.py" else folder
        needs: dict[str, set[str]] = {}
        for path in folder.rglob("*.py"):
            own = path.relative_to(folder).parts[0]
            if path.name != "__init__.py":
                needs.setdefault(own, set()).update(imported_neighbours(path, folder) - {own})
        while free := [name for name, others in needs.items() if not others & set(needs)]:
            for name in free:
                del needs[name]
        assert not needs, f"{folder.relative_to(ROOT)}: a circle among {sorted(needs)}"


def imported_neighbours(path: Path, folder: Path) -> set[str]:
    """Files and folders of ``folder`` that a module below it imports, by relative names."""
    found = set()
    for node in imports_of(path):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = path.parents[node.level - 1]
        for alias in node.names:
            parts = (*(node.module or "").split("."), alias.name)
            place = base.joinpath(*(part for part in parts if part))
            while not (place.with_suffix(".py").is_file() or place.is_dir()):
                place = place.parent
            place = place if place.is_dir() else place.with_suffix(".py")
            if folder in place.parents:
                found.add(place.relative_to(folder).parts[0])
    return found


def walk_of(what: str) -> list[str]:
    """The modules that docs/architecture.md names on the walk of something, in order."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    section = page.split(f"## The walk of a {what}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([a-z0-9_.]+)` \|", section, re.MULTILINE)


def defining_modules(module: str) -> set[str]:
    """Modules that define what a module imports from the package, wherever it imports."""
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    package = ("preread", *module.split(".")[:-1])
    found = set()
    for node in imports_of(path):
        if not (isinstance(node, ast.ImportFrom) and node.level):
            continue
        base = package[: len(package) - node.level + 1]
        source = import_module(".".join((*base, *filter(None, [node.module]))))
        for alias in node.names:
            name = getattr(getattr(source, alias.name), "__module__", "")
            found.add(name.removeprefix("preread."))
    return found


@pytest.mark.parametrize("what", ["passage", "question"])
def test_every_module_of_a_walk_is_imported_by_an_earlier_one(what: str) -> None:
    walk = walk_of(what)
    assert 5 <= len(walk) <= 7
    for number, module in enumerate(walk):
        assert ROOT.joinpath(*module.split(".")).with_suffix(".py").is_file(), module
        known = set().union(*map(defining_modules, walk[:number]))
        assert number == 0 or module in known, f"no module before it imports {module}"


@contextmanager
def calls_between(walk: list[str]) -> Iterator[set[tuple[str, str]]]:
    """Which modules of a walk call which others, through whatever lies between them."""
    names = {f"preread.{module}": module for module in walk}
    found: set[tuple[str, str]] = set()

    def module_of(frame: FrameType) -> str | None:
        return names.get(str(frame.f_globals.get("__name__")))

    def note(frame: FrameType, event: str, argument: object) -> None:
        called = module_of(frame) if event == "call" else None
        caller = frame.f_back
        while called is not None and caller is not None:
            calling = module_of(caller)
            if calling is not None:
                found.add((calling, called))
                return
            caller = caller.f_back

    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(None)


@pytest.mark.slow
def test_a_passage_and_a_question_take_the_walks_that_the_docs_name(tmp_path: Path) -> None:
    from preread.data.sample import sample_corpus_path
    from preread.pipeline import OpenDomainQA
    from preread.pipeline.cli.main import app

    index, corpus = str(tmp_path / "index"), str(sample_corpus_path())
    call: Callable[..., object] = app
    options = ["--limit", "20", "--workers", "1", "--json"]
    with calls_between(walk_of("passage")) as of_passage:
        call(["index", corpus, index, *options], standalone_mode=False)
    qa = OpenDomainQA.from_index(index)
    with calls_between(walk_of("question")) as of_question:
        qa("Which roman god gave volcanoes their name?")
    for what, calls in (("passage", of_passage), ("question", of_question)):
        walk = walk_of(what)
        for number, module in enumerate(walk[1:], start=1):
            assert any((earlier, module) in calls for earlier in walk[:number]), module
