"""How much faster are the same passages read than by other systems?

    python benchmarks/speed.py CORPUS QUESTIONS FOLDER --shapes bert-base bert-large default

For each shape of reader, an index is built in FOLDER of the passages that BM25 finds in CORPUS for
some of QUESTIONS, and kept there for the next run. Then every system reads the same passages of
each question, one system after the other, --repeat times. Ours are timed from the text of the
question to the logits of all passages: tokenising, the question's lower layers, fetching and
decoding states from the index, upper layers. The others start with padded tokens in memory, the
decomposed one also with the states of the passages. Finding spans is the same for all and is not
timed. ``--without-bfloat16`` leaves bfloat16 out, for processors without instructions for it, where
it is emulated and slow.

First the script checks that all systems read alike: sorted equals padded, and ours from exact
states equals the decomposed one, within 1e-4 of the norm of the logits. The result has what codecs
and fewer bits change.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from baselines.pairs import Reading
from common import command_line, write_result
from reading_systems import BASELINES, OURS, SYSTEMS, Asked, Bench, choose_questions
from timing import in_turns, ratios, spread
from torch import Tensor
from tqdm import tqdm

EXACT = 1e-4


def distance(found: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """Norm of the difference of logits, by the norm of the logits."""
    a, b = torch.cat(list(found)), torch.cat(list(expected))
    return float((a.float() - b).norm() / b.norm())


def check(bench: Bench, readings: Mapping[str, Reading], top_k: int) -> dict[str, float]:
    """Compare logits of the first question.

    Returns:
        How far from its exact counterpart each system is that computes with fewer bits or from
        coded states.
    """
    logits = {name: read() for name, read in readings.items()}
    same = {
        "full, sorted": distance(logits["full, sorted"], logits["full, padded"]),
        "ours, float32, exact states": distance(
            bench.from_exact_states(0, top_k), logits["decomposed, 320"]
        ),
    }
    for name, found in same.items():
        assert found < EXACT, f"{name}: logits differ by {found:.2g} of their norm"
    near = {
        name: distance(logits[name], logits["decomposed, 320"])
        for name in logits
        if name.startswith("ours")
    }
    for name in ("full bfloat16, sorted", "full int8, sorted"):
        if name in logits:
            near[name] = distance(logits[name], logits["full, padded"])
    return {name: float(f"{found:.2g}") for name, found in {**same, **near}.items()}


def measure(
    bench: Bench,
    asked: Sequence[Asked],
    names: Sequence[str],
    top_ks: Sequence[int],
    repeat: int,
) -> list[dict[str, Any]]:
    """Seconds for all questions, by system and number of passages, in turns.

    Args:
        bench: Reads.
        asked: The questions.
        names: Of systems; those in float32 must be among them.
        top_ks: Passages of a question.
        repeat: Rounds.
    """
    systems = {name: bench.system(name) for name in names}
    baselines, ours = ([n for n in names if n in some] for some in (BASELINES, OURS))
    rows = []
    for top_k in top_ks:
        readings = {
            name: [prepare(number, top_k) for number in range(len(asked))]
            for name, prepare in systems.items()
        }
        logits = check(bench, {name: some[0] for name, some in readings.items()}, top_k)
        seconds = in_turns(readings, tqdm(range(repeat), desc=f"top {top_k}", unit=" rounds"))
        rows.append(
            {
                "top_k": top_k,
                "n_windows": sum(len(bench.pairs(n, top_k)) for n in range(len(asked))),
                "logits_off_by": logits,
                "ms_a_question": {n: spread(s, 1000 / len(asked)) for n, s in seconds.items()},
                "times_as_fast": {
                    name: {
                        other: spread(ratios(seconds[other], seconds[name])) for other in baselines
                    }
                    for name in ours
                },
            }
        )
    return rows


def main() -> None:
    """Prepare, check, measure."""
    parser = command_line(__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shapes", nargs="+", default=["bert-base", "bert-large", "default"])
    parser.add_argument("--without-bfloat16", action="store_true")
    parser.add_argument("--top-k", type=int, nargs="+", default=[20, 100])
    parser.add_argument("--n-questions", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--codec", default="float16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="only the first passages of CORPUS")
    options = parser.parse_args()
    asked = choose_questions(
        options.corpus,
        options.questions,
        options.folder,
        n=options.n_questions,
        top_k=max(options.top_k),
        seed=options.seed,
        limit=options.limit,
    )
    names = [n for n in SYSTEMS if not (options.without_bfloat16 and "bfloat16" in n)]
    for shape in options.shapes:
        bench = Bench(shape, options.folder, options.codec, asked)
        config = bench.reader.config
        content = {
            "corpus": options.corpus.name,
            "limit": options.limit,
            "questions": options.questions.name,
            "n_questions": len(asked),
            "seed": options.seed,
            "codec": options.codec,
            "repeat": options.repeat,
            "shape": shape,
            "num_hidden_layers": config.num_hidden_layers,
            "num_lower_layers": config.num_lower_layers,
            "rows": measure(bench, asked, names, options.top_k, options.repeat),
        }
        write_result(f"speed-{shape}", content)


if __name__ == "__main__":
    main()
