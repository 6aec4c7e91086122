"""The examples run as they say."""

import json
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[1] / "examples"
Run = Callable[..., str]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs an example in this process, as the main program, and gives its standard output."""

    def run(name: str, *arguments: str) -> str:
        path = str(EXAMPLES / name)
        monkeypatch.setattr(sys, "argv", [path, *arguments])
        runpy.run_path(path, run_name="__main__")
        return capsys.readouterr().out

    return run


def test_a_folder_of_notes_answers(run: Run, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "house.md").write_text("# House\n\nThe boiler is serviced in October by Anna Lind.\n")
    (notes / "garden.txt").write_text("The apple tree was planted in 1987 by the gate.\n")
    assert "house.md" in run("ask_a_folder.py", str(notes), "When is the boiler serviced?")
    assert (tmp_path / "notes.preread" / "manifest.json").exists()
    assert "garden.txt" in run("ask_a_folder.py", str(notes), "When was the apple tree planted?")


def test_any_bert_can_be_split(run: Run, tiny_reader_path: Path) -> None:
    out = run("split_a_bert.py", str(tiny_reader_path), "3")
    assert float(out.splitlines()[0].split(": ")[1]) < 0.05


def test_the_notebook_runs_from_top_to_bottom(
    sample_index: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its cells are plain Python, so that no kernel is needed to run them.

    The build that the first one asks for is finished already, and is continued.
    """
    shutil.copytree(sample_index, tmp_path / "my-index")
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((EXAMPLES / "quickstart.ipynb").read_text("utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells)
    names: dict[str, object] = {}
    for cell in cells:
        exec(compile("".join(cell["source"]), "quickstart.ipynb", "exec"), names)
    out = capsys.readouterr().out
    assert "[88]" in out and "Vulcan" in out and "20 questions" in out
