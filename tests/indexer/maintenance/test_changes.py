"""Adding, deleting, compacting: at every step the index is one built afresh of what it holds."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from preread.data import Passage, PrereadError
from preread.indexer import (
    AddConfig,
    IndexConfig,
    IndexMismatchError,
    PassageIndex,
    add_passages,
    build_index,
    change_reader,
    compact_index,
    delete_passages,
    verify_index,
)
from preread.reader import Reader

WORDS = ("river", "volcano", "Japan", "Etna", "capital", "mountain", "Sicily", "town", "night")
QUERIES = ("river volcano", "capital of Japan", "Etna Sicily mountain", "night")
CONFIG = IndexConfig(passages_per_shard=4, workers=1)


def write_corpus(path: Path, passages: Sequence[Passage]) -> Path:
    """Passages as a JSONL file."""
    records = [{"id": p.passage_id, "title": p.title, "text": p.text} for p in passages]
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return path


def make_passage(number: int, words: Sequence[str]) -> Passage:
    """A passage; equal words give equal BM25 scores, and long ones several windows."""
    return Passage(f"p{number}", " ".join(words), "Title" if number % 3 else "")


def holds(index: PassageIndex) -> list[Passage]:
    """All passages, in order."""
    return [index.passage(ordinal) for ordinal in index.ordinals().tolist()]


def found(index: PassageIndex, query: str) -> list[tuple[str, float]]:
    """Identifiers and scores that BM25 gives."""
    return [(index.passage(h.ordinal).passage_id, h.score) for h in index.bm25.search(query, 50)]


def assert_same_index(changed: Path, passages: Sequence[Passage], reader: Reader) -> None:
    """Compare an index with one built afresh: passages, hits, scores, states, look-ups."""
    with TemporaryDirectory() as folder:
        corpus = write_corpus(Path(folder) / "corpus.jsonl", passages)
        build_index(corpus, Path(folder) / "index", reader, CONFIG)
        with PassageIndex(changed) as index, PassageIndex(Path(folder) / "index") as fresh:
            assert holds(index) == list(passages)
            assert len(index) == len(fresh)
            for query in QUERIES:
                assert found(index, query) == found(fresh, query)
            ours = index.fetch(index.ordinals().tolist())
            theirs = fresh.fetch(range(len(fresh)))
            assert ours.windows == theirs.windows
            assert torch.equal(ours.token_ids.rows, theirs.token_ids.rows)
            # States computed in other batches: float16 rounds what differs in the last bit.
            torch.testing.assert_close(ours.codes, theirs.codes, rtol=1e-3, atol=1e-3)
            for passage in passages:
                (ordinal,) = index.find(passage.passage_id)
                assert index.passage(ordinal) == passage
                assert ordinal in index.find_text(passage.text)


class Changes(RuleBasedStateMachine):
    """Random sequences of changes, beside a list of what should be there."""

    reader: Reader

    @initialize(
        texts=st.lists(st.lists(st.sampled_from(WORDS), min_size=1), min_size=3, max_size=9)
    )
    def build(self, texts: list[list[str]]) -> None:
        self.folder = TemporaryDirectory()
        self.index = Path(self.folder.name) / "index"
        self.passages = [make_passage(n, words) for n, words in enumerate(texts)]
        self.n_made = len(texts)
        corpus = write_corpus(Path(self.folder.name) / "corpus.jsonl", self.passages)
        build_index(corpus, self.index, self.reader, CONFIG)
        self.old = PassageIndex(self.index)
        self.old_passages = list(self.passages)

    @rule(texts=st.lists(st.lists(st.sampled_from(WORDS), min_size=1), min_size=1, max_size=6))
    def add(self, texts: list[list[str]]) -> None:
        new = [make_passage(self.n_made + n, words) for n, words in enumerate(texts)]
        self.n_made += len(new)
        corpus = write_corpus(Path(self.folder.name) / "more.jsonl", new)
        add_passages(self.index, corpus, self.reader, AddConfig(workers=1))
        self.passages += new

    @rule(data=st.data(), words=st.lists(st.sampled_from(WORDS), min_size=1))
    def replace(self, data: st.DataObject, words: list[str]) -> None:
        old = data.draw(st.sampled_from(self.passages))
        new = Passage(old.passage_id, " ".join(words), old.title)
        corpus = write_corpus(Path(self.folder.name) / "more.jsonl", [new])
        add_passages(self.index, corpus, self.reader, AddConfig(workers=1, replace=True))
        self.passages.remove(old)
        self.passages.append(new)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if len(self.passages) < 2:
            return
        some = data.draw(
            st.lists(
                st.sampled_from(self.passages),
                min_size=1,
                max_size=len(self.passages) - 1,
                unique=True,
            )
        )
        _, n_deleted = delete_passages(self.index, [p.passage_id for p in some])
        assert n_deleted == len(some)
        self.passages = [p for p in self.passages if p not in some]

    @rule()
    def compact(self) -> None:
        compact_index(self.index)
        again = compact_index(self.index)
        assert again.deleted is None and len(again.lookups) == 1

    @rule()
    def open_anew(self) -> None:
        self.old.close()
        self.old = PassageIndex(self.index)
        self.old_passages = list(self.passages)

    @invariant()
    def is_an_index_of_what_it_holds(self) -> None:
        assert_same_index(self.index, self.passages, self.reader)
        assert verify_index(self.index) == []

    @invariant()
    def who_had_it_open_sees_what_was_opened(self) -> None:
        assert holds(self.old) == self.old_passages
        self.old.fetch(self.old.ordinals().tolist())
        for query in QUERIES:
            assert {name for name, _ in found(self.old, query)} <= {
                p.passage_id for p in self.old_passages
            }

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.old.close()
            self.folder.cleanup()


@pytest.mark.slow
def test_any_sequence_of_changes_gives_the_index_built_afresh(tiny_reader: Reader) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    Changes.reader = tiny_reader
    phases = (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking would take minutes
    n_examples = max(1, settings().max_examples // 10)
    limits = settings(max_examples=n_examples, stateful_step_count=6, phases=phases)
    run_state_machine_as_test(Changes, settings=limits)


@pytest.fixture
def index(tiny_reader: Reader, tmp_path: Path) -> Path:
    """An index of six passages."""
    passages = [make_passage(n, WORDS[n : n + 3]) for n in range(6)]
    corpus = write_corpus(tmp_path / "corpus.jsonl", passages)
    build_index(corpus, tmp_path / "index", tiny_reader, CONFIG)
    return tmp_path / "index"


def test_known_identifiers_are_refused_before_anything_is_added(
    index: Path, tiny_reader: Reader, tmp_path: Path
) -> None:
    more = write_corpus(tmp_path / "more.jsonl", [Passage("p1", "again"), Passage("new", "new")])
    with pytest.raises(PrereadError, match=r"1 of the passages are in the index already: 'p1'"):
        add_passages(index, more, tiny_reader, AddConfig(workers=1))
    with PassageIndex(index) as opened:
        assert len(opened) == 6 and not opened.find("new")
    again = write_corpus(tmp_path / "again.jsonl", [make_passage(n, WORDS[:3]) for n in range(5)])
    with pytest.raises(PrereadError, match=r"5 of the passages .*'p0', 'p1', 'p2' …\. Nothing"):
        add_passages(index, again, tiny_reader, AddConfig(workers=1))


def test_unknown_identifiers_are_refused_before_anything_is_deleted(index: Path) -> None:
    with pytest.raises(PrereadError, match="holds no passage 'nobody'"):
        delete_passages(index, ["p1", "nobody"])
    with PassageIndex(index) as opened:
        assert len(opened) == 6


def test_last_passage_stays(index: Path) -> None:
    with pytest.raises(PrereadError, match="no passage would be left"):
        delete_passages(index, [f"p{n}" for n in range(6)])


def test_deleted_passage_is_gone_from_everywhere(index: Path) -> None:
    delete_passages(index, ["p2"])
    with PassageIndex(index) as opened:
        assert not opened.find("p2")
        with pytest.raises(IndexError):
            opened.passage(2)
        with pytest.raises(IndexError):
            opened.fetch([2])


def test_files_of_a_reader_stay_until_it_is_closed(index: Path) -> None:
    old = PassageIndex(index)
    delete_passages(index, ["p0", "p4"])
    compact_index(index)
    assert old.passage(0).passage_id == "p0" and old.bm25.search("river", 9)
    before = {f.name for f in index.rglob("*.h5")}
    old.close()
    compact_index(index)
    after = {f.name for f in index.rglob("*.h5")}
    assert "shard-00000.h5" in before and "shard-00000.h5" not in after
    assert verify_index(index) == []


def test_only_one_process_changes_an_index(index: Path) -> None:
    from preread.indexer.storage.snapshots import sole_writer

    with sole_writer(index), pytest.raises(PrereadError, match="another process is changing"):
        delete_passages(index, ["p1"])


def test_addition_that_stopped_goes_on_and_keeps_its_shards(
    index: Path, tiny_reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from preread.indexer.builder import extend

    new = [Passage(f"n{i}", f"night river number {i}") for i in range(9)]
    more = write_corpus(tmp_path / "more.jsonl", new)

    class Stop(Exception):
        pass

    def stop(*args: object, **kwargs: object) -> None:
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(extend, "build_bm25", stop)
        with pytest.raises(Stop):
            add_passages(index, more, tiny_reader, AddConfig(workers=1))
    with PassageIndex(index) as opened:
        assert len(opened) == 6
    written = {f.name: f.stat().st_mtime_ns for f in index.glob("states/*.h5")}
    add_passages(index, more, tiny_reader, AddConfig(workers=1), resume=True)
    assert {f.name: f.stat().st_mtime_ns for f in index.glob("states/*.h5")} == written
    with PassageIndex(index) as opened:
        assert len(opened) == 15 and opened.find("n8")
    assert verify_index(index) == []


def test_resuming_where_nothing_was_begun_takes_nothing_over(
    index: Path, tiny_reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from preread.indexer.maintenance import delete as deletion

    def stop(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(deletion, "publish", stop)
        with pytest.raises(KeyboardInterrupt):
            delete_passages(index, ["p1", "p2"])  # leaves a BM25 index without them
    more = write_corpus(tmp_path / "more.jsonl", [Passage("new", "new river")])
    add_passages(index, more, tiny_reader, AddConfig(workers=1), resume=True)
    with PassageIndex(index) as opened:
        assert {"p1", "p2", "new"} <= {name for q in QUERIES for name, _ in found(opened, q)}
    assert verify_index(index) == []


def test_other_addition_is_not_resumed_but_discards(
    index: Path, tiny_reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from preread.indexer import IndexMismatchError
    from preread.indexer.builder import extend

    one = write_corpus(tmp_path / "one.jsonl", [Passage("one", "one river")])
    two = write_corpus(tmp_path / "two.jsonl", [Passage("two", "two rivers")])

    def stop(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(extend, "build_bm25", stop)
        with pytest.raises(KeyboardInterrupt):
            add_passages(index, one, tiny_reader)
    with pytest.raises(IndexMismatchError, match="add without --resume"):
        add_passages(index, two, tiny_reader, resume=True)
    add_passages(index, two, tiny_reader)
    with PassageIndex(index) as opened:
        assert opened.find("two") and not opened.find("one")
    assert verify_index(index) == []


def test_another_reader_of_the_same_lower_layers_takes_an_index_over(
    tiny_reader: Reader, tiny_reader_path: Path, tmp_path: Path
) -> None:
    corpus = write_corpus(tmp_path / "c.jsonl", [make_passage(n, WORDS) for n in range(5)])
    index = tmp_path / "index"
    first = build_index(corpus, index, tiny_reader, CONFIG)[0]
    before = {p: p.read_bytes() for p in index.rglob("*.h5")}
    trained = Reader.load(str(tiny_reader_path))
    with torch.no_grad():
        trained.model.head.weight.add_(1)
    changed = change_reader(index, trained)
    assert (changed.plan.reader, changed.generation) == (str(tiny_reader_path), 1)
    assert before and all(p.read_bytes() == data for p, data in before.items())
    assert change_reader(index, trained).generation == 1  # it is that reader's already
    assert not verify_index(index)
    with torch.no_grad():
        trained.model.embedder.word.weight.add_(1)
    stranger = Reader(trained.model, trained.tokenizer, name="stranger")
    with pytest.raises(IndexMismatchError, match="the reader is 'stranger'"):
        change_reader(index, stranger)
    assert PassageIndex(index).manifest.plan.fingerprint == first.plan.fingerprint
