"""What the README says, runs; what it and CONTRIBUTING name, is there."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CITED = ("version", "date-released")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_python_of_the_readme_runs(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert "Ring of Fire" in capsys.readouterr().out


def test_every_command_of_the_readme_exists() -> None:
    from preread.pipeline.cli.main import app
    from typer.main import get_command

    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"(?:\$ |`)preread ([a-z-]+)", README))
    assert named and named <= known


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (ROOT / target).exists(), target
    for target in re.findall(r"`((?:benchmarks|docs|data)/[^` ]+\.[a-z]+)`", README):
        assert (ROOT / target).exists(), target


def test_every_file_that_contributing_names_is_there() -> None:
    rooms = r"`((?:benchmarks|data|docs|indexer|pipeline|reader|tests)/[^` ]*)`"
    named = re.findall(rooms, CONTRIBUTING)
    assert len(named) > 20
    for target in named:
        assert (ROOT / target).exists(), target


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)`", README + CONTRIBUTING, re.MULTILINE)
    assert {"test", "check"} <= {first or second for first, second in named}
    for first, second in named:
        assert re.search(rf"^{first or second}:", makefile, re.MULTILINE), first or second


def test_changelog_and_citation_are_of_the_version_in_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = re.findall(r"^## \[(\d.*?)\] - (\d{4}-\d\d-\d\d)$", changelog, re.MULTILINE)[0]
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    cited = [re.findall(rf"^{key}: (.+)$", citation, re.MULTILINE) for key in CITED]
    assert newest[0] == project["version"] and cited == [[part] for part in newest]
