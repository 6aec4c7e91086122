"""Tables of docs/store.md, each of a benchmark's newest result."""

from collections.abc import Callable
from typing import Any

from codecs_by_name import AS_TRAINED, TUNED
from common import newest


def codecs() -> str:
    """F1 by bytes a token."""
    result = newest("codecs")
    rows = result["rows"]
    kinds = list(dict.fromkeys(kind for row in rows for kind in row["scores"]))
    of_first = rows[0]["scores"][kinds[0]]
    datasets = list(of_first)
    arms = [(kind, dataset) for dataset in datasets for kind in kinds]
    counts = [of_first[name]["n_questions"] for name in datasets]
    drawn = "all contexts"
    if result["contexts"]:
        drawn = f"those of {result['contexts']} contexts of each, drawn with seed "
        drawn += str(result["sample_seed"])
    lines = [
        f"F1 / EM on {' and '.join(f'{n:,}' for n in counts)} questions ({drawn}). Bytes are all "
        f"in: code, token id, and {result['bytes_beside_codes'] - 2:.2f} bytes of lengths, "
        "checksums and look-up.",
        "",
        "| codec | bytes a token | variance lost | "
        + " | ".join(f"`{dataset}` {reader}" for reader, dataset in arms)
        + " |",
        f"|---|---|---|{'---|' * len(arms)}",
    ]
    for row in sorted(rows, key=lambda row: float(-row["bytes_per_token"])):
        scores = [row["scores"].get(kind, {}).get(dataset) for kind, dataset in arms]
        cells = " | ".join(f"{s['f1']:.1f} / {s['exact_match']:.1f}" if s else "" for s in scores)
        lines.append(
            f"| {row['codec']} | {row['bytes_per_token']:.1f} | {row['variance_lost']:.3f} "
            f"| {cells} |"
        )
    lines += ["", f"Upper layers in {_precisions(result)}."]
    lines += ["", "![F1 by bytes a token](codecs.png)", ""]
    return "\n".join([*lines, f"`python benchmarks/codecs.py` → `{result['file']}`"])


def _precisions(result: dict[str, Any]) -> str:
    """What the rows' upper layers were computed in; codecs are named where it is not all."""
    of_row = {row["codec"]: row.get("precision", result["precision"]) for row in result["rows"]}
    usual, *others = dict.fromkeys(of_row.values())
    said = [
        f"{other} for {', '.join(c for c, p in of_row.items() if p == other)}" for other in others
    ]
    return f"{usual}, {'; '.join(said)}" if said else usual


def summary() -> list[str]:
    """What a stored token costs and what answers lose by it, in a few rows."""
    reading, answers = newest("codecs"), newest("codec-answers")
    exact = {(row["reader"], row["codec"]): row["exact_match"] for row in answers["rows"]}
    datasets = list(reading["rows"][0]["scores"][AS_TRAINED])
    lines = [
        f"| codec | bytes a token | {' | '.join(f'`{name}` F1' for name in datasets)} "
        "| open domain EM |",
        f"|---|---|{'---|' * (len(datasets) + 1)}",
    ]
    for row in sorted(reading["rows"], key=lambda row: float(-row["bytes_per_token"])):
        upper = AS_TRAINED if row["codec"] == "float16" else TUNED
        if (upper, row["codec"]) in exact and upper in row["scores"]:
            f1 = " | ".join(f"{row['scores'][upper][name]['f1']:.1f}" for name in datasets)
            found = exact[upper, row["codec"]]
            lines.append(f"| {row['codec']} | {row['bytes_per_token']:.1f} | {f1} | {found:.1f} |")
    return [
        *lines,
        "",
        f"Open domain: {answers['n_questions']:,} questions of `{answers['questions']}` over "
        f"`{answers['corpus']}`, {answers['top_k']} passages each.",
        "",
        f"`python benchmarks/codecs.py` → `{reading['file']}`, "
        f"`python benchmarks/codec_answers.py` → `{answers['file']}`",
    ]


def distortion_768() -> str:
    """Variance lost in states of twice the width."""
    result = newest("distortion-768")
    lines = [
        f"States {result['hidden_size']} wide, of a BERT-base shape split at 9 with random weights "
        "(no trained weights of that width could be had):",
        "",
        "| codec | bytes a code | variance lost |",
        "|---|---|---|",
    ]
    for row in sorted(result["rows"], key=lambda row: float(-row["bytes_per_token"])):
        lines.append(f"| {row['codec']} | {row['bytes_per_code']} | {row['variance_lost']:.3f} |")
    return "\n".join([*lines, "", _source("codecs", result)])


def codec_answers(name: str = "codec-answers") -> str:
    """EM of answers from retrieved passages, by codec and upper layers."""
    result = newest(name)
    drawn = f", drawn with seed {result['seed']}," if result["seed"] is not None else ""
    rows = {(row["codec"], row["reader"]): row for row in result["rows"]}
    codecs, readers = (list(dict.fromkeys(some)) for some in zip(*rows, strict=True))
    columns = " | ".join(f"EM {r} | less float16 | F1 {r} | less float16" for r in readers)
    lines = [
        f"Open domain: {result['n_questions']:,} questions of `{result['questions']}`{drawn} over "
        f"`{result['corpus']}`, {result['top_k']} passages each. Differences are to float16 and "
        "upper layers as trained; in brackets, where they lie with 95 % (paired bootstrap).",
        "",
        f"| codec | {columns} |",
        f"|---|{'---|' * 4 * len(readers)}",
    ]
    for codec in codecs:
        cells = [_score_cells(rows[codec, reader], kind) for reader in readers for kind in _KINDS]
        lines.append(f"| {codec} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", _source("codec_answers", result)])


_KINDS = ("exact_match", "f1")


def _score_cells(row: dict[str, Any], kind: str) -> str:
    """A score, and how far it is from float16's."""
    less = row[f"{kind}_less_float16"]
    low, high = less["interval"]
    is_itself = low == high == 0
    difference = "" if is_itself else f"{less['mean']:+.1f} ({low:+.1f} to {high:+.1f})"
    return f"{row[kind]:.1f} | {difference}"


def kills() -> str:
    """What became of killed processes."""
    result = newest("kills")
    of_step: dict[str, list[dict[str, Any]]] = {}
    for kill in result["kills"]:
        of_step.setdefault(kill["step"], []).append(kill)
    lines = ["| killed during | times | ended as if nothing had happened |", "|---|---|---|"]
    for step, some in of_step.items():
        n_same = sum(kill["same"] and not kill["faults"] for kill in some)
        lines.append(f"| `{step}` | {len(some)} | {n_same} |")
    return "\n".join([*lines, "", _source("kills", result)])


def byte_changes() -> str:
    """What became of changed bytes, by kind of file."""
    result = newest("byte-changes")
    kinds = ("reported by verify", "refused when read", "read as it was", "READ WRONG")
    lines = [
        f"| file | {' | '.join(kind.lower() for kind in kinds)} |",
        f"|---|{'---|' * len(kinds)}",
    ]
    rows = {**result["by_kind_of_file"], "all": result["outcomes"]}
    for name, counts in rows.items():
        lines.append(f"| {name} | {' | '.join(str(counts.get(kind, 0)) for kind in kinds)} |")
    return "\n".join([*lines, "", _source("byte_changes", result)])


def build_rate() -> str:
    """How near a build comes to the lower layers alone."""
    result = newest("build-rate")
    ratio = {k: f"{100 * v:.0f} %" for k, v in result["throughput_of_lower_layers"].items()}
    return (
        f"Shards of {result['n_passages']:,} passages with {result['codec']} are written at "
        f"{ratio['median']} of the throughput of the lower layers alone ({ratio['least']} to "
        f"{ratio['most']} in {len(result['seconds'])} alternating runs).\n\n"
        + _source("build_rate", result)
    )


def build_memory() -> str:
    """Most resident memory by size of the corpus."""
    result = newest("build-memory")
    lines = [
        "| passages | most memory of the process, MiB | of its largest worker, MiB | seconds |",
        "|---|---|---|---|",
    ]
    for row in result["memory"]:
        lines.append(
            f"| {row['n_passages']:,} | {row['process_mib']} | {row['largest_worker_mib']} | "
            f"{row['seconds']:,} |"
        )
    return "\n".join([*lines, "", _source("build_rate", result)])


def random_access() -> str:
    """Fetching passages from an index larger than memory."""
    result = newest("random-access")
    lines = [
        f"{result['passages_a_question']} random passages of {result['n_passages_in_index']:,} in "
        f"{result['n_shards']:,} shards, {result['gib']} GiB ({result['codec']}), on a machine "
        f"with {result['memory_gib']} GiB of memory; {result['n_questions']} times:",
        "",
        "| | median, ms | 95th percentile, ms |",
        "|---|---|---|",
    ]
    for name, times in result["times"].items():
        lines.append(f"| {name} | {times['p50_ms']} | {times['p95_ms']} |")
    return "\n".join([*lines, "", _source("random_access", result)])


def _source(script: str, result: dict[str, Any]) -> str:
    return f"`python benchmarks/{script}.py` → `{result['file']}`"


STORE_TABLES: dict[str, Callable[[], str]] = {
    "codecs": codecs,
    "codec-answers": codec_answers,
    "codec-answers-sizes": lambda: codec_answers("codec-answers-sizes"),
    "distortion-768": distortion_768,
    "kills": kills,
    "byte-changes": byte_changes,
    "build-rate": build_rate,
    "build-memory": build_memory,
    "random-access": random_access,
}
