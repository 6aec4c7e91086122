"""What does reading cost, full and decomposed, in the layouts of the paper's tasks?

    python benchmarks/profile_table.py [--measure] [--device cuda]

Operations and parameters of BERT and XLNet, base split at 9 of 12 layers and large at 20 of 24, in
every layout, and of every split in SQuAD's. They are the same on every machine. With
``--measure``, time and memory of the former too, which want a machine with nothing else to do. The
tables of docs/profile.md are made from the result; its pictures are drawn here.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from common import all_results, newest, write_result
from preread.reader.profiling import (
    LAYOUTS,
    SHAPES,
    ProfileOptions,
    plot_sweep,
    profile_reader,
    sweep_reader,
)

ROOT = Path(__file__).parents[1]
_SQUAD = "squad11-dev.jsonl.gz"
Key = tuple[str, str, str]
"""Layout, arrangement and pass."""


def profile_flops() -> str:
    """Operations of every shape and layout."""
    result = newest("profile-table")
    lines = [
        "| shape | layout | stored | full | no store | from the store | packed, full | packed, "
        "from the store |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for profile in result["profiles"]:
        rows = _by_key(profile)
        for layout in dict.fromkeys(name for name, _, _ in rows):
            padded = rows[layout, "padded", "full"]
            tokens = f"{padded['question_tokens']} + {padded['passage_tokens']}"
            cells = [
                f"{profile['reader']}, k = {profile['num_lower_layers']}",
                f"{layout}, {tokens}",
                padded["stored"],
                f"{padded['flops'] / 1e9:.2f}",
            ]
            cells += [_with_ratio(rows[layout, "padded", p]) for p in ("decomposed", "stored")]
            if (layout, "packed", "full") in rows:
                packed = rows[layout, "packed", "full"]
                lengths = f"{packed['question_tokens']} + {packed['passage_tokens']}"
                cells.append(f"{packed['flops'] / 1e9:.2f} ({lengths})")
                cells.append(_with_ratio(rows[layout, "packed", "stored"]))
            else:
                cells += ["", ""]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", _source(result)])


def profile_parameters() -> str:
    """Parameters of every shape, by part."""
    result = newest("profile-table")
    parts = list(result["profiles"][0]["parameters"])
    lines = [f"| shape | {' | '.join(part.replace('_', ' ') for part in parts)} |"]
    lines.append(f"|---|{'---|' * len(parts)}")
    for profile in result["profiles"]:
        counts = " | ".join(f"{profile['parameters'][part]:,}" for part in parts)
        lines.append(f"| {profile['reader']}, k = {profile['num_lower_layers']} | {counts} |")
    return "\n".join([*lines, "", _source(result)])


def profile_storage() -> str:
    """Bytes of stored states, by codec."""
    result = newest("profile-table")
    lines = ["| shape | codec | bytes a token | bytes a passage | Wikipedia, GB |"]
    lines.append("|---|---|---|---|---|")
    for profile in result["profiles"]:
        for row in profile["storage"]:
            lines.append(
                f"| {profile['reader']} | {row['codec']} | {row['bytes_per_token']:,} "
                f"| {row['bytes_per_passage']:,} | {row['bytes_wikipedia'] / 1e9:,.0f} |"
            )
    return "\n".join([*lines, "", _source(result)])


def profile_time() -> str:
    """Time and memory, where they were measured."""
    result = newest("profile-table")
    if not result["is_measured"]:
        return "Time and memory were not measured in this run."
    lines = [
        "| shape | layout | pass | ms, median (least to most) | ratio | peak MiB | requested MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for profile in result["profiles"]:
        for (layout, arrangement, kind), row in _by_key(profile).items():
            ms = row["latency_ms"]
            lines.append(
                f"| {profile['reader']}, k = {profile['num_lower_layers']} "
                f"| {layout}, {arrangement} | {kind} "
                f"| {ms['median']:.1f} ({ms['least']:.1f} to {ms['most']:.1f}) "
                f"| {row['speedup']:.2f}x | {row['peak_bytes'] / 2**20:.1f} "
                f"| {row['requested_bytes'] / 2**20:.1f} |"
            )
    return "\n".join([*lines, "", _source(result)])


def profile_paper() -> str:
    """What the paper and its authors' code say, beside what was found here."""
    result, speed = newest("profile-table"), newest("speed-bert-base")
    ratio = {
        profile["reader"]: _by_key(profile)["squad", "padded", "stored"]["flop_speedup"]
        for profile in result["profiles"]
    }
    of_one_run = (
        {row["mode"]: row for row in result["rows"] if row["dataset"] == _SQUAD}
        for result in all_results("reading")
    )
    reading = next(rows for rows in of_one_run if {"full", "decomposed"} <= rows.keys())
    full, split = reading["full"], reading["decomposed"]
    scores = {mode: f"{row['exact_match']:.1f} / {row['f1']:.1f}" for mode, row in reading.items()}
    lost = f"{full['exact_match'] - split['exact_match']:.1f} / {full['f1'] - split['f1']:.1f}"
    last = speed["rows"][-1]
    timed = last["times_as_fast"]["ours, float32"]
    lines = [
        "| | theirs | ours |",
        "|---|---|---|",
        "| SQuAD 1.1 dev, EM / F1, full model | 80.92 / 88.34, BERT-base [1] "
        f"| {scores['full']}, MiniLM-L6 |",
        "| the same, decomposed | 79.13 / 87.00, k = 9, without KD and LRS [1] "
        f"| {scores['decomposed']}, k = 4, the reader that ships |",
        f"| what decomposing loses | 1.79 / 1.34 [1]; about 1 % with KD and LRS [2] | {lost} |",
        "| operations from the store, BERT-base, k = 9, SQuAD | 3.2x fewer [2] "
        f"| {ratio['bert-base']:.2f}x fewer |",
        "| the same, BERT-large, k = 20 | over 4.3x fewer [2] "
        f"| {ratio['bert-large']:.2f}x fewer |",
        f"| time, BERT-base, k = 9, {last['top_k']} passages, states on disk | not measured: what "
        "was timed reads no states [1] "
        f"| {timed['full, padded']['median']:.1f}x as fast as padded, "
        f"{timed['full, sorted']['median']:.1f}x as sorted |",
        f"| memory a run asks for, BERT-base, SQuAD | 65 to 72 % less, over tasks [2] "
        f"| {_memory_saved(result)} |",
        "",
        "[1] README and code of the "
        "[authors' repository](https://github.com/StonyBrookNLP/deformer). "
        "[2] [Cao et al. 2020](https://aclanthology.org/2020.acl-main.411).",
        "",
        f"{_source(result)}, `python benchmarks/speed.py` → `{speed['file']}`, "
        f"`python benchmarks/reading.py` → `{newest('reading')['file']}`",
    ]
    return "\n".join(lines)


def _memory_saved(result: dict[str, Any]) -> str:
    (profile,) = (p for p in result["profiles"] if p["reader"] == "bert-base")
    rows = _by_key(profile)
    full, stored = (rows["squad", "padded", kind]["requested_bytes"] for kind in ("full", "stored"))
    return f"{100 * (1 - stored / full):.0f} % less" if full else "not measured in this run"


def _by_key(profile: dict[str, Any]) -> dict[Key, dict[str, Any]]:
    return {(row["layout"], row["arrangement"], row["pass"]): row for row in profile["rows"]}


def _with_ratio(row: dict[str, Any]) -> str:
    return f"{row['flops'] / 1e9:.2f} ({row['flop_speedup']:.2f}x)"


def _source(result: dict[str, Any]) -> str:
    return f"`python benchmarks/profile_table.py` → `{result['file']}`"


PROFILE_TABLES: dict[str, Callable[[], str]] = {
    "profile-paper": profile_paper,
    "profile-flops": profile_flops,
    "profile-parameters": profile_parameters,
    "profile-storage": profile_storage,
    "profile-time": profile_time,
}


def main() -> None:
    """Profile all shapes, write the result, draw the sweeps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", action="store_true", help="time and memory too")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeat", type=int, default=7)
    arguments = parser.parse_args()
    options = ProfileOptions(
        layouts=tuple(LAYOUTS.values()), is_measured=arguments.measure, repeat=arguments.repeat
    )
    of_squad = replace(options, layouts=(LAYOUTS["squad"],), is_measured=False)
    profiles, sweeps = [], []
    for shape in SHAPES:
        profiles.append(profile_reader(shape, options, device=arguments.device).to_dict())
        sweep = sweep_reader(shape, of_squad, device=arguments.device)
        plot_sweep(sweep, ROOT / "docs" / f"profile-{shape}.png")
        sweeps.append(sweep.to_dict())
    content = {"is_measured": arguments.measure, "profiles": profiles, "sweeps": sweeps}
    write_result("profile-table", content)


if __name__ == "__main__":
    main()
