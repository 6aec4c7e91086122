"""The benchmarks' own parts: what is compared reads the same."""

import json
from importlib import import_module
from pathlib import Path

import pytest
from preread.data.sample import sample_corpus_path, sample_questions_path

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


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
        result = {"benchmark": name, "measured": f"2026-11-0{measured}"}
        (tmp_path / f"{name}-{measured}.json").write_text(json.dumps(result))
    assert common.newest("codecs")["measured"] == "2026-11-02"
    assert common.newest("codecs-sizes")["measured"] == "2026-11-03"
    with pytest.raises(LookupError, match="speed: no result"):
        common.newest("speed")
