"""The commands: what they print, and how they refuse."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from preread.data import read_corpus, read_examples, read_gold
from preread.data.sample import sample_corpus_path, sample_questions_path
from preread.reader import Reader

Preread = Callable[..., Any]


def test_help_needs_neither_torch_nor_java() -> None:
    code = (
        "import sys; from preread.pipeline.cli.main import app\n"
        "from typer.testing import CliRunner\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "assert not {'torch', 'transformers', 'jnius', 'h5py'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_has_every_command_under_a_heading(preread: Preread) -> None:
    from preread.pipeline.cli.main import COMMANDS

    shown = preread("--help").out
    places = [shown.index(f"─ {heading} ─") for heading in COMMANDS]
    assert places == sorted(places) and "─ Commands ─" not in shown
    for commands in COMMANDS.values():
        for name in commands:
            assert f"│ {name} " in shown


def test_recipes_are_listed(preread: Preread) -> None:
    listed = [json.loads(line) for line in preread("train", "--list", "--json").out.splitlines()]
    about = {one["name"]: one["about"] for one in listed}
    assert len(about) > 5 and all(about.values())
    assert about["minilm-l6-own"].startswith("The reader that ships, on questions of your own")
    assert "minilm-l6-own" in preread("train", "--list").out


def test_why_there_is_no_answer_is_said(preread: Preread, sample_index: Path) -> None:
    by_words = ("--retriever", "bm25")
    for query in ("the of and the", "?!"):
        shown = preread("search", sample_index, query, *by_words)
        assert "no word that BM25 searches for" in shown.err
    for command, out in (("search", "err"), ("ask", "out")):
        shown = preread(command, sample_index, "zzz qqq zzz", *by_words)
        assert "none has a word of it (zzz, qqq)" in getattr(shown, out)
    held = preread("ask", sample_index, "How many keys has a piano?", "--min-confidence", 0.999)
    assert "below --min-confidence 0.999" in held.out


def test_an_input_that_is_closed_or_no_text_is_said(preread: Preread, sample_index: Path) -> None:
    closed = preread("ask", sample_index, stdin=None)
    assert closed.code == 2 and "standard input: expected questions, found it closed" in closed.err
    other = io.TextIOWrapper(io.BytesIO(b"who?\n"), encoding="utf-16")
    refused = preread("ask", sample_index, stdin=other)
    assert refused.code == 2 and "standard input: expected text in utf-16" in refused.err


def test_a_table_is_printed_for_a_terminal_of_unknown_width(
    preread: Preread, sample_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "0")
    assert "n passages" in preread("info", sample_index).out


@pytest.mark.slow
def test_a_conversation_on_a_terminal_edits_lines(sample_index: Path) -> None:
    """A spinner turns while the index opens; the arrow brings the question back."""
    command = [sys.executable, "-m", "preread.pipeline", "ask", str(sample_index), "--top-k", "3"]
    parent, child = os.openpty()
    with subprocess.Popen(command, stdin=child, stdout=child, stderr=child) as process:
        os.close(child)
        shown = b""
        for typed in (b"How many keys has a piano?\n", b"\x1b[A\n", b"quit\n"):
            while not shown.endswith(b"? ") or b"passages. An empty line" not in shown:
                shown += os.read(parent, 1024)
            os.write(parent, typed)
            shown = shown.removesuffix(b"? ")
        with suppress(OSError):  # how a terminal ends on Linux
            while some := os.read(parent, 1024):
                shown += some
    os.close(parent)
    assert process.returncode == 0
    assert b"Opening the index" in shown
    assert shown.count(b"passages read in") == 2


@pytest.mark.slow
def test_what_needs_no_reader_imports_none(sample_index: Path, tmp_path: Path) -> None:
    """Most of a command's time would be the import of the libraries that readers are made of."""
    index = Path(shutil.copytree(sample_index, tmp_path / "index"))
    deleted = next(iter(read_corpus(sample_corpus_path()))).passage_id
    code = (
        "import sys; from preread.pipeline.cli.main import app\n"
        "from typer.testing import CliRunner\n"
        "def run(*words, without, code=0):\n"
        "    assert CliRunner().invoke(app, [*words, '--json']).exit_code == code, words\n"
        "    assert not without & set(sys.modules), words\n"
        f"index, parts = {str(index)!r}, {str(tmp_path / 'parts')!r}\n"
        "run('info', index, without={'torch', 'transformers', 'jnius'})\n"
        "run('verify', index, without={'torch', 'transformers', 'jnius'})\n"
        "words = ('--retriever', 'bm25')\n"
        "run('search', index, 'river', *words, without={'torch', 'transformers', 'faiss'})\n"
        "run('search', index, 'river', without={'transformers'})\n"
        f"run('delete', index, {deleted!r}, without={{'transformers'}})\n"
        "run('split', index, '2', parts, without={'transformers'}, code=1)\n"  # of one shard
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_version_is_the_installed_one(preread: Preread) -> None:
    shown = preread("--version")
    assert (shown.code, shown.out) == (0, f"preread {version('preread')}\n")


@pytest.mark.slow
def test_index_search_ask_verify_info(preread: Preread, tmp_path: Path) -> None:
    index = tmp_path / "index"
    built = preread("index", sample_corpus_path(), index, "--limit", 6, "--json")
    assert built.code == 0, built.err
    info = json.loads(built.out)
    assert info["n_passages"] == 6 and info["reader"] == "default"
    assert info["codec"] == Reader.load("default").config.codec
    assert json.loads(preread("info", index, "--json").out) == info
    assert "n passages" in preread("info", index).out
    verified = preread("verify", index, "--json")
    assert json.loads(verified.out) == {"ok": True, "faults": []}

    lines = preread("search", index, "volcano", "--top-k", 2, "--json").out.splitlines()
    ranks = [json.loads(line) for line in lines]
    assert [r["rank"] for r in ranks] == [1, 2] and "passage_id" in ranks[0]
    assert "volcano" in preread("search", index, "volcano").out.lower()

    asked = preread("ask", index, "what is the belt of volcanoes called?", "--json")
    answer = json.loads(asked.out)["answers"][0]
    where = {"passage_id", "title", "start", "end"}
    others = {"answer", "score", "passage", "confidence", "supporting", "metadata"}
    assert set(answer) == others | where
    assert all(set(one) == {"score"} | where for one in answer["supporting"])
    assert answer["passage"][answer["start"] : answer["end"]] == answer["answer"]
    shown = preread("ask", index, "what is the belt of volcanoes called?")
    assert answer["answer"] in shown.out and "passages read" in shown.out

    talk = preread("ask", index, "--json", stdin="what is a volcano?\nwhere is Etna?\n\n")
    assert len(talk.out.splitlines()) == 2


def test_verify_reports_a_changed_byte_with_exit_code_one(
    preread: Preread, sample_index: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(sample_index, tmp_path / "copy"))
    shard = next((copy / "states").glob("*.h5"))
    data = bytearray(shard.read_bytes())
    data[1000] ^= 1
    shard.write_bytes(data)
    finished = preread("verify", copy, "--json")
    assert finished.code == 1
    assert json.loads(finished.out)["ok"] is False


@pytest.mark.slow
def test_evaluate_writes_scores_predictions_and_run(
    preread: Preread, sample_index: Path, tmp_path: Path
) -> None:
    predictions, run = tmp_path / "predictions.jsonl", tmp_path / "run.txt"
    files = ("--predictions", predictions, "--run", run)
    finished = preread(
        "evaluate", sample_index, sample_questions_path(), "--limit", 4, "--json", *files
    )
    scores = json.loads(finished.out)
    assert scores["n_questions"] == 4
    assert set(scores["top_k_accuracy"]) == {"1", "5", "20", "100"}
    assert set(scores["latency_ms"]) == {"p50", "p95"}
    lines = [json.loads(line) for line in predictions.read_text("utf-8").splitlines()]
    mean = sum(line["exact_match"] for line in lines) / 4
    assert scores["exact_match"] == pytest.approx(100 * mean)
    first = run.read_text("utf-8").splitlines()[0].split()
    assert len(first) == 6 and first[1] == "Q0" and first[3] == "1"


@pytest.mark.slow
def test_evaluate_draws_questions_and_takes_a_weight(
    preread: Preread, sample_index: Path, tmp_path: Path
) -> None:
    import random

    questions = [q.question_id for q in read_gold(sample_questions_path())]
    settings = {}
    for weight in (0, 0.5):
        file = tmp_path / f"{weight}.jsonl"
        options = ("--sample", 2, "--seed", 3, "--top-k", 1, "--bm25-weight", weight)
        arguments = (sample_index, sample_questions_path(), *options, "--predictions", file)
        assert preread("evaluate", *arguments, "--json").code == 0
        lines = file.read_text("utf-8").splitlines()
        drawn = [json.loads(line)["id"] for line in lines]
        assert drawn == random.Random(3).sample(questions, 2)
        settings[weight] = json.loads(file.with_name(f"{file.name}.settings.json").read_text())
    assert [one["bm25_weight"] for one in settings.values()] == [0, 0.5]
    refused = preread("evaluate", sample_index, sample_questions_path(), "--sample", 1000)
    assert refused.code == 2 and "--sample of at most 388" in refused.err


@pytest.mark.slow
def test_answers_in_int8_and_bfloat16_are_mostly_those_of_float32(
    preread: Preread, sample_index: Path, tmp_path: Path
) -> None:
    lines = {}
    for name, options in {
        "float32": (),
        "bfloat16": ("--precision", "bfloat16"),
        "int8": ("--runtime", "onnx-int8"),
    }.items():
        file = tmp_path / f"{name}.jsonl"
        questions = (sample_index, sample_questions_path(), "--limit", 8, "--top-k", 3)
        finished = preread("evaluate", *questions, "--predictions", file, "--json", *options)
        assert json.loads(finished.out)["passages_read"] == 3
        lines[name] = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    for name in ("bfloat16", "int8"):
        same = [
            a["prediction"] == b["prediction"]
            for a, b in zip(lines["float32"], lines[name], strict=True)
        ]
        assert sum(same) >= 7, (name, same)
    scores = [[line["score"] for line in of_one] for of_one in lines.values()]
    assert scores[0] != scores[1] != scores[2] != scores[0], "one of the options does nothing"


@pytest.mark.slow
def test_a_stop_margin_reads_less(preread: Preread, sample_index: Path) -> None:
    arguments = (sample_index, "how many keys does a piano have?", "--top-k", 20, "--json")
    n_read = [
        json.loads(preread("ask", *arguments, "--stop-margin", margin).out)["passages_read"]
        for margin in ("-100", "inf")
    ]
    assert n_read == [8, 20]
    questions = (sample_index, sample_questions_path(), "--limit", 3, "--json")
    scores = json.loads(preread("evaluate", *questions, "--stop-margin", "-100").out)
    assert (scores["top_k"], scores["passages_read"]) == (20, 8.0)


@pytest.mark.slow
def test_evaluate_reader_in_its_three_modes(preread: Preread, tmp_path: Path) -> None:
    dataset = tmp_path / "dev.jsonl"
    context = "Etna is a volcano on the island of Sicily. It last erupted in 2021."
    records = [
        {"id": "1", "question": "where is Etna?", "answers": ["Sicily"]},
        {"id": "2", "question": "when did Etna erupt?", "answers": ["2021"]},
    ]
    whole = [
        r | {"title": "", "context": context, "answer_starts": [context.index(r["answers"][0])]}
        for r in records
    ]
    dataset.write_text("".join(json.dumps(r) + "\n" for r in whole))
    scores = {}
    for mode in ("full", "decomposed", "stored"):
        finished = preread("evaluate-reader", "default", dataset, "--mode", mode, "--json")
        scores[mode] = json.loads(finished.out)
        assert scores[mode]["n_questions"] == 2
        for name in ("exact_match", "f1"):
            low, high = scores[mode][f"{name}_interval"]
            assert 0 <= low <= scores[mode][name] <= high <= 100
    table = preread("evaluate-reader", "default", dataset).out
    low, high = scores["decomposed"]["f1_interval"]
    assert f"{scores['decomposed']['f1']} ({low} to {high})" in table
    assert scores["full"]["num_lower_layers"] == 0
    assert scores["stored"]["f1"] == scores["decomposed"]["f1"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("index", "{tmp}/nowhere.tsv", "{tmp}/index"), "nowhere.tsv"),
        (("index", "{tmp}/empty.jsonl", "{tmp}/index"), "empty.jsonl"),
        (("index", "{tmp}/broken.jsonl", "{tmp}/index"), "broken.jsonl:2"),
        (("index", "{sample}", "{index}"), "holds an index already"),
        (("index", "{sample}", "{tmp}/index", "--reader", "./no-reader"), "no-reader"),
        (
            ("index", "{sample}", "{tmp}/index", "--codec", "zip"),
            "expected float16, int8, pqN or rpqN",
        ),
        (("index", "{sample}", "{tmp}/index", "--limit", "0"), "--limit"),
        (("index", "{sample}", "{tmp}/index", "--engine", "dask"), "expected one of local, ray"),
        (("index", "{sample}", "{tmp}/index", "--engine", "ray"), "Install preread[ray]"),
        (("serve-cluster", "{index}"), "Install preread[ray]"),
        (("ask", "memory://nowhere/index", "who?"), "found no manifest.json"),
        (("ask", "{tmp}/nothing", "who?"), "no such index"),
        (("ask", "{index}", "who?", "--top-k", "0"), "top_k must be at least 1"),
        (("nonsense",), "nonsense"),
        (("serch", "{index}", "who?"), "Did you mean 'search'"),
        (("ask", "{index}", "who?", "--topk", "3"), "--top-k"),
        (("ask",), "Missing argument 'INDEX'. See `preread ask --help`"),
        (("train",), "`preread train --list`"),
        (("train", "minilm-l6-own"), "expected RECIPE and OUTPUT, found minilm-l6-own"),
        (("ask", "{index}", "who?", "--runtime", "onnx"), "expected one of torch, onnx-int8"),
        (("serve", "{index}", "--precision", "int8"), "expected one of float32, bfloat16"),
        (("ask", "{index}", "  "), "expected some words"),
        (("search", "{index}", ""), "expected some words"),
        (("info", "{tmp}"), "not an index"),
        (("info", ""), "INDEX: expected a path, found an empty argument"),
        (("info", "{index}/manifest.json"), "not an index: expected a folder, found a file"),
        (("index", "{index}", "{tmp}/index", "--reader", ""), "reader: expected a name or a path"),
        (("index", "", "{tmp}/index"), "CORPUS: expected a path, found an empty argument"),
        (("search", "{index}", "\u200b"), "query: expected some words"),
        (("search", "{index}", "who?", "--k1", "1e300"), "k1 must be between 0 and 1,000"),
        (("search", "{index}", "who?", "--b", "-1"), "b must be between 0 and 1"),
        (("ask", "{index}", "who?", "--stop-margin", "nan"), "stop_margin must be between -inf"),
        (("check-quote", "{index}", ""), "quote: expected some words, found ''"),
        (
            ("check-quote", "{index}", "88 keys", "--passage", "nope"),
            "--passage: expected the identifier of a passage, found 'nope', which the index does "
            "not hold. `preread search",
        ),
        (("highlight", "{index}", "who?", "--passage", ""), "--passage: expected the identifier"),
        (("prune", "{index}", "who?", "--passage", "\udcff"), "--passage: expected UTF-8 text"),
        (("search", "{index}", "who?", "--filter", "\udcff=1"), "filter: expected UTF-8 text"),
        (("documents", "{index}", "\udcff"), "document: expected UTF-8 text, found byte 0xff"),
        (("delete", "{index}", "--document", "\udcff*"), "document: expected UTF-8 text"),
        (("evaluate-retrieval", "{index}", "{tmp}/no"), "expected a folder of BEIR, found nothing"),
        (("verify", "{tmp}/nothing"), "no such index"),
        (("evaluate", "{index}", "{tmp}/nowhere.jsonl"), "nowhere.jsonl"),
        (("evaluate", "{index}", "{tmp}/broken.jsonl"), "broken.jsonl:2"),
        (("evaluate-reader", "default", "{tmp}/broken.jsonl"), "broken.jsonl"),
        (("evaluate-reader", "default", "{sample}", "--mode", "half"), "expected one of full"),
    ],
)
def test_mistakes_give_one_clear_error_and_code_two(
    preread: Preread,
    sample_index: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # not every machine has it
    monkeypatch.setenv("PREREAD_CACHE", str(tmp_path / "cache"))
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "broken.jsonl").write_text(
        '{"id": "1", "title": "t", "text": "x", "question": "q", "answer": ["a"]}\n{"id": \n'
    )
    places = {"tmp": tmp_path, "index": sample_index, "sample": sample_corpus_path()}
    finished = preread(*(argument.format(**places) for argument in arguments))
    assert finished.code == 2
    assert finished.out == ""
    last = [line for line in finished.err.splitlines() if line.startswith("error: ")]
    assert len(last) == 1 and message in last[0], finished.err
    assert "Traceback" not in finished.err


@pytest.mark.slow
def test_add_delete_compact(preread: Preread, tiny_reader_path: Path, tmp_path: Path) -> None:
    index, more, ids = tmp_path / "index", tmp_path / "more.jsonl", tmp_path / "ids.txt"
    reader = ("--reader", str(tiny_reader_path))
    built = preread("index", sample_corpus_path(), index, "--limit", 30, *reader)
    assert re.search(r"30 passages, about [\d,]+ tokens: about \d+ kB on disk, \d+ s", built.err)
    records = [{"id": f"n{i}", "title": "", "text": f"zanzibar {i}"} for i in range(3)]
    more.write_text("".join(json.dumps(r) + "\n" for r in records))
    added = json.loads(preread("add", index, more, "--json").out)
    assert (added["n_passages"], added["generation"]) == (33, 1)
    refused = preread("add", index, more)
    assert refused.code == 2 and "3 of the passages are in the index already" in refused.err
    assert json.loads(preread("add", index, more, "--replace", "--json").out)["n_passages"] == 33
    ids.write_text("n1\nn2\n")
    deleted = json.loads(preread("delete", index, "n0", f"@{ids}", "--json").out)
    assert deleted == {"n_deleted": 3, "n_passages": 30}
    assert "zanzibar" not in preread("search", index, "zanzibar").out
    compacted = json.loads(preread("compact", index, "--json").out)
    assert (compacted["n_passages"], compacted["n_deleted"]) == (30, 0)
    said = preread("add", index, more, "--limit", 1).out
    assert said == f"Added 1 passage. {index} now holds 31 passages.\n"
    said = preread("add", index, more, "--replace").out
    assert said.startswith("Added 3 passages, 1 of them in place of earlier ones. ")
    said = preread("delete", index, "n0", "n1").out
    assert said.startswith(f"Deleted 2 passages. {index} now holds 31 passages. ")
    unknown = preread("delete", index, "n2", f"@{tmp_path / 'nowhere'}")
    assert unknown.code == 2 and "nowhere" in unknown.err
    assert json.loads(preread("verify", index, "--json").out)["ok"]


@pytest.mark.slow
def test_learned_codec_codes_an_index(
    preread: Preread, tiny_reader_path: Path, tmp_path: Path
) -> None:
    file, index = tmp_path / "codec.safetensors", tmp_path / "index"
    umask = os.umask(0o027)
    try:
        learned = preread(
            "learn-codec", tiny_reader_path, sample_corpus_path(), file, "--codec", "rpq2", "--json"
        )
    finally:
        os.umask(umask)
    assert file.stat().st_mode & 0o777 == 0o640
    assert json.loads(learned.out) == {
        "codec": "rpq2",
        "reader": str(tiny_reader_path),
        "n_passages": 181,
        "file": str(file),
        "bytes": file.stat().st_size,
    }
    built = preread(
        "index", sample_corpus_path(), index, "--reader", tiny_reader_path, "--codec", file,
        "--limit", 50, "--json",
    )  # fmt: skip
    info = json.loads(built.out)
    assert info["codec"] == "rpq2" and info["bytes_codec"] == file.stat().st_size
    assert preread("ask", index, "what is a volcano?").code == 0
    again = preread("learn-codec", tiny_reader_path, sample_corpus_path(), file)
    assert again.code == 2 and "expected nothing there" in again.err


@pytest.mark.slow
def test_demo_builds_asks_and_scores(
    preread: Preread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Five of them over ten passages: `make test` reproduces what all of the sample scores.
    fewer, some = tmp_path / "questions.jsonl", tmp_path / "passages.jsonl"
    lines = sample_questions_path().read_text("utf-8").splitlines(keepends=True)
    fewer.write_text("".join(lines[:5]), "utf-8")
    passages = sample_corpus_path().read_text("utf-8").splitlines(keepends=True)
    some.write_text("".join(passages[:10]), "utf-8")
    monkeypatch.setattr("preread.pipeline.demo.sample_questions_path", lambda: fewer)
    monkeypatch.setattr("preread.pipeline.demo.sample_corpus_path", lambda: some)
    n_answered = sum(bool(json.loads(line)["answer"]) for line in lines[:5])
    finished = preread("demo", "--path", tmp_path / "demo", "--questions", 3)
    assert finished.code == 0, finished.err
    assert finished.out.count("right") + finished.out.count("not the gold answer") >= 3
    assert f"All {n_answered} sample questions" in finished.out


def test_cloze_writes_questions_that_train(preread: Preread, tmp_path: Path) -> None:
    output, rest = tmp_path / "cloze.jsonl.gz", tmp_path / "rest.jsonl"
    content = json.loads(preread("cloze", sample_corpus_path(), output, "--json").out)
    examples = list(read_examples(output))
    assert content == {"n_passages": 181, "n_written": len(examples)}
    again = preread("cloze", sample_corpus_path(), output)
    assert again.code == 2 and "expected nothing there" in again.err
    passages = {p.passage_id: p for p in read_corpus(sample_corpus_path())}
    kept_back = passages[examples[0].example_id.rpartition("-")[0]]
    reading = {"question": "?", "context": kept_back.text, "answers": [], "answer_starts": []}
    (tmp_path / "dev.jsonl").write_text(json.dumps(reading))
    preread("cloze", sample_corpus_path(), rest, "--leave-out", tmp_path / "dev.jsonl")
    titles = [e.example_id.rpartition("-")[0] for e in read_examples(rest)]
    assert titles and kept_back.passage_id not in titles


@pytest.mark.slow
def test_split_and_merge(preread: Preread, tiny_reader_path: Path, tmp_path: Path) -> None:
    index, parts, merged = (tmp_path / name for name in ("index", "parts", "merged"))
    preread("index", sample_corpus_path(), index, "--reader", tiny_reader_path,
            "--passages-per-shard", 60, "--workers", 1)  # fmt: skip
    divided = preread("split", index, 2, parts, "--json")
    assert divided.code == 0, divided.err
    sizes = json.loads(divided.out)["n_passages"]
    assert (
        len(sizes) == 2
        and sum(sizes.values()) == json.loads(preread("info", index, "--json").out)["n_passages"]
    )
    for part in sizes:
        assert preread("ask", part, "what is the belt of volcanoes called?").code == 0
    info = json.loads(preread("merge", parts, merged, "--json").out)
    assert info["n_passages"] == sum(sizes.values())
    refused = preread("add", next(iter(sizes)), sample_corpus_path())
    assert refused.code == 2 and "is part 1 of 2" in refused.err


@pytest.mark.slow
def test_text_from_outside_acts_on_no_terminal_and_ends_no_conversation(
    preread: Preread, tiny_reader_path: Path, tmp_path: Path
) -> None:
    record = {
        "id": "@a[b]",
        "title": "[bold]Agate",
        "text": "An agate \x1b[31mis\x07 a\x9b1m stone.",
    }
    (tmp_path / "c.jsonl").write_text(json.dumps(record), "utf-8")
    index = tmp_path / "index"
    assert preread("index", tmp_path / "c.jsonl", index, "--reader", tiny_reader_path).code == 0
    for command in ("search", "ask"):
        shown = preread(command, index, "agate").out
        assert "␛" in shown and "\x1b[31mis" not in shown and "[bold]Agate" in shown
    written = preread("search", index, "agate", "--json").out
    assert "\x9b" not in written
    found = json.loads(written)
    assert found["passage"] == record["text"]
    for command in ("search", "ask"):
        refused = preread(command, index, "caf\udce9 piano")
        assert refused.code == 2 and "expected UTF-8 text, found byte 0xe9" in refused.err
    talk = preread(
        "ask", index, "--json", stdin="\ufeffcaf\udce9?\n\nagate?\r\nquit\n\u200b\nagate?"
    )
    assert "found byte 0xe9 at character 4" in talk.err and talk.code == 2
    asked = [json.loads(line)["question"] for line in talk.out.splitlines()]
    assert asked == ["agate?", "quit", "agate?"], "only a person ends by a line"
    assert "none has a word of it (zanzibar)" in preread("search", index, "zanzibar").err
    missing = preread("delete", index, "@a[b]")
    assert missing.code == 2 and "write @@a[b]" in missing.err
    (tmp_path / "ids").write_bytes(b"\xef\xbb\xbf@a[b]\r\n\n")
    more = {"id": "b", "text": "Basalt."}
    (tmp_path / "d.jsonl").write_text(json.dumps(more), "utf-8")
    assert preread("add", index, tmp_path / "d.jsonl").code == 0
    deleted = preread("delete", index, f"@{tmp_path / 'ids'}", "--json")
    assert json.loads(deleted.out)["n_deleted"] == 1, deleted.err


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_an_output_that_cannot_be_written_is_named(sample_index: Path) -> None:
    by_words = ("search", sample_index, "volcano", "--retriever", "bm25")
    for arguments in (by_words, ("info", sample_index)):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "preread.pipeline", *map(str, arguments)],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
            )
        assert done.returncode == 2, done.stderr
        assert done.stderr.startswith("error: standard output: No space left on device. Make room")
        assert "Exception ignored" not in done.stderr


def test_a_local_index_may_be_named_by_a_url(preread: Preread, sample_index: Path) -> None:
    done = preread("info", sample_index.resolve().as_uri(), "--json")
    assert done.code == 0 and json.loads(done.out)["n_passages"] == 181


def test_an_error_of_the_operating_system_is_said_as_itself(
    preread: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    output = tmp_path / "file" / "run"
    sets = tmp_path / "sets"
    finished = preread("train", "minilm-l6-taught", output, "--base", "default", "--data", sets)
    assert finished.code == 2
    assert finished.err == f"error: {output}: Not a directory.\n"
