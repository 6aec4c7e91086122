"""Reproductions: the list's form, what is run and what not, and the comparison of figures."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from preread.data import PrereadError
from preread.data.sample import sample_corpus_path
from preread.pipeline.evaluation.reproduction.inputs import check_disk, find_inputs
from preread.pipeline.evaluation.reproduction.listing import load_reproductions

ROOT = Path(__file__).parents[3]
Preread = Callable[..., Any]

LIST = """
[[reproductions]]
name = "small"
about = "Scores of given answers."
needs = {{ n_passages = 0, n_questions = 1, disk_gib = 0.01, memory_gib = 1, minutes = 1 }}
inputs.corpus = {{ shipped = "passages.jsonl" }}
inputs.questions = {{ given = "some questions" }}
[[reproductions.steps]]
name = "first"
command = ["score", "{{questions}}", "{{folder}}/answers.jsonl"]
[[reproductions.steps]]
name = "second"
command = ["score", "{{questions}}", "{{folder}}/answers.jsonl"]
[[reproductions.steps.figures]]
key = "n_questions"
expected = {expected}
tolerance = {tolerance}
source = "the command"
"""
INDEX_AND_SCORES = """
[[reproductions]]
name = "described"
about = "What an index of the sample holds, and scores of given answers."
needs = { n_passages = 181, n_questions = 388, disk_gib = 0.01, memory_gib = 1, minutes = 1 }
inputs.questions = { shipped = "questions.jsonl" }
[[reproductions.steps]]
name = "info"
command = ["info", "{index}"]
figures = [{ key = "n_passages", expected = 181, tolerance = 0, source = "the sample" }]
[[reproductions.steps]]
name = "score"
command = ["score", "{questions}", "{folder}/answers.jsonl"]
figures = [{ key = "n_questions", expected = 388, tolerance = 0, source = "the sample" }]
"""


@pytest.fixture
def write_list(tmp_path: Path) -> Callable[..., Path]:
    """Writes a list of one small reproduction, and the answers that it scores."""
    (tmp_path / "small").mkdir()
    answers = '{"question": "where is Etna?", "prediction": "Sicily"}\n'
    (tmp_path / "small" / "answers.jsonl").write_text(answers, "utf-8")

    def write(expected: object = 1, tolerance: object = 0, **changes: str) -> Path:
        path = tmp_path / "list.toml"
        text = LIST.format(expected=expected, tolerance=tolerance)
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """One question."""
    path = tmp_path / "questions.jsonl"
    path.write_text('{"question": "where is Etna?", "answer": ["Sicily"]}\n', "utf-8")
    return path


@pytest.mark.slow
def test_finished_steps_are_skipped_unless_an_index_is_damaged_or_a_result_is_missing(
    preread: Preread, sample_index: Path, tmp_path: Path
) -> None:
    """With commands that read no passage; `make test` runs those of the shipped sample."""
    (tmp_path / "list.toml").write_text(INDEX_AND_SCORES, "utf-8")
    folder = tmp_path / "described"
    shutil.copytree(sample_index, folder / "index")
    (folder / "answers.jsonl").write_text('{"id": "q002", "prediction": "Vulcan"}\n', "utf-8")
    arguments = ("reproduce", "described", "--folder", tmp_path, "--from", tmp_path / "list.toml")
    first = preread(*arguments, "--json")
    assert first.code == 0, first.err
    found = json.loads(first.out)
    assert found["ok"] and found["name"] == "described"
    assert [figure["found"] for figure in found["figures"]] == [181, 388]
    assert [step["was_done"] for step in found["steps"]] == [False, False]
    assert "roughly 1 min on two cores" in first.err

    skipped = json.loads(preread(*arguments, "--json").out)
    assert skipped["steps"] == [step | {"was_done": True} for step in found["steps"]]

    # A file of the index is cut short: its step runs again, and says what is wrong.
    shard = next((folder / "index" / "states").glob("*.h5"))
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1])
    damaged = preread(*arguments, "--json")
    assert damaged.code == 2 and "step 'info'" in damaged.err
    assert f"remove {folder}" in damaged.err
    shard.write_bytes(whole)

    # A step that was stopped has no result: it runs again, and only this one.
    (folder / "score.json").unlink()
    resumed = json.loads(preread(*arguments, "--json").out)
    assert resumed["ok"]
    assert [step["was_done"] for step in resumed["steps"]] == [True, False]


@pytest.mark.slow
def test_a_figure_that_is_off_gives_exit_code_one(
    preread: Preread, write_list: Callable[..., Path], questions: Path, tmp_path: Path
) -> None:
    arguments = ("reproduce", "small", "--folder", tmp_path, "--questions", questions)
    off = preread(*arguments, "--from", write_list(5, 1), "--json")
    assert off.code == 1, off.err
    (figure,) = json.loads(off.out)["figures"]
    assert (figure["expected"], figure["found"], figure["ok"]) == (5, 1, False)

    # With another expectation no step has to run.
    shown = preread(*arguments, "--from", write_list(4, 2.9))
    assert shown.code == 1 and "4 ± 2.9" in shown.out and "1 of 1 figures off" in shown.out
    assert shown.err.count(": is finished (") == 2
    at_the_edge = preread(*arguments, "--from", write_list(1.3, 0.3))
    assert at_the_edge.code == 0 and "all figures ok" in at_the_edge.out

    # With other questions they do.
    questions.write_text(questions.read_text("utf-8") + "\n", "utf-8")
    again = preread(*arguments, "--from", write_list(), "--json")
    assert [step["was_done"] for step in json.loads(again.out)["steps"]] == [False, False]


@pytest.mark.slow
def test_a_step_that_fails_is_an_error(
    preread: Preread, write_list: Callable[..., Path], questions: Path, tmp_path: Path
) -> None:
    path = write_list(**{"{folder}/answers": "{folder}/no-answers"})
    finished = preread(
        *("reproduce", "small", "--folder", tmp_path, "--from", path, "--questions", questions)
    )
    assert finished.code == 2
    assert "step 'first': `preread score` ended with code 2" in finished.err
    assert not (tmp_path / "small" / "first.json").exists()


@pytest.mark.slow
def test_a_figure_that_is_not_there_is_an_error(
    preread: Preread, write_list: Callable[..., Path], questions: Path, tmp_path: Path
) -> None:
    path = write_list(**{'key = "n_questions"': 'key = "top_k_accuracy.7"'})
    finished = preread(
        *("reproduce", "small", "--folder", tmp_path, "--from", path, "--questions", questions)
    )
    assert finished.code == 2
    assert "expected a number at 'top_k_accuracy.7'" in finished.err
    assert "found None; it has exact_match, f1" in finished.err


def test_missing_files_and_names(
    preread: Preread, write_list: Callable[..., Path], tmp_path: Path
) -> None:
    def refused(*arguments: object) -> str:
        finished = preread("reproduce", *arguments, "--folder", tmp_path / "new")
        assert finished.code == 2 and finished.err.startswith("error: ")
        assert not (tmp_path / "new").exists()
        return str(finished.err)

    assert "expected --questions FILE (some questions), found none" in refused(
        "small", "--from", write_list()
    )
    assert f"{tmp_path / 'no'}: expected the questions of small, found nothing" in refused(
        "small", "--from", write_list(), "--questions", tmp_path / "no"
    )
    assert "squad: takes no --corpus" in refused("squad", "--corpus", sample_corpus_path())
    assert "expected the name of a reproduction (sample, squad" in refused("sampel")
    assert "found none" in refused()
    assert "no.toml: expected a TOML file" in refused("small", "--from", tmp_path / "no.toml")


@pytest.mark.slow
def test_a_download_is_taken_where_it_was_put(
    preread: Preread,
    write_list: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    here = tmp_path / "preread" / "downloads" / "nq-test.qa.csv"
    here.parent.mkdir(parents=True)
    here.write_text("where is Etna?\t['Sicily']\n", "utf-8")
    path = write_list(**{'given = "some questions"': 'download = "dpr-nq-test"'})
    finished = preread("reproduce", "small", "--folder", tmp_path, "--from", path, "--json")
    assert finished.code == 0, finished.err
    assert json.loads(finished.out)["steps"][1]["command"][1] == str(here)


def test_a_download_that_is_not_there_counts_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    wikipedia = load_reproductions()["wikipedia"]
    inputs = find_inputs(wikipedia, {})
    assert [one.bytes_to_fetch for one in inputs.values()] == [4694541059, 391316]
    check_disk(tmp_path, 0.0, {})
    with pytest.raises(PrereadError, match=r"expected 1,0\d\d,\d\d\d.\d GiB of free disk"):
        check_disk(tmp_path / "not" / "made", 1_000_000, inputs)
    # What is there already is not needed once more.
    (tmp_path / "held").write_bytes(bytes(2**20))
    check_disk(tmp_path, 2**-10, {})


def test_too_little_disk_is_refused_before_anything_runs(
    preread: Preread, write_list: Callable[..., Path], questions: Path, tmp_path: Path
) -> None:
    path = write_list(**{"disk_gib = 0.01": "disk_gib = 9e9"})
    finished = preread(
        *("reproduce", "small", "--folder", tmp_path, "--from", path, "--questions", questions)
    )
    assert finished.code == 2 and "GiB of free disk, found" in finished.err
    assert "9e+09 GiB of disk" in finished.err
    assert not (tmp_path / "small" / "first.json").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[[reproductions]]", "[[reproductions", "list.toml: expected TOML"),
        ("[[reproductions]]", "other = 1\n[[reproductions]]", "other: expected no field of this"),
        ('name = "small"', 'name = "a/b"', r"reproductions\[0\]\.name: .*, found 'a/b'"),
        ('about = "Scores of given answers."', "", r"\[0\]\.about: expected a value, found none"),
        ("minutes = 1 ", 'minutes = "1" ', r"needs\.minutes: expected a valid number, found '1'"),
        ("minutes = 1 ", "minutes = -1 ", r"needs\.minutes: expected a number greater"),
        ("tolerance = 0", "tolerance = inf", r"tolerance: expected a "),
        ('shipped = "', 'bought = "', r"inputs\.corpus: expected one of shipped, download, given"),
        ("inputs.questions", "inputs.answers", "corpus|questions.*, found 'answers'"),
        ("{questions}", "{passages}", r"expected only \{corpus\}.*'first', found \{passages\}"),
        ('name = "second"', 'name = "first"', "expected steps of different names"),
        ("tolerance = 0", "tolerance = -1", r"figures\[0\]\.tolerance: expected a number greater"),
    ],
)
def test_a_list_of_another_form_is_refused(
    write_list: Callable[..., Path], old: str, new: str, message: str
) -> None:
    with pytest.raises(PrereadError, match=message):
        load_reproductions(write_list(**{old: new}))


def test_names_are_given_once(write_list: Callable[..., Path]) -> None:
    path = write_list()
    path.write_text(path.read_text("utf-8") * 2, "utf-8")
    with pytest.raises(PrereadError, match="found 'small' twice"):
        load_reproductions(path)


def test_the_list_is_shown(preread: Preread) -> None:
    shown = preread("reproduce", "--list").out
    lines = [json.loads(line) for line in preread("reproduce", "--list", "--json").out.splitlines()]
    assert [line["name"] for line in lines] == list(load_reproductions())
    for line in lines:
        assert f"{line['name']}: {line['about']}" in shown
    assert "21,015,324 passages, 3,610 questions; roughly" in shown
    assert "top_k_accuracy.20 63.99 ± 0.3" in shown


def test_every_command_of_the_shipped_list_can_be_given() -> None:
    from preread.pipeline.cli.main import app
    from typer.main import get_command

    commands = get_command(app).commands  # type: ignore[attr-defined]
    places = dict.fromkeys(("corpus", "questions", "index", "folder"), "somewhere")
    for one in load_reproductions().values():
        for step in one.steps:
            name, *words = step.words(places)
            context: typer.Context = commands[name].make_context(name, [*words, "--json"])
            assert context.params["json"]


def test_expectations_of_the_shipped_list_are_those_of_their_sources() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    n_checked = 0
    for one in load_reproductions().values():
        for figure in (figure for step in one.steps for figure in step.figures):
            if figure.source == "README.md":
                *_, last = figure.key.split(".")
                assert f"{last.replace('_', ' ')}" in readme and f"{figure.expected}" in readme
            if figure.source_key is None:
                continue
            value = json.loads((ROOT / figure.source).read_text("utf-8"))
            for name in figure.source_key.split("."):
                value = value[int(name)] if isinstance(value, list) else value[name]
            assert value == figure.expected, figure
            n_checked += 1
    assert n_checked > 10
