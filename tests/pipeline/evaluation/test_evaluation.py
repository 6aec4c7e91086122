"""Evaluations of the sample corpus: their files, going on after a break, reports."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from preread.data import AnswerMatch, DataError, Passage, PrereadError, Question, read_gold
from preread.data.sample import sample_questions_path
from preread.indexer import Hit
from preread.pipeline import OpenDomainQA, evaluate
from preread.pipeline.evaluation.outcomes import parse_outcome
from preread.pipeline.evaluation.resuming import read_whole_lines
from preread.pipeline.evaluation.retrieved import Retrieved, run_writer
from preread.pipeline.retrievers.base import encoder_of, name_of
from preread.reader import Reader

TOP_K = 4
Preread = Callable[..., Any]


@dataclass(frozen=True)
class Evaluated:
    """An evaluation that ran to its end."""

    folder: Path
    summary: dict[str, Any]
    predictions: bytes

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The predictions file."""
        return [json.loads(line) for line in self.predictions.splitlines()]


@pytest.fixture(scope="session")
def questions() -> list[Question]:
    """Some of the sample's, spread over it; the last two are without an answer."""
    every = read_gold(sample_questions_path())
    return [*[q for q in every if q.answers][:180:20], *[q for q in every if not q.answers][:2]]


@pytest.fixture(scope="session")
def whole(
    qa: OpenDomainQA, questions: list[Question], tmp_path_factory: pytest.TempPathFactory
) -> Evaluated:
    """These questions, evaluated at one go."""
    folder = tmp_path_factory.mktemp("whole")
    summary = run_evaluation(qa, questions, folder)
    return Evaluated(folder, summary, (folder / "predictions.jsonl").read_bytes())


def run_evaluation(
    qa: OpenDomainQA, questions: list[Question], folder: Path, **options: Any
) -> dict[str, Any]:
    """Evaluate into a folder."""
    files = {
        "predictions": folder / "predictions.jsonl",
        "run": folder / "run.txt",
        "retrieval": folder / "retrieval.json",
    }
    return evaluate(qa, questions, **{"top_k": TOP_K, **files, **options})


def without_times(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records but for what no two runs share."""
    return [{k: v for k, v in r.items() if not k.endswith("_ms")} for r in records]


def test_scores_are_the_means_of_the_lines(whole: Evaluated) -> None:
    for name in ("exact_match", "f1"):
        mean = sum(line[name] for line in whole.lines) / len(whole.lines)
        assert whole.summary[name] == pytest.approx(100 * mean, abs=0.01)
        low, high = whole.summary[f"{name}_interval"]
        assert low <= whole.summary[name] <= high
    assert whole.summary["n_without_gold"] == 2
    assert whole.summary["exact_match_by_passages"][str(TOP_K)] == whole.summary["exact_match"]


@pytest.mark.slow
def test_scores_by_passages_are_those_of_reading_no_more(
    qa: OpenDomainQA, questions: list[Question], whole: Evaluated
) -> None:
    n_changes = 0
    for question, line in zip(questions, whole.lines, strict=True):
        for k in range(1, TOP_K + 1):
            alone = qa(question.question, top_k=k, n_answers=1)
            so_far = [s for s in line["by_passages_read"] if s["passages"] <= k]
            assert [s["prediction"] for s in so_far[-1:]] == [a.answer for a in alone]
        n_changes += len(line["by_passages_read"]) > 1
        assert line["by_passages_read"][-1]["prediction"] == line["prediction"]
    assert n_changes, "none of the questions shows the difference"


def test_retrieval_file_has_dprs_form_and_the_hits_of_the_run(
    questions: list[Question], whole: Evaluated
) -> None:
    found = json.loads((whole.folder / "retrieval.json").read_text("utf-8"))
    assert [(r["question"], tuple(r["answers"])) for r in found] == [
        (q.question, q.answers) for q in questions
    ]
    run = [line.split() for line in (whole.folder / "run.txt").read_text("utf-8").splitlines()]
    flat = [(q, n, c) for q, r in zip(questions, found, strict=True)
            for n, c in enumerate(r["ctxs"], start=1)]  # fmt: skip
    for (qid, _, passage_id, rank, score, _), (question, number, ctx) in zip(
        run, flat, strict=True
    ):
        assert set(ctx) == {"id", "title", "text", "score", "has_answer"}
        assert (qid, passage_id, int(rank)) == (question.question_id, ctx["id"], number)
        assert float(score) == pytest.approx(float(ctx["score"]), abs=1e-6)
    firsts = [line["first_passage_with_answer"] for line in whole.lines]
    assert firsts == [
        next((n for n, c in enumerate(r["ctxs"], 1) if c["has_answer"]), None) for r in found
    ]


def test_white_space_in_identifiers_does_not_shift_a_runs_columns(tmp_path: Path) -> None:
    found = [Retrieved(Passage("my notes/a b.md", "text"), 1.5, False)]
    with run_writer(tmp_path / "run.txt") as write:
        write(Question("q 1", "who?"), found)
    written = (tmp_path / "run.txt").read_text("utf-8")
    assert written == "q_1 Q0 my_notes/a_b.md 1 1.500000 preread\n"


@pytest.mark.parametrize("match", list(AnswerMatch))
def test_accuracy_is_that_of_pyserinis_evaluator(
    qa: OpenDomainQA,
    questions: list[Question],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    match: AnswerMatch,
) -> None:
    """Their code matches anew: it is given texts and answers, and not what we found."""
    from pyserini.eval.evaluate_dpr_retrieval import evaluate_retrieval

    asked = [
        Question(q.question_id, q.question, _answers(n, q, match), match)
        for n, q in enumerate(questions)
        if q.answers
    ]
    summary = evaluate(qa, asked, top_k=1, retrieval=tmp_path / "r.json")
    found = json.loads((tmp_path / "r.json").read_text("utf-8"))
    theirs = {
        str(number): {
            "answers": record["answers"],
            "contexts": [
                {"text": f"{c['title']}\n{c['text']}".replace("\n\n", " ")} for c in record["ctxs"]
            ],
        }
        for number, record in enumerate(found)
    }
    assert all(c["text"].count("\n") == 1 for r in theirs.values() for c in r["contexts"])
    (tmp_path / "theirs.json").write_text(json.dumps(theirs), "utf-8")
    capsys.readouterr()
    evaluate_retrieval(str(tmp_path / "theirs.json"), [1, 5, 20, 100], match is AnswerMatch.REGEX)
    printed = re.findall(r"Top(\d+)\taccuracy: ([\d.]+)", capsys.readouterr().out)
    assert len(printed) == 4
    assert len({share for _, share in printed}) > 1, "the questions are too easy to tell"
    for k, share in printed:
        assert summary["top_k_accuracy"][k] == pytest.approx(100 * float(share), abs=0.01)


def _answers(number: int, question: Question, match: AnswerMatch) -> tuple[str, ...]:
    """A question's answers; of every third, one that stands elsewhere or nowhere."""
    if match is AnswerMatch.STRING:
        return ("the sea",) if number % 3 == 0 else question.answers
    return (r"\b1[0-9]{3}\b", "(") if number % 3 == 0 else (r"vol[ck]ano\w*", r"river$")


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_before_any_cut_are_kept_and_the_torn_one_is_not(
    questions: list[Question], whole: Evaluated, tmp_path: Path, data: st.DataObject
) -> None:
    n_bytes = data.draw(st.integers(0, len(whole.predictions)))
    path = tmp_path / "cut.jsonl"
    path.write_bytes(whole.predictions[:n_bytes])
    outcomes, n_kept = read_whole_lines(path, questions)
    kept = whole.predictions[:n_kept]
    assert n_kept <= n_bytes and b"\n" not in whole.predictions[n_kept:n_bytes]
    assert [one.to_dict() for one in outcomes] == [json.loads(line) for line in kept.splitlines()]


@pytest.mark.parametrize("n_lines", [0, 3, 11])
def test_resumed_evaluation_ends_as_an_uninterrupted_one(
    qa: OpenDomainQA, questions: list[Question], whole: Evaluated, tmp_path: Path, n_lines: int
) -> None:
    lines = whole.predictions.splitlines(keepends=True)
    torn = lines[n_lines][:40] if n_lines < len(lines) else b""
    for name in ("predictions.jsonl", "predictions.jsonl.settings.json"):
        (tmp_path / name).write_bytes((whole.folder / name).read_bytes())
    predictions = tmp_path / "predictions.jsonl"
    predictions.write_bytes(b"".join(lines[:n_lines]) + torn)
    summary = run_evaluation(qa, questions, tmp_path, resume=True)
    resumed = predictions.read_bytes()
    assert resumed.startswith(b"".join(lines[:n_lines]))
    assert without_times([json.loads(line) for line in resumed.splitlines()]) == without_times(
        whole.lines
    )
    assert without_times([summary]) == without_times([whole.summary])
    if n_lines == len(lines):
        assert summary == whole.summary
    for name in ("run.txt", "retrieval.json"):
        assert (tmp_path / name).read_bytes() == (whole.folder / name).read_bytes()


class Breaking:
    """A retriever that fails once, at a given search."""

    def __init__(self, qa: OpenDomainQA, searches_left: int) -> None:
        """Search as ``qa`` does, and fail once ``searches_left`` has come down to 0."""
        self.retriever, self.searches_left = qa.retriever, searches_left
        self.name, self.encoder_fingerprint = name_of(qa.retriever), encoder_of(qa.retriever)

    def search(self, query: str, k: int) -> list[Hit]:
        """Hits, or the break."""
        self.searches_left -= 1
        if self.searches_left == 0:
            raise KeyboardInterrupt
        return self.retriever.search(query, k)


@pytest.mark.slow
def test_break_leaves_whole_lines_and_no_half_files(
    qa: OpenDomainQA, questions: list[Question], whole: Evaluated, tmp_path: Path
) -> None:
    breaking = OpenDomainQA(qa.index, qa.reader, Breaking(qa, searches_left=4))
    with pytest.raises(KeyboardInterrupt):
        run_evaluation(breaking, questions, tmp_path)
    predictions = tmp_path / "predictions.jsonl"
    assert len(read_whole_lines(predictions, questions)[0]) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "predictions.jsonl",
        "predictions.jsonl.settings.json",
    ]
    run_evaluation(breaking, questions, tmp_path, resume=True)
    found = [json.loads(line) for line in predictions.read_bytes().splitlines()]
    assert without_times(found) == without_times(whole.lines)


@pytest.fixture
def begun(whole: Evaluated, tmp_path: Path) -> Path:
    """A folder with the first two lines of an evaluation."""
    for path in whole.folder.glob("predictions*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    lines = whole.predictions.splitlines(keepends=True)
    (tmp_path / "predictions.jsonl").write_bytes(b"".join(lines[:2]))
    return tmp_path


def test_other_settings_are_not_resumed(
    qa: OpenDomainQA, questions: list[Question], begun: Path
) -> None:
    before = (begun / "predictions.jsonl").read_bytes()
    with pytest.raises(PrereadError, match=rf"it has top_k {TOP_K}; this is top_k 2\. Evaluate"):
        run_evaluation(qa, questions, begun, resume=True, top_k=2)
    with pytest.raises(PrereadError, match="it has questions [0-9a-f]{12}; this is questions"):
        run_evaluation(qa, questions[:5], begun, resume=True)
    other = OpenDomainQA(qa.index, qa.reader, bm25_weight=7.5)
    with pytest.raises(PrereadError, match=r"it has bm25_weight [\d.]+; this is bm25_weight 7\.5"):
        run_evaluation(other, questions, begun, resume=True)
    bfloat16 = OpenDomainQA(qa.index, Reader.load("default", precision="bfloat16"), stop_margin=3)
    with pytest.raises(PrereadError, match="has precision float32; stop_margin None; this is prec"):
        run_evaluation(bfloat16, questions, begun, resume=True)
    retrained = Reader.load("default")
    with torch.no_grad():
        retrained.model.get_parameter("head.weight").mul_(1.01)
    with pytest.raises(PrereadError, match="it has reader [0-9a-f]{12}; this is reader"):
        run_evaluation(OpenDomainQA(qa.index, retrained), questions, begun, resume=True)
    (begun / "predictions.jsonl.settings.json").unlink()
    with pytest.raises(PrereadError, match="expected the settings that .* was written with"):
        run_evaluation(qa, questions, begun, resume=True)
    assert (begun / "predictions.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [lines[1], lines[0]], r"predictions\.jsonl:1: expected question"),
        (lambda lines: [lines[0], b'{"id": \n'], r"predictions\.jsonl:2: expected one JSON object"),
        (lambda lines: [b'{"id": "x", "question": "?", "exact_match": 1, "f1": 1}\n'],
         r"predictions\.jsonl:1: expected milliseconds by stage"),
        (lambda lines: [lines[0].replace(b'"f1": ', b'"f1": "x", "f": ', 1)],
         r"predictions\.jsonl:1: expected 'f1' to be a finite number"),
        (lambda lines: [lines[0], b"\xff\n"], r"predictions\.jsonl:2: expected UTF-8"),
    ],
)  # fmt: skip
def test_damaged_line_is_named_and_nothing_is_lost(
    qa: OpenDomainQA,
    questions: list[Question],
    begun: Path,
    change: Callable[[list[bytes]], list[bytes]],
    message: str,
) -> None:
    predictions = begun / "predictions.jsonl"
    content = b"".join(change(predictions.read_bytes().splitlines(keepends=True)))
    predictions.write_bytes(content)
    with pytest.raises(DataError, match=message):
        run_evaluation(qa, questions, begun, resume=True)
    assert predictions.read_bytes() == content


def test_files_that_cannot_be_written_are_refused_before_the_work(
    qa: OpenDomainQA, questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = tmp_path / "one.html"
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"run": tmp_path / "no" / "run.txt"}, "expected its folder to exist"),
        ({"retrieval": tmp_path}, "expected a file or nothing there"),
        ({"run": one, "report": one}, "found it twice"),
        ({"report": tmp_path / "report.pdf"}, r"to end in \.html or \.md, found \.pdf"),
        ({"resume": True}, "--resume goes on with a --predictions file"),
    ]
    for options, message in mistakes:
        with pytest.raises(PrereadError, match=message):
            evaluate(qa, questions, **options)
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(PrereadError, match=r"pip install 'preread\[report\]'"):
        evaluate(qa, questions, report=one)
    with pytest.raises(PrereadError, match="found 'x' without"):
        evaluate(qa, [Question("x", "who?", is_labelled=False)])
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def resumable(qa: OpenDomainQA, questions: list[Question], whole: Evaluated) -> Iterator[Preread]:
    """Writes a report of the finished evaluation; nothing is read again."""

    def write(path: Path, **facts: str) -> str:
        files = {"report": path, "run": None, "retrieval": None}
        run_evaluation(qa, questions, whole.folder, resume=True, facts=facts, **files)
        return path.read_text("utf-8")

    yield write


@pytest.mark.slow
def test_html_report_stands_alone_and_says_what_ran(
    resumable: Preread, whole: Evaluated, tmp_path: Path
) -> None:
    page = resumable(tmp_path / "report.html", command="preread evaluate <x> & y")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert "preread evaluate &lt;x&gt; &amp; y" in page
    low, high = whole.summary["exact_match_interval"]
    assert f"<td>{low:.1f} to {high:.1f}</td>" in page
    for fact in ("codec", "default", "passages read", "torch", "prefers-color-scheme: dark"):
        assert fact in page
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(sources) == 5
    for source in sources:
        kind, _, data = source.partition(",")
        assert kind == "data:image/svg+xml;base64"
        svg = base64.b64decode(data).decode("utf-8")
        assert ElementTree.fromstring(svg).tag.endswith("svg")
        assert "currentColor" in svg and "prefers-color-scheme:dark" in svg
        assert not re.search(r'(?:href|src)="(?!#)', svg), "a plot asks for another file"


@pytest.mark.slow
def test_markdown_report_has_its_plots_beside_it(resumable: Preread, tmp_path: Path) -> None:
    text = resumable(tmp_path / "my report.md", command="preread evaluate a|b")
    plots = re.findall(r"!\[[^]]*\]\(<([^>]+)>\)", text)
    assert {path.name for path in tmp_path.iterdir()} == {"my report.md", *plots}
    assert len(plots) == 5
    for plot in plots:
        ElementTree.parse(tmp_path / plot)
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert any("preread evaluate a\\|b" in line for line in tables)
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in tables}
    assert widths <= {3, 4, 5, 6}
    first = {plot: (tmp_path / plot).read_bytes() for plot in plots}
    resumable(tmp_path / "my report.md")
    assert {plot: (tmp_path / plot).read_bytes() for plot in plots} == first


def test_report_of_nothing_found_has_no_calibration(qa: OpenDomainQA, tmp_path: Path) -> None:
    unknown = [Question("1", "qwxzv", ()), Question("2", "zzqx", ())]
    by_words = OpenDomainQA(qa.index, qa.reader, qa.index.bm25)
    summary = evaluate(by_words, unknown, report=tmp_path / "r.md", top_k=2)
    assert summary["expected_calibration_error"] is None
    assert (summary["exact_match"], summary["top_k_accuracy"]) == (100.0, {})
    text = (tmp_path / "r.md").read_text("utf-8")
    assert "Calibration" not in text and "Passages retrieved" not in text


def test_lines_of_an_evaluation_are_read_back(whole: Evaluated) -> None:
    from preread.data.io.policy import SourceLocation

    for line in whole.lines:
        assert parse_outcome(line, SourceLocation(Path("x"), 1)).to_dict() == line
