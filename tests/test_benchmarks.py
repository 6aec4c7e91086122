"""The benchmarks: what is compared reads the same, and the docs show what was measured."""

import json
import re
import tomllib
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from huggingface_hub import ModelCard
from preread.data.sample import sample_corpus_path, sample_questions_path
from preread.reader.training import Recipe
from preread.reader.training.retrieval.recipe import HeadRecipe

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
EXTRAS = ("ray", "schemathesis")
"""Packages of extras that the tests do without."""
SCRIPTS = sorted(
    path.stem for path in BENCHMARKS.glob("*.py") if "def main(" in path.read_text("utf-8")
)


@pytest.fixture
def render(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The renderer of tables."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return import_module("render")


@pytest.mark.slow
def test_all_that_the_speed_benchmark_compares_reads_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    speed, systems = import_module("speed"), import_module("reading_systems")
    asked = systems.choose_questions(
        sample_corpus_path(), sample_questions_path(), tmp_path, n=1, top_k=3, seed=0, limit=60
    )
    bench = systems.Bench("default", tmp_path, "float16", asked)
    # Compares exact systems itself.
    (row,) = speed.measure(bench, asked, systems.SYSTEMS, [3], 1)
    assert set(row["ms_a_question"]) == set(systems.SYSTEMS)
    assert set(row["times_as_fast"]) == set(systems.OURS)
    off = row["logits_off_by"]
    assert off["ours, float32"] < 0.01
    assert 0 < off["ours, bfloat16"] < 0.1 and 0 < off["full bfloat16, sorted"] < 0.1
    assert 0 < off["ours, int8"] < 0.2 and 0 < off["full int8, sorted"] < 0.2


def test_the_newest_result_is_not_one_of_a_longer_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    common = import_module("common")
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    for name, measured in (("codecs", 1), ("codecs", 2), ("codecs-sizes", 3)):
        result = {"benchmark": name, "measured": f"2026-11-0{measured}", f"part-{measured}": 1}
        (tmp_path / f"{name}-{measured}.json").write_text(json.dumps(result))
    assert common.newest("codecs")["measured"] == "2026-11-02"
    assert common.newest("codecs-sizes")["measured"] == "2026-11-03"
    assert common.newest("codecs", "part-1")["measured"] == "2026-11-01"
    with pytest.raises(LookupError, match="speed: no result"):
        common.newest("speed")


def test_a_result_names_no_folder_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    common = import_module("common")
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    words = ["/a/b/speed.py", "/a/b/wiki", f"shared={tmp_path}/reader", "../c.tsv", "--k", "2"]
    monkeypatch.setattr("sys.argv", words)
    command = json.loads(common.write_result("speed", {}).read_text("utf-8"))["command"]
    expected = ["wiki", "shared=reader", "../c.tsv", "--k", "2"]
    assert command == ["python", "benchmarks/speed.py", *expected]


def test_systems_are_timed_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    timing = import_module("timing")
    ran: list[str] = []
    systems = {"a": [lambda: ran.append("a")], "b": [lambda: ran.append("b")] * 2}
    found = timing.in_turns(systems, range(2))
    assert ran == ["a", "b", "b"] * 2
    assert [len(rounds) for rounds in found.values()] == [2, 2]
    assert timing.spread([3.0, 1.0, 2.0], 10) == {"median": 20.0, "least": 10.0, "most": 30.0}


def test_every_table_shows_the_newest_results(
    render: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["render.py", "--check"])
    render.main()


def test_a_block_is_filled_wherever_it_stands(render: ModuleType, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Before.\n\n<!-- kills -->\nold\n<!-- /kills -->\nAfter.\n", "utf-8")
    text, stale = render.rendered(page, partial(render.table, render.environment()))
    assert stale == ["kills"] and "old" not in text
    assert text.startswith("Before.\n\n<!-- kills -->\n| killed during |")
    assert text.endswith(".json`\n<!-- /kills -->\nAfter.\n")


def test_metadata_of_the_model_card_is_what_the_hub_reads(render: ModuleType) -> None:
    (card,) = [page for page in render.pages() if "checkpoints" in page.parts]
    metadata = ModelCard.load(card).data
    assert metadata.license == "apache-2.0" and metadata.model_name == card.parent.name
    rows = render.newest("reading")["rows"]
    wanted = {round(row["f1"], 1) for row in rows if row.get("codec") == "rpq9"}
    found = {one.metric_value for one in metadata.eval_results if one.metric_type == "f1"}
    assert found == wanted and len(found) == 2


def test_links_of_a_block_lead_from_its_page(render: ModuleType) -> None:
    page = ROOT / "docs" / "measurements" / "training.md"
    text = render.table(render.environment(), "split-curve", page)
    assert "![F1 by split](split-curve.png)" in text


def test_a_block_without_a_template_is_a_clear_error(render: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"<!-- none -->: expected a template .*none\.jinja"):
        render.table(render.environment(), "none", ROOT / "README.md")


def test_every_template_and_result_is_shown(render: ModuleType) -> None:
    pages = "\n".join(page.read_text("utf-8") for page in render.pages())
    templates = {path.name: path.read_text("utf-8") for path in render.TABLES.iterdir()}
    used = {f"{name}.jinja" for name in re.findall(r"<!-- ([a-z0-9-]+) -->", pages)}
    for text in templates.values():
        used |= set(re.findall(r'{% (?:include|from) "([^"]+)"', text))
    assert set(templates) == used & set(templates)
    for result in (BENCHMARKS / "results").iterdir():
        assert result.name in pages, f"{result}: no page names it. Delete it."


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_says_how_it_is_called(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    try:
        script = import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in EXTRAS:
            raise
        pytest.skip(str(error))
    monkeypatch.setattr("sys.argv", [f"{name}.py", "--help"])
    with pytest.raises(SystemExit) as stopped:
        script.main()
    assert stopped.value.code == 0
    assert f"python benchmarks/{name}.py" in " ".join(capsys.readouterr().out.split())


def test_every_recipe_of_an_experiment_loads() -> None:
    paths = list((BENCHMARKS / "recipes").glob("*.toml"))
    assert paths
    for path in paths:
        if "encoder" in tomllib.loads(path.read_text("utf-8")):
            assert HeadRecipe.load(path).n_layers
        else:
            assert Recipe.load(path).num_lower_layers in range(7)
