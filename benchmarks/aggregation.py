"""What is each part of ranking answers worth, and how sure may one be of the best?

    python benchmarks/aggregation.py INDEX QUESTIONS shared=FOLDER full=FOLDER
    python benchmarks/aggregation.py INDEX QUESTIONS shared=FOLDER --write FOLDER
    python benchmarks/aggregation.py INDEX QUESTIONS shared=FOLDER --retriever dense --write FOLDER

Every reader reads each question's passages once; its best spans, margins over no answer and what
retrieval says of the passages are kept in a file (``--reads``), so that another run only fits.
Even-numbered questions fit the weights (`preread.pipeline.fitting`: the likelihood of the gold
answers, not their EM), and then the confidence; odd-numbered ones say what they give, with 95 %
bootstrap intervals. A reader with other lower layers than the index's reads the passages' texts.

``--write`` puts the weights that were fitted at ``--for-top-k`` passages into a reader's
config.json, and draws as docs/confidence.svg how well its confidence held. Equal answers are added
up there if that gave no lower EM on the even-numbered questions. Where dense vectors find the
passages, or help to, their cosines get a weight too, and what is written is ``vector_ranking``.
"""

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from common import write_result
from preread.data import Question, read_gold, score_prediction
from preread.indexer import PassageIndex
from preread.pipeline.evaluation.analysis import (
    Bin,
    calibration_bins,
    estimates,
    expected_calibration_error,
)
from preread.pipeline.evaluation.figures import plot_reliability
from preread.pipeline.fitting import RankingWeights, fit_confidence, fit_ranking
from preread.pipeline.qa.calibration import confidence, confidence_features
from preread.pipeline.qa.ranking import AnswerRule, RankedAnswer, rank_answers
from preread.pipeline.qa.reading import SPANS_PER_PASSAGE
from preread.pipeline.retrievers import open_retriever
from preread.pipeline.retrievers.base import encoder_of
from preread.reader import DeformerConfig, Precision
from preread.reader.checkpoints import shipped_reader_path
from reads import Reads, load_readers, read_all
from tqdm import tqdm

ROOT = Path(__file__).parents[1]
THRESHOLDS = (0.0, 0.25, 0.5, 0.75)
TODAY = "BM25, the reader's own weight"

Pairs = Sequence[tuple[Question, Reads]]


@dataclass(frozen=True)
class Best:
    """The best answer of a question, scored."""

    answer: RankedAnswer | None
    features: tuple[float, float]
    exact_match: float
    f1: float


def answer_all(pairs: Pairs, n_passages: int, weights: RankingWeights, sums: bool) -> list[Best]:
    """The best answers by some weights."""
    rule = AnswerRule(sums_answers=sums, answer_temperature=weights.answer_temperature)
    found = []
    for question, reads in pairs:
        ranked = rank_answers(reads.candidates(n_passages, weights), rule)
        best = ranked[0] if ranked else None
        scores = score_prediction(question, best.best.text if best else "")
        margin = reads.margins[best.best.passage] if best else 0.0
        features = confidence_features(best.score if best else 0.0, margin)
        found.append(Best(best, features, *scores))
    return found


def row(
    step: str, weights: RankingWeights, found: Sequence[Best], today: Sequence[Best]
) -> dict[str, Any]:
    """EM and F1 with intervals; the difference is paired."""
    exact = [one.exact_match for one in found]
    difference = [a - b.exact_match for a, b in zip(exact, today, strict=True)]
    measures = estimates([exact, [one.f1 for one in found], difference])
    content: dict[str, Any] = {"step": step, "weights": asdict(weights)}
    for name, one in zip(("exact_match", "f1", "exact_match_more"), measures, strict=True):
        content[name] = round(100 * one.mean, 2)
        content[f"{name}_interval"] = [round(100 * one.low, 2), round(100 * one.high, 2)]
    return content


def calibrate(tuning: Sequence[Best], held_out: Sequence[Best]) -> dict[str, Any]:
    """Fit the confidence, and say how well it holds."""
    tuned = [one for one in tuning if one.answer is not None]
    weights = fit_confidence(
        [one.features for one in tuned], [one.exact_match > 0 for one in tuned]
    )
    answered = [one for one in held_out if one.answer is not None]
    right = [one.exact_match for one in answered]
    scores = [one.answer.score for one in answered if one.answer is not None]
    known = [confidence(one.features, weights) for one in answered]
    content: dict[str, Any] = {"confidence_weights": list(weights)}
    for name, values in (("score", scores), ("confidence", known)):
        bins = calibration_bins(zip(values, right, strict=True))
        error = expected_calibration_error(bins)
        content[name] = {
            "expected_calibration_error": None if error is None else round(100 * error, 2),
            "bins": [{k: round(v, 4) for k, v in asdict(one).items()} for one in bins],
        }
    pairs = list(zip(right, known, strict=True))
    content["thresholds"] = [_above(pairs, threshold, len(held_out)) for threshold in THRESHOLDS]
    return content


def _above(
    pairs: Sequence[tuple[float, float]], threshold: float, n_questions: int
) -> dict[str, Any]:
    """What is answered at a threshold, and how much of that is right."""
    exact = [em for em, known in pairs if known >= threshold]
    return {
        "min_confidence": threshold,
        "answered": round(100 * len(exact) / n_questions, 2),
        "exact_match_of_answered": round(100 * sum(exact) / len(exact), 2) if exact else None,
    }


def evaluate(
    config: DeformerConfig,
    passage_weight: float,
    tuning: Pairs,
    held_out: Pairs,
    n_passages: int,
) -> dict[str, Any]:
    """All steps at a number of passages, and what is to be written for it.

    Args:
        config: The reader's.
        passage_weight: What it has, which stays where similarities are known.
        tuning: Questions to fit to.
        held_out: Questions to score.
        n_passages: The first so many of each are looked at.
    """
    alone = RankingWeights(passage_weight=0.0, bm25_weight=0.0, answer_temperature=1.0)
    own = replace(alone, bm25_weight=config.bm25_weight)
    features = [reads.features(n_passages, question) for question, reads in tuning]
    with_bm25 = fit_ranking(features, with_margin=False, with_bm25=True)
    if any(reads.similarity for _, reads in tuning):
        last = replace(
            fit_ranking(
                [reads.features(n_passages, q, passage_weight) for q, reads in tuning],
                with_margin=False,
                with_bm25=True,
                with_similarity=True,
            ),
            passage_weight=passage_weight,
        )
        what = "BM25 and similarity"
    else:
        # A no-answer logit that was never taught says nothing of a passage.
        last = fit_ranking(features, with_margin=config.knows_null, with_bm25=True)
        what = "BM25 and passage score"
    steps = [
        ("best span", alone, False),
        (TODAY, own, False),
        ("BM25", with_bm25, False),
        (what, last, False),
        ("equal answers summed", last, True),
    ]
    today = answer_all(held_out, n_passages, own, sums=False)
    by_step = {
        name: answer_all(held_out, n_passages, weights, sums)
        for name, weights, sums in tqdm(steps, desc=f"top-{n_passages}")
    }
    tuned = {sums: answer_all(tuning, n_passages, last, sums) for sums in (False, True)}
    exact = {sums: sum(one.exact_match for one in found) for sums, found in tuned.items()}
    return {
        "rows": [row(name, weights, by_step[name], today) for name, weights, _ in steps],
        "calibration": calibrate(tuned[True], by_step["equal answers summed"]),
        "sums_answers": exact[True] >= exact[False],
    }


def write(folder: Path, found: dict[str, Any], encoder: str | None) -> None:
    """Put weights into a reader's configuration.

    Args:
        folder: The reader's.
        found: What `evaluate` gave.
        encoder: Fingerprint of the encoder whose similarities count, if any do.
    """
    path = folder / "config.json"
    fields = json.loads(path.read_text("utf-8"))
    weights = dict(found["rows"][-1]["weights"])
    similarity_weight, sums = weights.pop("similarity_weight"), found["sums_answers"]
    # The confidence was fitted to summed scores; of others it would be wrong.
    weights["confidence_weights"] = found["calibration"]["confidence_weights"] if sums else None
    if encoder is None:
        fields |= {**weights, "sums_answers": sums}
    else:
        del weights["passage_weight"]  # the reader's own, whatever finds the passages
        more = {"encoder": encoder, "similarity_weight": similarity_weight}
        fields["vector_ranking"] = weights | more
    DeformerConfig(**fields)  # it must load before anything is written
    path.write_text(json.dumps(fields, indent=2, sort_keys=True) + "\n", "utf-8")
    print(path)


def draw(found: dict[str, Any]) -> None:
    """The reliability of the confidence that was fitted."""
    bins = [Bin(**one) for one in found["calibration"]["confidence"]["bins"]]
    (ROOT / "docs" / "confidence.svg").write_text(plot_reliability(bins), "utf-8")


def main() -> None:
    """Read, fit, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("readers", nargs="+", metavar="NAME=READER")
    parser.add_argument("--retriever", default="bm25", help="bm25, dense or hybrid")
    parser.add_argument("--top-k", type=int, nargs="+", default=[20, 100])
    parser.add_argument("--sample", type=int, help="questions, drawn with --seed; default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reads", type=Path, default=Path("aggregation-reads"))
    parser.add_argument("--write", metavar="READER", help="one of the readers, by its folder")
    parser.add_argument("--for-top-k", type=int, default=20, help="whose weights are written")
    parser.add_argument("--name", help="of the result; by default what finds the passages")
    parser.add_argument("--precision", default="float32", help="of the upper layers")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    sources = [text.split("=", 1)[-1] for text in options.readers]
    if options.write and options.write not in sources:
        parser.error(f"--write: expected one of {', '.join(sources)}, found {options.write}.")
    if options.write and options.for_top_k not in options.top_k:
        parser.error(f"--for-top-k: expected one of {options.top_k}, found {options.for_top_k}.")
    questions = read_gold(options.questions)
    if options.sample:
        questions = random.Random(options.seed).sample(questions, options.sample)
    index = PassageIndex(options.index)
    retriever = open_retriever(index, options.retriever, device=options.device)
    encoder = encoder_of(retriever)
    results: dict[str, Any] = {}
    for name, source, reader, passage_weight in load_readers(
        options.readers, Precision(options.precision), options.device
    ):
        reads = read_all(index, retriever, reader, questions, max(options.top_k), options.reads)
        pairs = list(zip(questions, reads, strict=True))
        cutoffs = {
            k: evaluate(reader.config, passage_weight, pairs[::2], pairs[1::2], k)
            for k in options.top_k
        }
        results[name] = {
            "num_lower_layers": reader.config.num_lower_layers,
            "knows_null": reader.config.knows_null,
            "top_k": {str(k): found for k, found in cutoffs.items()},
        }
        if options.write == source:
            chosen = cutoffs[options.for_top_k]
            write(Path(shipped_reader_path(source) or source), chosen, encoder)
            if encoder is None:
                draw(chosen)
    content = {
        "corpus": Path(index.manifest.plan.corpus).name,
        "codec": index.manifest.plan.codec,
        "retriever": options.retriever,
        "questions": options.questions.name,
        "n_questions": len(questions),
        "n_fitted": len(questions[::2]),
        "seed": options.seed if options.sample else None,
        "precision": options.precision,
        "spans_per_passage": SPANS_PER_PASSAGE,
        "readers": results,
    }
    name = options.name or (options.retriever if encoder else "")
    write_result("-".join(filter(None, ["aggregation", name])), content)


if __name__ == "__main__":
    main()
