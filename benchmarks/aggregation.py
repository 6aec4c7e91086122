"""What is each step of ranking worth, for several readers and numbers of passages?

    python benchmarks/aggregation.py INDEX QUESTIONS shared=FOLDER full=FOLDER
    python benchmarks/aggregation.py INDEX QUESTIONS shared=FOLDER --retriever dense

Every reader reads the passages of each question once. ``--reads`` names the folder that keeps the
result, so that another run only fits. Even-numbered questions fit the weights and the confidence as
``preread calibrate`` does. Odd-numbered questions show what each step gives, with 95 % bootstrap
intervals. A reader whose lower layers are not those of the index reads the texts of the passages.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from common import add_sample, command_line, drawn, write_result
from preread.data import read_gold
from preread.indexer import PassageIndex
from preread.pipeline.calibration.best_answers import (
    Asked,
    BestAnswer,
    best_answers,
    known_of,
    threshold_scores,
    without_answers,
)
from preread.pipeline.calibration.calibrate import fit_confidence_of, fit_weights
from preread.pipeline.calibration.fitting import RankingWeights, fit_ranking
from preread.pipeline.evaluation.analysis import (
    calibration_bins,
    estimates,
    expected_calibration_error,
)
from preread.pipeline.evaluation.summary import interval, percent
from preread.pipeline.qa.reading import SPANS_PER_PASSAGE
from preread.pipeline.retrievers import open_retriever
from preread.pipeline.retrievers.base import encoder_of
from preread.reader import Precision, Reader
from reads import read_all
from tqdm import tqdm

TODAY = "BM25, the reader's own weight"


def row(
    step: str,
    weights: RankingWeights,
    found: Sequence[BestAnswer],
    today: Sequence[BestAnswer],
) -> dict[str, Any]:
    """EM and F1 with intervals; the difference is paired."""
    exact = [one.exact_match for one in found]
    difference = [a - b.exact_match for a, b in zip(exact, today, strict=True)]
    measures = estimates([exact, [one.f1 for one in found], difference])
    content: dict[str, Any] = {"step": step, "weights": asdict(weights)}
    for name, one in zip(("exact_match", "f1", "exact_match_more"), measures, strict=True):
        content[name] = percent(one.mean)
        content[f"{name}_interval"] = interval(one)
    return content


def calibration(tuning: Asked, held_out: Asked, top_k: int, last: RankingWeights) -> dict[str, Any]:
    """How well a confidence that is fitted to some questions holds of others."""
    of_tuning, none_of_tuning, best, none = (
        best_answers(asked, top_k, last, aggregate=True)
        for asked in (tuning, without_answers(tuning), held_out, without_answers(held_out))
    )
    weights = fit_confidence_of(of_tuning, none_of_tuning)
    content: dict[str, Any] = {"confidence_weights": list(weights)}
    for name, of_what in (("score", None), ("confidence", weights)):
        bins = calibration_bins(known_of([*best, *none], of_what))
        error = expected_calibration_error(bins)
        content[name] = {
            "expected_calibration_error": None if error is None else percent(error),
            "bins": [{k: round(v, 4) for k, v in asdict(one).items()} for one in bins],
        }
    content["thresholds"] = [one.model_dump() for one in threshold_scores(best, none, weights)]
    return content


def evaluate(reader: Reader, tuning: Asked, held_out: Asked, top_k: int) -> dict[str, Any]:
    """All steps at a number of passages.

    Args:
        reader: What read them.
        tuning: Questions to fit to.
        held_out: Questions to score.
        top_k: The first so many passages of each are looked at.
    """
    alone = RankingWeights(passage_weight=0.0, bm25_weight=0.0, answer_temperature=1.0)
    own = replace(alone, bm25_weight=reader.ranking.bm25_weight)
    features = [reads.features(top_k, question) for question, reads in tuning]
    with_bm25 = fit_ranking(features, with_margin=False)
    knows_similarity = any(reads.similarity for _, reads in tuning)
    last = fit_weights(
        tuning,
        top_k,
        with_margin=reader.config.has_no_answer_score,
        passage_weight=reader.ranking.passage_weight if knows_similarity else None,
    )
    steps = [
        ("best span", alone, False),
        (TODAY, own, False),
        ("BM25", with_bm25, False),
        (f"BM25 and {'similarity' if knows_similarity else 'passage score'}", last, False),
        ("equal answers summed", last, True),
    ]
    by_step = {
        name: best_answers(held_out, top_k, weights, aggregate=aggregate)
        for name, weights, aggregate in tqdm(steps, desc=f"top-{top_k}")
    }
    return {
        "rows": [row(name, weights, by_step[name], by_step[TODAY]) for name, weights, _ in steps],
        "calibration": calibration(tuning, held_out, top_k, last),
    }


def main() -> None:
    """Read, fit, report."""
    parser = command_line(__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("readers", nargs="+", metavar="NAME=READER")
    parser.add_argument("--retriever", default="bm25", help="bm25, dense or hybrid")
    parser.add_argument("--top-k", type=int, nargs="+", default=[20, 100])
    add_sample(parser, "questions")
    parser.add_argument("--reads", type=Path, default=Path("aggregation-reads"))
    parser.add_argument("--name", help="of the result; by default what finds the passages")
    parser.add_argument("--encoder-name", help="by default the name of its folder")
    parser.add_argument("--precision", default="float32", help="of the upper layers")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    questions = drawn(read_gold(options.questions), options.sample, options.seed)
    index = PassageIndex(options.index)
    retriever = open_retriever(index, options.retriever, device=options.device)
    options.reads.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {}
    for text in options.readers:
        name, source = text.split("=", 1)
        precision = Precision(options.precision)
        reader = Reader.load(source, precision=precision, device=options.device)
        path = options.reads / f"{name}-{options.retriever}.jsonl"
        reads = read_all(index, retriever, reader, questions, max(options.top_k), path)
        asked = list(zip(questions, reads, strict=True))
        results[name] = {
            "num_lower_layers": reader.config.num_lower_layers,
            "has_no_answer_score": reader.config.has_no_answer_score,
            "top_k": {str(k): evaluate(reader, asked[::2], asked[1::2], k) for k in options.top_k},
        }
    dense, encoder = index.manifest.dense, None
    if dense and encoder_of(retriever):
        encoder = options.encoder_name or Path(dense.encoder).name
    content = {
        "corpus": Path(index.manifest.plan.corpus).name,
        "codec": index.manifest.plan.codec,
        "retriever": options.retriever,
        "encoder": encoder,
        "questions": options.questions.name,
        "n_questions": len(questions),
        "n_fitted": len(questions[::2]),
        "seed": options.seed if options.sample else None,
        "precision": options.precision,
        "spans_per_passage": SPANS_PER_PASSAGE,
        "readers": results,
    }
    name = options.name or (options.retriever if encoder_of(retriever) else "")
    write_result("-".join(filter(None, ["aggregation", name])), content)


if __name__ == "__main__":
    main()
