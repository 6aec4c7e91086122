"""The examples run as they say."""

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, *arguments: str) -> str:
    """Standard output of an example."""
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_a_folder_of_notes_answers(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "house.md").write_text("# House\n\nThe boiler is serviced in October by Anna Lind.\n")
    (notes / "garden.txt").write_text("The apple tree was planted in 1987 by the gate.\n")
    assert "house.md" in run("ask_a_folder.py", str(notes), "When is the boiler serviced?")
    assert (tmp_path / "notes.preread" / "manifest.json").exists()
    assert "garden.txt" in run("ask_a_folder.py", str(notes), "When was the apple tree planted?")


def test_any_bert_can_be_split(tiny_reader_path: Path) -> None:
    out = run("split_a_bert.py", str(tiny_reader_path), "3")
    assert float(out.splitlines()[0].split(": ")[1]) < 0.05
