"""Fill the README's blocks from real runs: commands and their output, and the newest results.

    python benchmarks/readme.py

Each block stands between ``<!-- name -->`` and ``<!-- /name -->``; what is between them is
replaced.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from common import RESULTS

ROOT = Path(__file__).parents[1]
SAMPLE = "data/sample/passages.jsonl"
COMMANDS = (
    ("index", SAMPLE, "my-index"),
    ("ask", "my-index", "Who painted the ceiling of the Sistine Chapel?"),
    ("search", "my-index", "longest river", "--top-k", "2"),
    ("evaluate", "my-index", "data/sample/questions.jsonl"),
    ("verify", "my-index"),
)


def newest(name: str) -> dict[str, Any]:
    """The result of a benchmark that was written last."""
    results = [
        {**json.loads(path.read_text("utf-8")), "file": f"benchmarks/results/{path.name}"}
        for path in RESULTS.glob(f"{name}-*.json")
    ]
    return max(results, key=lambda result: str(result["measured"]))


def commands() -> str:
    """The commands and what they print."""
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        for number, command in enumerate(COMMANDS):
            place = [str(Path(folder) / "my-index") if c == "my-index" else c for c in command]
            if number == 0:
                place[1] = str(ROOT / SAMPLE)
            done = subprocess.run(
                [sys.executable, "-m", "preread.pipeline", *place],
                cwd=ROOT, check=True, capture_output=True, text=True,
            )  # fmt: skip
            shown = " ".join(f'"{c}"' if " " in c else c for c in command)
            out = done.stdout.replace(folder + "/", "").replace(str(ROOT) + "/", "").rstrip()
            parts.append(f"```\n$ preread {shown}\n{_trim(out)}\n```")
    return "\n\n".join(parts)


def _trim(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines())


def results() -> str:
    """The tables of measured figures."""
    reading, domain = newest("reading"), newest("open-domain")
    weight = newest("bm25-weight")
    machine = domain["machine"]
    lines = [
        f"Measured on {machine['threads']} threads of an {machine['cpu']}, without an "
        "accelerator, with the reader that ships. Below each table: the script that makes it, and "
        "the file it wrote.",
        "",
        "Reading comprehension (the passage is given; all questions of the set):",
        "",
        "| data set | states | EM | F1 | questions |",
        "|---|---|---|---|---|",
    ]
    for row in reading["rows"]:
        lines.append(
            f"| `{row['dataset']}` | {row['mode']} | {row['exact_match']:.1f} | {row['f1']:.1f} | "
            f"{row['n_questions']:,} |"
        )
    index = domain["index"]
    lines += [
        "",
        f"`python benchmarks/reading.py` → `{reading['file']}`",
        "",
        f"Open domain: all questions of `{domain['questions']}` over `{domain['corpus']}` "
        f"({index['n_passages']:,} passages, {index['n_tokens']:,} tokens):",
        "",
        "| passages read | EM | F1 | top-1 | top-5 | top-20 | top-100 | p50 | p95 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in domain["scores"]:
        accuracy = " | ".join(f"{row['top_k_accuracy'][k]:.1f}" for k in ("1", "5", "20", "100"))
        latency = row["latency_ms"]
        lines.append(
            f"| {row['top_k']} | {row['exact_match']:.1f} | {row['f1']:.1f} | {accuracy} | "
            f"{latency['p50']:.0f} ms | {latency['p95']:.0f} ms |"
        )
    chosen = weight["chosen"]
    lines += [
        "",
        f"`python benchmarks/open_domain.py` → `{domain['file']}`. The index takes "
        f"{index['bytes_per_token']:.0f} bytes a token ({index['bytes_total'] / 2**30:.2f} GiB in "
        "all) in float16. Latency is of whole questions, one at a time, with retrieval of 100 "
        "passages; it compares with nothing measured elsewhere.",
        "",
        f"One number was chosen on half of these questions: the weight of BM25's score beside the "
        f"reader's ({chosen['weight']}; `{weight['file']}`). On the other half it gives EM "
        f"{chosen['held_out_em']:.1f}, F1 {chosen['held_out_f1']:.1f} at top-{weight['top_k']}.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Replace the blocks."""
    path = ROOT / "README.md"
    text = path.read_text("utf-8")
    for name, make in (("commands", commands), ("results", results)):
        pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        body = make()
        text = pattern.sub(lambda found, body=body: f"{found[1]}{body}\n{found[2]}", text)
    path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
