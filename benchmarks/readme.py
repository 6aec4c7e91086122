"""Fill README and model card from real runs: commands and their output, newest results.

    python benchmarks/readme.py [--tables]

With ``--tables`` the README's commands are not run again. Each block stands between
``<!-- name -->`` and ``<!-- /name -->``; what is between them is replaced.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from accelerator_tables import ACCELERATOR_TABLES
from answer_tables import ANSWER_TABLES, answer_summary, arms
from common import RESULTS, all_results, fill, newest
from no_answer import table as no_answer
from pair_tables import PAIR_TABLES
from profile_table import PROFILE_TABLES
from retrieval_tables import RETRIEVAL_TABLES, retrieval_summary
from round_tables import own_questions, rounds
from serving_tables import SERVING_TABLES
from speed_tables import SPEED_TABLES
from speed_tables import summary as speed_summary
from store_tables import STORE_TABLES
from store_tables import summary as store_summary
from wikipedia_estimate import PAGE, REPRODUCTION_TABLES

ROOT = Path(__file__).parents[1]
SAMPLE = "data/sample/passages.jsonl"
COMMANDS = (
    ("index", SAMPLE, "my-index"),
    ("ask", "my-index", "How many keys does a modern piano have?"),
    ("search", "my-index", "longest river", "--top-k", "2"),
    ("evaluate", "my-index", "data/sample/questions.jsonl"),
    ("verify", "my-index"),
)


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


def scores() -> str:
    """Reading comprehension of the shipped reader and of its full model."""
    rows: dict[tuple[str, str], tuple[dict[str, Any], str]] = {}
    for result in all_results("reading"):
        if result["benchmark"] != "reading":
            continue  # of a reader that does not ship
        for row in result["rows"]:
            rows.setdefault((row["dataset"], _states(row)), (row, result["file"]))
    lines = ["| data set | states | EM | F1 | questions |", "|---|---|---|---|---|"]
    for dataset, states in sorted(rows, key=lambda key: key[0], reverse=True):
        row, _ = rows[dataset, states]
        lines.append(
            f"| `{dataset}` | {states} | {row['exact_match']:.1f} | {row['f1']:.1f} | "
            f"{row['n_questions']:,} |"
        )
    files = ", ".join(sorted({f"`{file}`" for _, file in rows.values()}))
    return "\n".join([*lines, "", f"`python benchmarks/reading.py` → {files}"])


def _states(row: dict[str, Any]) -> str:
    """Where a row's states came from; the first results had float16 without saying so."""
    if row["mode"] == "stored":
        return f"stored in {row.get('codec', 'float16')}"
    return "the full model (k = 0)" if row["mode"] == "full" else str(row["mode"])


def results() -> str:
    """The tables of measured figures."""
    domain, parity = newest("open-domain-wiki-passages-20k"), newest("bm25-parity")
    lines = [
        "Measured on two threads of a CPU, without an accelerator, with the reader that ships. "
        "Below each table: the script that makes it, and the file it wrote, which names the "
        "machine.",
        "",
        "Reading comprehension (the passage is given; every question that has an answer). Indexes "
        "have rpq9 by default:",
        "",
        scores(),
        "",
        "What a stored token costs, all in, and what answers lose by it. The reader ships with "
        "rpq9; rpqN is read by upper layers that learned from decoded states, here all for the "
        "same short time, rpq9 too ([docs/store.md](docs/store.md)). In bfloat16:",
        "",
        *store_summary(),
        "",
        *answer_summary(),
        "",
        "Reading the passages of a question, from its text and the index on disk to logits, "
        "against Hugging Face's model of the same shape over question and passages "
        "([docs/speed.md](docs/speed.md)); BERT's shapes have random weights. In brackets, least "
        "and most of all rounds:",
        "",
        *speed_summary(),
        "",
        *retrieval_summary(),
        "",
        f"Top-k accuracy of BM25 over `{domain['corpus']}` ({domain['index']['n_passages']:,} "
        f"passages), all {domain['scores'][0]['n_questions']:,} questions of "
        f"`{domain['questions']}`: {_accuracies(domain)} (`{domain['file']}`).",
        "",
        f"BM25 against pyserini's own indexer and searcher, {parity['n_hits']:,} hits compared by "
        f"identifier and score: {parity['n_questions_that_differ']} of "
        f"{parity['n_questions']:,} questions differ (`{parity['file']}`).",
    ]
    return "\n".join(lines)


def _accuracies(domain: dict[str, Any]) -> str:
    """Top-k accuracy of retrieval."""
    (row,) = domain["scores"]
    return ", ".join(f"top-{k} {found:.1f}" for k, found in row["top_k_accuracy"].items())


def split_curve() -> str:
    """F1 by split, with and without a teacher."""
    curve = newest("split-curve")
    datasets = list(curve["full"])
    by_arm = {(row["num_lower_layers"], row["kind"]): row["scores"] for row in curve["rows"]}
    heads = [f"`{name}` {kind}" for name in datasets for kind in ("gold spans", "with teacher")]
    lines = [
        f"F1 on {' and '.join(str(curve['full'][d]['n_questions']) for d in datasets)} questions "
        f"(drawn with seed {curve['sample_seed']}). Every reader begins from the full one and sees "
        f"the same {100 * curve['share']:.0f} % of the questions of two training sets, once; the "
        "row k = 0 says what that alone does.",
        "",
        f"| k | {' | '.join(heads)} |",
        f"|---|{'---|' * len(heads)}",
        "| the full reader | "
        + " | ".join(f"{curve['full'][d]['f1']:.1f} | " for d in datasets)
        + " |",
    ]
    for k in sorted({k for k, _ in by_arm}):
        cells = [
            f"{by_arm[k, kind][d]['f1']:.1f}" if (k, kind) in by_arm else ""
            for d in datasets
            for kind in ("gold", "taught")
        ]
        lines.append(f"| {k} | {' | '.join(cells)} |")
    lines += ["", "![F1 by split](split-curve.png)", ""]
    return "\n".join([*lines, f"`python benchmarks/split_curve.py` → `{curve['file']}`"])


def passage_scores() -> str:
    """EM by number of passages, a table for each corpus and choice of readers."""
    newest_of: dict[tuple[str, ...], dict[str, Any]] = {}
    for result in all_results("passage-scores"):
        newest_of.setdefault((result["corpus"], *result["readers"]), result)
    return "\n\n".join(_passage_scores_of(newest_of[key]) for key in sorted(newest_of))


def _passage_scores_of(result: dict[str, Any]) -> str:
    """One corpus's table."""
    cutoffs = list(next(iter(result["readers"].values()))["raw"]["reader_alone"])
    drawn = f" (drawn with seed {result['seed']})" if result["seed"] is not None else ""
    lines = [
        f"EM on {result['n_questions']:,} questions{drawn} of `{result['questions']}` over "
        f"`{result['corpus']}`, by how many of BM25's passages are read. BM25's weight was chosen "
        "on the even-numbered questions at the most passages; the columns with it are of the "
        "odd-numbered ones.",
        "",
        "| reader | chosen by | " + " | ".join(f"top-{n}" for n in cutoffs) + " | BM25 weight | "
        + " | ".join(f"top-{n} with BM25" for n in cutoffs) + " |",
        "|---|---|" + "---|" * (2 * len(cutoffs) + 1),
    ]  # fmt: skip
    for name, reader in result["readers"].items():
        for way in ("raw", "normalised", "null"):
            alone = [f"{reader[way]['reader_alone'][n]['exact_match']:.1f}" for n in cutoffs]
            both = [f"{reader[way]['with_bm25_held_out'][n]['exact_match']:.1f}" for n in cutoffs]
            weight = reader[way]["bm25_weight"]
            lines.append(
                f"| {name} | {way} | {' | '.join(alone)} | {weight} | {' | '.join(both)} |"
            )
    return "\n".join([*lines, "", f"`python benchmarks/passage_scores.py` → `{result['file']}`"])


def text_without_labels() -> str:
    """F1 after learning from questions made of text, and without."""
    result = newest("text-without-labels")
    datasets = list(result["rows"][0]["scores"])
    counts = [result["rows"][0]["scores"][name]["n_questions"] for name in datasets]
    lines = [
        f"F1 on {' and '.join(f'{n:,}' for n in counts)} questions (drawn with seed "
        f"{result['sample_seed']}); all begin from the plain encoder.",
        "",
        f"| learned from | steps | {' | '.join(f'`{name}`' for name in datasets)} |",
        f"|---|---|{'---|' * len(datasets)}",
    ]
    for row in result["rows"]:
        scores = " | ".join(f"{row['scores'][name]['f1']:.1f}" for name in datasets)
        lines.append(f"| {row['arm']} | {row['n_steps']} | {scores} |")
    script = "`python benchmarks/text_without_labels.py`"
    return "\n".join([*lines, "", f"{script} → `{result['file']}`"])


def xlnet_sample() -> str:
    """A small XLNet's answers from the sample corpus, before and after training."""
    result = newest("xlnet-sample")
    shape = result["shape"]
    lines = [
        f"{shape['n_layer']} layers of {shape['d_model']}, split at "
        f"{result['num_lower_layers']}; {result['n_parameters']:,} parameters; "
        f"{result['n_made_questions']:,} questions, {result['epochs']} times; top-"
        f"{result['top_k']} passages are read.",
        "",
        "| weights | codec | bytes a token | EM | F1 | questions |",
        "|---|---|---|---|---|---|",
    ]
    for weights in ("untrained", "trained"):
        for row in result[weights]:
            lines.append(
                f"| {weights} | {row['codec']} | {row['bytes_per_token']:.0f} | "
                f"{row['exact_match']:.1f} | {row['f1']:.1f} | {row['n_questions']} |"
            )
    return "\n".join([*lines, "", f"`python benchmarks/xlnet_sample.py` → `{result['file']}`"])


def main() -> None:
    """Fill the README and the model card."""
    blocks = {"results": results()}
    if "--tables" not in sys.argv:
        blocks["commands"] = commands()
    fill(ROOT / "README.md", blocks)
    card = ROOT / "reader" / "checkpoints" / "deformer-minilm-l6" / "README.md"
    fill(card, {"scores": scores()})
    training = {
        "split-curve": split_curve,
        "passage-scores": passage_scores,
        "aggregation-arms": arms,
        "text-without-labels": text_without_labels,
        "own-questions": own_questions,
    }
    bases = {"xlnet-sample": xlnet_sample}
    pages = {
        "training.md": training,
        "store.md": STORE_TABLES,
        "bases.md": bases,
        "pair-tasks.md": PAIR_TABLES,
        "speed.md": SPEED_TABLES,
        "answers.md": ANSWER_TABLES,
        "retrieval.md": RETRIEVAL_TABLES,
        "serving.md": SERVING_TABLES,
        "integrations.md": {"no-answer": no_answer},
    }
    for page, tables in pages.items():
        known = [name for name in tables if any(RESULTS.glob(f"{name}-*.json"))]
        fill(ROOT / "docs" / page, {name: tables[name]() for name in known})
    fill(ROOT / "docs" / "training.md", {"rounds": rounds()})
    fill(ROOT / "docs" / "profile.md", {name: table() for name, table in PROFILE_TABLES.items()})
    accelerator = {name: table() for name, table in ACCELERATOR_TABLES.items()}
    fill(ROOT / "docs" / "accelerator.md", accelerator)
    fill(PAGE, {name: table() for name, table in REPRODUCTION_TABLES.items()})


if __name__ == "__main__":
    main()
