"""BM25 finds a word in whatever Unicode form it is written and asked for."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from preread.data import Passage
from preread.data.text.normalization import TextNormalization
from preread.indexer import (
    AddConfig,
    Bm25Searcher,
    IndexConfig,
    Manifest,
    PassageIndex,
    add_passages,
    build_bm25,
    build_index,
    compact_index,
    delete_passages,
    merge_indexes,
    split_index,
)
from preread.indexer.builder.lookup_and_bm25 import index_live_texts
from preread.indexer.storage.json_files import read_sealed_json, write_sealed_json
from preread.indexer.storage.snapshots import snapshot_path
from preread.reader import Reader

WORDS = [
    "Dvořák",
    "chrysoberyl",
    "filament",
    "1969",
    "naïveté",
    "Việt",
    "ガーネット",
    "한국어",
    "ﬂuorite",
]
IGNORABLE = "\u00ad\u034f\u200b\u200c\u200d\u2060\ufe0f\ufeff\U000e0100"
LIGATURES = {"fi": "ﬁ", "fl": "ﬂ", "ff": "ﬀ", "st": "ﬆ"}
WIDE = {chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)}


@st.composite
def spellings(draw: st.DrawFn, word: str) -> str:
    """A word in some Unicode form, with wide letters, ligatures and invisible characters."""
    word = normalize(draw(st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"])), word)
    if draw(st.booleans()):
        for plain, ligature in LIGATURES.items():
            word = word.replace(plain, ligature)
    pieces = []
    for character in word:
        wide = WIDE.get(character, character)
        pieces += draw(st.sampled_from([[character], [character], [wide]]))
        if draw(st.integers(0, 3)) == 0:
            pieces.append(draw(st.sampled_from(IGNORABLE)))
    return "".join(pieces)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=10)
def test_every_spelling_of_a_word_finds_every_other(data: st.DataObject) -> None:
    written = [data.draw(spellings(word)) for word in WORDS]
    asked = [data.draw(spellings(word)) for word in WORDS]
    with TemporaryDirectory() as folder:
        passages = [Passage(word, f"here is {word} to be found") for word in written]
        build_bm25(enumerate(passages), Path(folder) / "bm25")
        searcher = Bm25Searcher(Path(folder) / "bm25")
        found = [[hit.ordinal for hit in searcher.search(word, 9)] for word in asked]
        together = searcher.search_many(asked, 9, threads=2)
        scores = [searcher.score(word, [number]) for number, word in enumerate(asked)]
        searcher.close()
    assert found == [[number] for number in range(len(WORDS))]
    assert [[hit.ordinal for hit in hits] for hits in together] == found
    assert all(score > 0 for (score,) in scores)


@pytest.mark.slow
@given(st.lists(st.text(st.characters(max_codepoint=0x7F), max_size=60), min_size=2, max_size=6))
@settings(max_examples=8)
def test_ascii_is_searched_as_without_normalization(texts: list[str]) -> None:
    hits = []
    with TemporaryDirectory() as folder:
        for form in TextNormalization:
            path = Path(folder) / form
            passages = [Passage(str(number), text) for number, text in enumerate([*texts, "river"])]
            build_bm25(enumerate(passages), path, normalization=form)
            searcher = Bm25Searcher(path, normalization=form)
            hits.append([searcher.search(text, 9) for text in texts])
            searcher.close()
    assert hits[0] == hits[1]


def test_a_passage_of_invisible_characters_only_is_left_out(tmp_path: Path) -> None:
    passages = [Passage("a", "\u200b\u00ad"), Passage("b", "river")]
    assert build_bm25(enumerate(passages), tmp_path / "bm25") == 1


TEXTS = {"composed": normalize("NFC", "Dvořák wrote"), "apart": normalize("NFD", "Dvořák wrote")}
QUESTIONS = [normalize("NFC", "Dvořák"), normalize("NFD", "Dvořák"), "Dvo\u00adřák"]


def corpus_of(path: Path, prefix: str, n: int = 6) -> Path:
    """Passages that hold one word in two forms."""
    records = [
        {"id": f"{prefix}-{form}-{number}", "text": f"{text} number {number}."}
        for number in range(n)
        for form, text in TEXTS.items()
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return path


Make = Callable[[str], Path]


@pytest.fixture
def make(tmp_path: Path, tiny_reader: Reader) -> Make:
    """Builds an index of passages with the name as prefix of their identifiers."""

    def build(name: str) -> Path:
        config = IndexConfig(passages_per_shard=4, workers=1, codec="int8")
        corpus = corpus_of(tmp_path / f"{name}.jsonl", name)
        build_index(corpus, tmp_path / name, tiny_reader, config)
        return tmp_path / name

    return build


def without_note(index: Path) -> None:
    """Make an index what it would be from before texts were normalized."""
    manifest = Manifest.load(index)
    plain = replace(manifest.plan, bm25_normalization="none")
    index_live_texts(index, replace(manifest, plan=plain), show_progress=False)
    fields = read_sealed_json(index / "manifest.json")
    assert fields.pop("bm25_normalization") == "nfkc"
    for path in (index / "manifest.json", snapshot_path(index, manifest.generation)):
        write_sealed_json(path, fields)


def found(index: Path) -> list[set[str]]:
    """Identifiers of the passages that each question finds."""
    with PassageIndex(index) as opened:
        return [
            {opened.passage(hit.ordinal).passage_id for hit in opened.bm25.search(question, 100)}
            for question in QUESTIONS
        ]


def of_form(index: Path, form: str) -> set[str]:
    """Identifiers of the passages that have the word in a form."""
    with PassageIndex(index) as opened:
        ids = {opened.passage(o).passage_id for o in opened.ordinals().tolist()}
    return {passage_id for passage_id in ids if form in passage_id}


def check(index: Path, normalization: str) -> None:
    """See that an index is searched in the form in which it was built."""
    assert Manifest.load(index).plan.bm25_normalization == normalization
    composed, apart = of_form(index, "composed"), of_form(index, "apart")
    assert composed and apart
    everywhere = composed | apart
    as_built = [composed, apart, set[str]()]
    assert found(index) == ([everywhere] * 3 if normalization == "nfkc" else as_built)


@pytest.mark.slow
@pytest.mark.parametrize("normalization", ["nfkc", "none"])
def test_every_change_keeps_the_normalization(
    make: Make, tmp_path: Path, tiny_reader: Reader, normalization: str
) -> None:
    index = make("a")
    if normalization == "none":
        without_note(index)
    check(index, normalization)
    more = corpus_of(tmp_path / "more.jsonl", "more", 3)
    add_passages(index, more, tiny_reader, AddConfig(workers=1))
    check(index, normalization)
    delete_passages(index, ["a-composed-0", "a-apart-1"])
    check(index, normalization)
    compact_index(index)
    check(index, normalization)
    partitions = split_index(index, tmp_path / "partitions", 2)
    for partition in partitions:
        check(partition, normalization)
    merge_indexes(partitions, tmp_path / "merged")
    check(tmp_path / "merged", normalization)
    assert found(tmp_path / "merged") == found(index)


@pytest.mark.slow
def test_indexes_merged_from_two_normalizations_are_indexed_anew(
    make: Make, tmp_path: Path
) -> None:
    one, other = make("a"), make("b")
    without_note(one)
    merge_indexes([one, other], tmp_path / "merged")
    check(tmp_path / "merged", "nfkc")


def test_stored_texts_stay_as_they_were(make: Make) -> None:
    with PassageIndex(make("a")) as index:
        texts = {index.passage(ordinal).text for ordinal in index.ordinals().tolist()}
        assert {text for text in texts if text.endswith("number 0.")} == {
            f"{text} number 0." for text in TEXTS.values()
        }
