"""The folders are the architecture: imports go one way, data <- reader <- indexer <- pipeline."""

import ast
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("data", "reader", "indexer", "pipeline")
FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def imported_rooms(path: Path) -> set[str]:
    """Rooms that a module imports, by relative or absolute names."""
    package = ("preread", *path.relative_to(ROOT).parts[:-1])
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names: list[tuple[str, ...]] = []
        if isinstance(node, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            whole = (*base, *(node.module.split(".") if node.module else ()))
            names = [(*whole, alias.name) for alias in node.names]
        rooms |= {name[1] for name in names if name[0] == "preread" and len(name) > 1}
    return rooms


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_rooms_import_only_what_lies_below_them(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    allowed = set(ROOMS[: ROOMS.index(room) + 1])
    assert imported_rooms(path) <= allowed


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
        if method in {"logits_batch", "span_logits"} or on_reader:
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
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
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
