"""Tables of docs/training.md: the reader before its upper layers were trained on, and after."""

from typing import Any

from answer_tables import with_interval
from common import all_results, newest

_OPEN_DOMAIN = {
    "open-domain-wiki-passages-20k": "20 of 20,000 passages, by BM25, all questions",
    "open-domain-wiki-passages": "20 of 202,441 passages, by BM25, all questions",
    "open-domain-wiki-passages-dense": "20 of 202,441 passages, by vectors, all questions",
}
_HELD_OUT = {"aggregation": "by BM25", "aggregation-dense": "by vectors"}

Cells = tuple[str, dict[str, Any], dict[str, Any]]
"""What was measured, and scores before and now."""


def rounds() -> str:
    """EM and F1 with their intervals, of the same questions by the same commands."""
    cells: list[Cells] = []
    files: list[str] = []
    for found, sources in (_reading(), _open_domain(), _held_out()):
        cells += found
        files += sources
    lines = [
        "| measured | EM before | EM now | F1 before | F1 now |",
        "|---|---|---|---|---|",
    ]
    for what, *scores in cells:
        shown = [with_interval(one, name) for name in ("exact_match", "f1") for one in scores]
        lines.append(f"| {what} | {' | '.join(shown)} |")
    return "\n".join([*lines, "", f"From {', '.join(f'`{file}`' for file in files)}."])


def _reading() -> tuple[list[Cells], list[str]]:
    """The passage given, states of the default codec."""
    before, now = newest("reading-before"), newest("reading")
    was = {row["dataset"]: row for row in before["rows"]}
    cells = [
        (f"`{row['dataset']}`, the passage given", was[row["dataset"]], row)
        for row in now["rows"]
        if row.get("codec") == "rpq9"
    ]
    return cells, [before["file"], now["file"]]


def _open_domain() -> tuple[list[Cells], list[str]]:
    """From question to answer, as a user has it."""
    cells: list[Cells] = []
    files: list[str] = []
    for name, what in _OPEN_DOMAIN.items():
        before, now = _oldest(name), newest(name)
        cells.append((what, before["scores"][0], now["scores"][0]))
        files += [before["file"], now["file"]]
    return cells, files


def _held_out() -> tuple[list[Cells], list[str]]:
    """Ranked as fitted, the questions that nothing was fitted to."""
    small = newest("aggregation-20k")
    cells: list[Cells] = []
    files = [small["file"]]
    for top_k in ("20", "100"):
        rows = [small["readers"][name]["top_k"][top_k]["rows"][-1] for name in ("before", "shared")]
        cells.append((f"{top_k} of 20,000 passages, by BM25, {_rest(small)} held out", *rows))
    for name, how in _HELD_OUT.items():
        results = [_oldest(name), newest(name)]
        for top_k in ("20", "100"):
            rows = [one["readers"]["shared"]["top_k"][top_k]["rows"][-1] for one in results]
            what = f"{top_k} of 202,441 passages, {how}, {_rest(results[0])} held out"
            cells.append((what, *rows))
        files += [one["file"] for one in results]
    return cells, files


def _rest(result: dict[str, Any]) -> int:
    """Questions that nothing was fitted to."""
    return int(result["n_questions"]) - int(result["n_fitted"])


def _oldest(name: str) -> dict[str, Any]:
    """The first result of a benchmark that is kept."""
    return [one for one in all_results(name) if one["benchmark"] == name][-1]


def own_questions() -> str:
    """What the reader that ships gains by questions of one's own, and what it forgets."""
    result = newest("own-questions")
    datasets = result["rows"][0]["scores"]
    counts = ", ".join(f"{row['n_questions']:,} of `{name}`" for name, row in datasets.items())
    lines = [
        f"Questions answered: {counts}, from 9 bytes a token. In brackets, where figures lie with "
        "95 % (bootstrap).",
        "",
        f"| learned from, of `{result['own']}` | steps | "
        + " | ".join(f"`{name}` EM | F1" for name in datasets)
        + " |",
        f"|---|---|{'---|---|' * len(datasets)}",
    ]
    for row in result["rows"]:
        cells = [f"{row['n_learned']:,}" if row["n_learned"] else "none", row.get("n_steps", "")]
        for scores in row["scores"].values():
            cells += [with_interval(scores, name) for name in ("exact_match", "f1")]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    script = "`python benchmarks/own_questions.py`"
    return "\n".join([*lines, "", f"{script} → `{result['file']}`"])
