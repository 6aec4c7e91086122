"""`preread calibrate` on the sample corpus: what it fits, says, writes and refuses."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from preread.data import PrereadError, Question, holds_answer, read_gold
from preread.data.sample import sample_questions_path
from preread.indexer import PassageIndex
from preread.pipeline import Calibration, OpenDomainQA, calibrate, open_retriever
from preread.pipeline.calibration.best_answers import best_answers, known_of, without_answers
from preread.pipeline.calibration.calibrate import LEAST_QUESTIONS, LEAST_RIGHT, in_halves
from preread.pipeline.calibration.fitting import RankingWeights
from preread.pipeline.calibration.reads import UNWEIGHED, Reads, collect_reads
from preread.reader import Ranking, Reader
from preread.reader.checkpoints import shipped_reader_path
from preread.reader.ranking import RANKING_FILE, VectorRanking

pytestmark = pytest.mark.slow  # they read some hundred passages
Preread = Callable[..., Any]
QUESTIONS = read_gold(sample_questions_path())[:LEAST_QUESTIONS]
NAMES: dict[str, Any] = {"questions_name": "questions.jsonl", "retriever_name": "bm25"}


@pytest.fixture(scope="module")
def plain(sample_index: Path) -> OpenDomainQA:
    """The reader that ships over what words find, as if nothing had been fitted."""
    index = PassageIndex(sample_index)
    return OpenDomainQA(index, Reader.load("default").with_ranking(Ranking()), index.bm25)


@pytest.fixture(scope="module")
def reads(plain: OpenDomainQA, made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """What reading three passages of each question gave; not to be changed."""

    def fill(folder: Path) -> None:
        collect_reads(plain, QUESTIONS, 3, folder / "reads.jsonl")

    return made_once("reads", fill) / "reads.jsonl"


@pytest.fixture
def calibrated(plain: OpenDomainQA, reads: Path) -> Calibration:
    """A ranking that was fitted to half of them."""
    return calibrate(plain, QUESTIONS, top_k=3, reads=reads, **NAMES)


@pytest.fixture
def reader_path(tmp_path: Path) -> Path:
    """A copy of the reader that ships, without a ranking."""
    shipped = shipped_reader_path("default")
    assert shipped is not None
    folder = tmp_path / "reader"
    shutil.copytree(shipped, folder, ignore=shutil.ignore_patterns(RANKING_FILE, "*.md"))
    return folder


@pytest.fixture
def questions_path(tmp_path: Path) -> Path:
    """The same questions, in a file."""
    lines = sample_questions_path().read_text("utf-8").splitlines(keepends=True)
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(lines[: len(QUESTIONS)]), "utf-8")
    return path


def test_a_ranking_is_fitted_to_one_half_and_scored_on_the_other(
    plain: OpenDomainQA, calibrated: Calibration, reads: Path
) -> None:
    ranking, noted = calibrated.ranking, calibrated.fitted_on
    assert calibrated.entry is ranking and ranking.fitted_on == noted
    assert (noted.corpus, noted.questions) == ("passages.jsonl", "questions.jsonl")
    assert (noted.n_questions, noted.held_out.n_questions, noted.top_k) == (50, 50, 3)
    assert ranking.bm25_weight > 0 and ranking.answer_temperature > 0
    assert ranking.stop_margin is None and not ranking.vectors
    assert (ranking.confidence_weights is not None) == ranking.aggregate_answers
    before, after = calibrated.before, calibrated.after
    assert after.exact_match.mean > 0.4 and after.exact_match.low < after.exact_match.high
    difference = after.exact_match.mean - before.exact_match.mean
    assert calibrated.exact_match_more.mean == pytest.approx(difference)
    assert before.calibration_error is not None and after.calibration_error is not None
    again = calibrate(plain, QUESTIONS, top_k=3, reads=reads, **NAMES)
    assert again == calibrated
    other = calibrate(plain, QUESTIONS, top_k=3, reads=reads, seed=1, **NAMES)
    assert other.ranking.bm25_weight != ranking.bm25_weight


def test_the_held_out_half_gets_what_a_question_gets(
    plain: OpenDomainQA, calibrated: Calibration
) -> None:
    _, held_out = in_halves([(question, _empty(question)) for question in QUESTIONS], 0)
    qa = plain.with_ranking(calibrated.ranking)
    results = qa.answer_batch([question.question for question, _ in held_out], top_k=3)
    right = [
        result.answers[0].answer in question.answers
        for (question, _), result in zip(held_out, results, strict=True)
    ]
    assert sum(right) <= round(50 * calibrated.after.exact_match.mean)  # EM forgives "the"
    assert sum(right) > 0.8 * 50 * calibrated.after.exact_match.mean
    assert all(result.confidence is not None for result in results)


def _empty(question: Question) -> Reads:
    return Reads(question_id=question.question_id, bm25=(), margins=(), spans=(), holds_answer=())


def test_passages_with_a_gold_answer_can_be_left_out(plain: OpenDomainQA, reads: Path) -> None:
    n_left_out = 0
    for question, read in zip(QUESTIONS, collect_reads(plain, QUESTIONS, 3, reads), strict=True):
        found = plain.retriever.search(question.question, 3)
        texts = [plain.index.passage(hit.ordinal).text for hit in found]
        assert read.holds_answer == tuple(holds_answer(question, text) for text in texts)
        left = read.without_answers()
        assert {span.passage for span in left.spans} <= {
            n for n, text in enumerate(texts) if not holds_answer(question, text)
        }
        assert left.margins == read.margins and set(left.spans) <= set(read.spans)
        n_left_out += len(read.spans) - len(left.spans)
    assert n_left_out


def test_the_confidence_tells_questions_without_an_answer_from_others(
    plain: OpenDomainQA, calibrated: Calibration, reads: Path
) -> None:
    """Those of the held-out half, with the passages found and without those that hold an answer."""
    asked = list(zip(QUESTIONS, collect_reads(plain, QUESTIONS, 3, reads), strict=True))
    _, held_out = in_halves(asked, 0)
    ranking = calibrated.ranking
    assert ranking.confidence_weights is not None and ranking.confidence_weights[2] > 0
    weights = RankingWeights(
        passage_weight=ranking.passage_weight,
        bm25_weight=ranking.bm25_weight,
        answer_temperature=ranking.answer_temperature,
    )
    known, known_without = (
        [sure for sure, _ in known_of(found, ranking.confidence_weights)]
        for found in (
            best_answers(held_out, 3, weights, aggregate=True),
            best_answers(without_answers(held_out), 3, weights, aggregate=True),
        )
    )
    assert mean(known) > 1.5 * mean(known_without)
    for row in calibrated.fitted_on.held_out.thresholds:
        share = mean(sure >= row.min_confidence for sure in known_without)
        assert row.answered_without_answer == pytest.approx(100 * share, abs=1.5)  # some have none


def test_the_confidence_alone_can_be_fitted(
    plain: OpenDomainQA, calibrated: Calibration, reads: Path
) -> None:
    fixed = Ranking(bm25_weight=0.3, aggregate_answers=True, answer_temperature=2.0)
    had = plain.with_ranking(fixed)
    found = calibrate(had, QUESTIONS, top_k=3, reads=reads, confidence_only=True, **NAMES)
    assert found.ranking.confidence_weights is not None
    fitted = {"confidence_weights", "confidence_fitted_on"}
    unchanged = found.ranking.model_dump(exclude=fitted)
    assert unchanged == fixed.model_dump(exclude=fitted)
    assert found.ranking.confidence_fitted_on == found.fitted_on
    assert found.exact_match_more.mean == 0
    alone = plain.with_ranking(fixed.changed(aggregate_answers=False))
    with pytest.raises(PrereadError, match="expected a ranking that adds up equal answers"):
        calibrate(alone, QUESTIONS, top_k=3, reads=reads, confidence_only=True, **NAMES)


def test_the_confidence_of_an_unknown_encoder_is_not_fitted_alone(dense_index: Path) -> None:
    with PassageIndex(dense_index) as index:
        reader = Reader.load("default").with_ranking(Ranking(aggregate_answers=True))
        qa = OpenDomainQA(index, reader, open_retriever(index, "hybrid"))
        with pytest.raises(PrereadError, match="expected a ranking with an entry for the encoder"):
            calibrate(qa, QUESTIONS[:LEAST_QUESTIONS], top_k=1, confidence_only=True, **NAMES)


def test_reads_of_other_answers_are_refused(plain: OpenDomainQA, reads: Path) -> None:
    """Whether a passage holds an answer depends on them."""
    other = [replace(question, answers=("something else",)) for question in QUESTIONS]
    with pytest.raises(PrereadError, match="found another questions"):
        collect_reads(plain, other, 3, reads)


@pytest.mark.parametrize("top_k", [0, -1])
def test_a_number_of_passages_below_one_is_refused(plain: OpenDomainQA, top_k: int) -> None:
    with pytest.raises(PrereadError, match="top_k"):
        calibrate(plain, QUESTIONS, top_k=top_k, **NAMES)


@pytest.mark.parametrize(
    "field", [{"holds_answer": [True]}, {"margins": [float("nan")] * 3}, {"similarity": [0.5]}]
)
def test_reads_that_do_not_fit_together_are_refused(
    field: dict[str, Any], plain: OpenDomainQA, reads: Path, tmp_path: Path
) -> None:
    first, line, *_ = reads.read_text("utf-8").splitlines()
    path = tmp_path / "reads.jsonl"
    path.write_text("\n".join([first, json.dumps(json.loads(line) | field), ""]), "utf-8")
    with pytest.raises(PrereadError, match=r"reads\.jsonl:2"):
        collect_reads(plain, QUESTIONS, 3, path)


def test_halves_are_drawn_by_their_seed() -> None:
    asked = [(question, _empty(question)) for question in QUESTIONS[:99]]
    first, second = in_halves(asked, 0)
    assert (len(first), len(second)) == (50, 49)
    ids = [question.question_id for question, _ in (*first, *second)]
    assert sorted(ids) == sorted(question.question_id for question, _ in asked)
    assert in_halves(asked, 0) == (first, second) != in_halves(asked, 1)


def test_vectors_get_an_entry_of_their_own(dense_index: Path, tmp_path: Path) -> None:
    with PassageIndex(dense_index) as index:
        reader = Reader.load("default")
        qa = OpenDomainQA(index, reader, open_retriever(index, "hybrid"))
        found = calibrate(
            qa,
            QUESTIONS[:LEAST_QUESTIONS],
            questions_name="questions.jsonl",
            retriever_name="hybrid",
            top_k=2,
        )
        assert index.manifest.dense is not None
        encoder = index.manifest.dense.fingerprint
    vectors = found.ranking.of_encoder(encoder)
    assert isinstance(vectors, VectorRanking) and vectors is found.entry
    assert vectors.encoder == encoder and vectors.similarity_weight > 0
    assert vectors.fitted_on is not None and vectors.fitted_on.retriever == "hybrid"
    assert found.ranking == reader.ranking.with_entry(vectors)
    content = found.to_dict()["weights"]
    assert content["encoder"] == encoder
    assert content["passage_weight"] == reader.ranking.passage_weight


def test_the_command_writes_a_readers_ranking_where_that_is_asked_for(
    preread: Preread,
    sample_index: Path,
    questions_path: Path,
    reads: Path,
    reader_path: Path,
    tmp_path: Path,
) -> None:
    shipped = shipped_reader_path("default")
    assert shipped is not None
    its_ranking = (shipped / RANKING_FILE).read_bytes()
    command = ["calibrate", sample_index, questions_path, "--top-k", 3, "--retriever", "bm25"]
    command += ["--reads", shutil.copy(reads, tmp_path), "--plot", tmp_path / "plot.svg"]
    done = preread(*command, "--json")
    assert done.code == 0 and json.loads(done.out)["written"] is None, done.err
    assert (shipped / RANKING_FILE).read_bytes() == its_ranking
    assert (tmp_path / "plot.svg").read_text().startswith("<svg")

    done = preread(*command, "--write", reader_path, "--json")
    content = json.loads(done.out)
    assert content["written"] == str(reader_path / RANKING_FILE)
    assert "inside the installed package" not in done.err
    assert (content["n_fitted"], content["n_held_out"], content["top_k"]) == (50, 50, 3)
    for scores in (content["before"], content["after"]):
        for name in ("exact_match", "f1", "expected_calibration_error"):
            low, high = scores[f"{name}_interval"]
            assert 0 <= low <= high <= 100
    ranking = Reader.load(str(reader_path)).ranking
    for name, value in content["weights"].items():
        written = getattr(ranking, name)
        assert value == (list(written) if isinstance(written, tuple) else written)
    assert ranking.fitted_on is not None and ranking.fitted_on.questions == "mine.jsonl"
    assert content["reliability"] and len(content["thresholds"]) in (0, 4)

    shown = preread(*command).out
    assert "exact match before" in shown and "expected calibration error after" in shown
    other = preread(*command, "--top-k", 2)
    assert other.code == 2 and "found another top_k" in other.err


def test_writing_into_the_installed_package_is_said(
    preread: Preread, sample_index: Path, tmp_path: Path
) -> None:
    """It is said before the work, which then stops here: one question is too few."""
    shipped = shipped_reader_path("default")
    assert shipped is not None
    before = (shipped / RANKING_FILE).read_bytes()
    command = ["calibrate", sample_index, sample_questions_path(), "--limit", 1]
    done = preread(*command, "--write", shipped)
    assert done.code == 2 and "warning: " in done.err and "inside the installed package" in done.err
    assert (shipped / RANKING_FILE).read_bytes() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--limit", "99"], f"expected at least {LEAST_QUESTIONS} questions.*found 99"),
        (["--write", "nowhere"], "expected the folder of a reader, with a config.json"),
        (["--plot", "plot.png"], r"expected the name of a plot to end in \.svg, found \.png"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_read(
    preread: Preread, sample_index: Path, options: list[str], message: str
) -> None:
    done = preread("calibrate", sample_index, sample_questions_path(), *options)
    assert done.code == 2 and "reading" not in done.err
    assert re.search(message, done.err)


def test_questions_that_the_corpus_does_not_answer_are_refused(plain: OpenDomainQA) -> None:
    wrong = [replace(question, answers=("Quimper",)) for question in QUESTIONS]
    with pytest.raises(PrereadError, match=f"at least {LEAST_RIGHT} that have right and wrong"):
        calibrate(plain, wrong, top_k=1, **NAMES)


def test_answers_that_are_all_right_are_refused(plain: OpenDomainQA, reads: Path) -> None:
    """Every span is a gold answer, except for the least likely one."""
    easy = []
    for question, read in zip(QUESTIONS, collect_reads(plain, QUESTIONS, 3, reads), strict=True):
        likely = sorted(read.spans, key=lambda span: -span.logit)[:-1]
        easy.append(replace(question, answers=tuple(span.text for span in likely)))
    with pytest.raises(PrereadError, match="answered right and as many wrong, found 50 and 0"):
        calibrate(plain, easy, top_k=3, **NAMES)


def test_reads_go_on_where_they_were_broken_off(
    plain: OpenDomainQA, reads: Path, tmp_path: Path
) -> None:
    whole = reads.read_bytes()
    path = tmp_path / "reads.jsonl"
    path.write_bytes(whole[:-300])  # the last line is torn
    asked = QUESTIONS
    assert collect_reads(plain, asked, 3, path) == collect_reads(plain, asked, 3, reads)
    assert path.read_bytes() == reads.read_bytes() == whole


def test_reads_hold_what_no_weight_has_gone_into(plain: OpenDomainQA, reads: Path) -> None:
    weighed = plain.with_ranking(Ranking(bm25_weight=9.0, passage_weight=2.0))
    assert collect_reads(weighed, QUESTIONS[:2], 3) == collect_reads(plain, QUESTIONS[:2], 3)
    assert plain.with_ranking(UNWEIGHED).weights.bm25 == 0


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda lines: [b"{}", *lines[1:]], r":1: questions: expected a value, found none"),
        (lambda lines: [lines[0], b"{}", *lines[2:]], r":2: question_id: expected a value"),
        (lambda lines: [lines[0], *lines[2:]], r":2: expected question 'q001', found 'q002'"),
        (lambda lines: [*lines[:-1], lines[1], b""], r":102: expected question None, found 'q001'"),
        (lambda lines: lines[:1], r":1: expected a whole line"),
    ],
)
def test_damaged_reads_are_refused(
    damage: Callable[[list[bytes]], list[bytes]],
    message: str,
    plain: OpenDomainQA,
    reads: Path,
    tmp_path: Path,
) -> None:
    path = tmp_path / "reads.jsonl"
    path.write_bytes(b"\n".join(damage(reads.read_bytes().split(b"\n"))))
    before = path.read_bytes()
    with pytest.raises(PrereadError, match=message):
        collect_reads(plain, QUESTIONS, 3, path)
    assert path.read_bytes() == before
