"""Wherever the public interface takes a file or a folder, a string will do as well as a Path."""

import json
from collections.abc import Callable, Iterator
from importlib import import_module
from inspect import isclass, isfunction, ismethod, signature
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import pytest
from preread.data import read_corpus, read_gold
from preread.data.nq import find_nq_files
from preread.data.sample import sample_corpus_path, sample_questions_path
from preread.indexer import (
    IndexConfig,
    Manifest,
    PassageIndex,
    add_passages,
    bytes_to_verify,
    change_reader,
    compact_index,
    delete_passages,
    index_info,
    merge_indexes,
    split_index,
    verify_index,
)
from preread.indexer import build_index as build
from preread.indexer.dense import SentenceEncoder, build_dense, remove_dense
from preread.indexer.maintenance.split import partitions_in
from preread.pipeline import (
    CorpusSearch,
    OpenDomainQA,
    QuestionAnswerer,
    compare,
    convert,
    evaluate,
    mine_negatives,
    score_predictions,
)
from preread.reader import Ranking, Reader
from preread.reader.checkpoints import is_shipped, shipped_reader_path
from preread.reader.codecs import known_codec, load_codec
from preread.reader.conversion.sources import CheckpointKind
from preread.reader.training import Recipe, recipe_path

PUBLIC = (
    *(f"preread.{room}" for room in ("data", "reader", "indexer", "pipeline")),
    "preread",
    "preread.data.download",
    "preread.data.nq",
    "preread.indexer.dense",
    "preread.reader.codecs",
    "preread.reader.profiling",
    "preread.reader.training",
)
MADE_BY_US = {"Downloaded"}
"""Records that callers get and do not make."""


def functions_of(module: ModuleType) -> Iterator[tuple[str, Callable[..., object]]]:
    """The public functions and methods of a module, by their names."""
    for name in module.__all__:
        value = getattr(module, name)
        if isfunction(value):
            yield name, value
        elif isclass(value) and name not in MADE_BY_US:
            for key in dir(value):
                method = getattr(value, key)
                is_ours = (getattr(method, "__module__", None) or "").startswith("preread.")
                is_called = not key.startswith("_") or key in ("__init__", "__call__")
                if is_ours and is_called and (isfunction(method) or ismethod(method)):
                    yield f"{name}.{key}", method


@pytest.mark.parametrize("name", PUBLIC)
def test_no_public_parameter_is_a_path_only(name: str) -> None:
    module = import_module(name)
    paths_only = []
    for function_name, function in functions_of(module):
        try:
            hints = get_type_hints(function)
        except NameError:  # types that are imported for type checkers only
            hints = {key: p.annotation for key, p in signature(function).parameters.items()}
        for parameter in signature(function).parameters:
            hint = str(hints.get(parameter, ""))
            if "pathlib.Path" in hint and "str | pathlib.Path" not in hint:
                paths_only.append(f"{function_name}({parameter}: {hint})")
    assert paths_only == []


@pytest.mark.slow
def test_an_index_is_made_changed_and_asked_by_text(tiny_reader_path: Path, tmp_path: Path) -> None:
    def at(*parts: str) -> str:
        return str(tmp_path.joinpath(*parts))

    (tmp_path / "more.jsonl").write_text(json.dumps({"id": "m", "text": "Zanzibar is an island."}))
    corpus, questions = str(sample_corpus_path()), str(sample_questions_path())
    reader = Reader.load(str(tiny_reader_path))
    build(corpus, at("index"), reader, IndexConfig(limit=40, passages_per_shard=20, workers=1))
    assert index_info(at("index"))["n_passages"] == 40
    assert len(partitions_in(at("index"))) == 0
    add_passages(at("index"), at("more.jsonl"), reader)
    assert delete_passages(at("index"), ["m"])[1] == 1
    assert compact_index(at("index")).n_passages == 40
    change_reader(at("index"), reader)
    parts = split_index(at("index"), at("parts"), 2)
    assert parts == partitions_in(at("parts"))
    merge_indexes([str(part) for part in parts], at("merged"))
    assert verify_index(at("merged")) == [] and bytes_to_verify(at("merged")) > 0
    assert Manifest.load(at("merged")).n_passages == len(PassageIndex(at("merged"))) == 40

    qa = OpenDomainQA.from_index(at("merged"))
    gold = read_gold(questions, limit=2)
    files: dict[str, Any] = {name: at(name) for name in ("predictions", "run", "retrieval")}
    evaluate(qa, gold, top_k=1, report=at("report.md"), **files)
    score_predictions(gold, at("predictions"), scored=at("scored"))
    assert compare(at("predictions"), at("scored")).to_dict()["n_questions"] == 2
    search = CorpusSearch(read_corpus(corpus, limit=40))
    mine_negatives(search, questions, at("mined"), negatives=2, depth=5, limit=2)
    assert all((tmp_path / name).stat().st_size for name in (*files, "report.md", "scored"))


@pytest.mark.slow
def test_readers_encoders_and_codecs_are_found_by_text(
    tiny_reader_path: Path,
    tiny_codec_path: Callable[[str], Path],
    tiny_encoder: SentenceEncoder,
    tmp_path: Path,
) -> None:
    reader = Reader.load(str(tiny_reader_path))
    codec = str(tiny_codec_path("rpq2"))
    assert load_codec(codec, reader).name == known_codec(codec, reader).name
    config = IndexConfig(limit=10, codec=codec)
    build(str(sample_corpus_path()), str(tmp_path / "index"), reader, config)
    encoder = SentenceEncoder.load(str(Path(tiny_encoder.name)))
    assert build_dense(str(tmp_path / "index"), encoder).dense is not None
    assert remove_dense(str(tmp_path / "index")).dense is None
    convert(str(tiny_reader_path), str(tmp_path / "hf"), to=CheckpointKind.HUGGING_FACE)
    assert (tmp_path / "hf" / "config.json").is_file()
    ranking = Ranking(bm25_weight=0.25)
    assert Ranking.load(str(ranking.save(str(tmp_path)))) == ranking
    asked: Any = {"question": "Where?", "context": "I live in Rome."}
    assert QuestionAnswerer(str(tiny_reader_path))(**asked) == QuestionAnswerer(reader)(**asked)
    shipped = shipped_reader_path("default")
    assert shipped is not None and is_shipped(str(shipped))
    assert Recipe.load(str(recipe_path("minilm-l6-own"))).base == "default"
    (tmp_path / "nq.jsonl").touch()
    assert find_nq_files(str(tmp_path)) == [tmp_path / "nq.jsonl"]
