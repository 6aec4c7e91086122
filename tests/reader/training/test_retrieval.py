"""Training a retrieval head: what it learns from a sentence encoder, and how it goes on."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from preread.data import OpenDomainExample, Passage, PrereadError, write_open_domain_examples
from preread.indexer.dense import SentenceEncoder
from preread.reader import Reader
from preread.reader.retrieval.files import load_head
from preread.reader.training.retrieval.batches import HeadFeature, Processes, load_batches
from preread.reader.training.retrieval.objective import similarity_loss
from preread.reader.training.retrieval.recipe import HeadRecipe, HeadSource
from preread.reader.training.retrieval.run import train_head

WORDS = ("river", "bridge", "town", "church", "castle", "harbour", "mountain", "forest")


def passage_about(word: str) -> Passage:
    """A passage of three like sentences."""
    return Passage(word, f"the {word} is old and the {word} is near the sea " * 3, word)


@pytest.fixture
def mined(tmp_path: Path) -> Path:
    """Eight questions, each with a passage and two others."""
    passages = [passage_about(word) for word in WORDS]
    examples = [
        OpenDomainExample(
            str(n), f"where is the {word}?", (word,), passages[n], word, 4, (passages[n - 1],) * 2
        )
        for n, word in enumerate(WORDS)
    ]
    write_open_domain_examples(tmp_path / "mined.jsonl", examples, compress=False)
    return tmp_path


@pytest.fixture
def recipe(tiny_reader_path: Path, tiny_encoder: SentenceEncoder) -> HeadRecipe:
    """A head of one layer, trained for many steps on few questions."""
    return HeadRecipe(
        reader=str(tiny_reader_path),
        encoder=tiny_encoder.name,
        sources=(HeadSource(file="mined.jsonl"),),
        width=32,
        negatives=1,
        questions=4,
        epochs=40,
        learning_rate=3e-3,
        save_every=20,
    )


@pytest.mark.slow
def test_a_head_learns_the_similarities_of_its_teacher(
    mined: Path, recipe: HeadRecipe, tiny_encoder: SentenceEncoder
) -> None:
    output = mined / "run"
    path = train_head(recipe, tiny_encoder, data=mined, output=output, device="cpu")
    rows = [line.split(",") for line in (output / "log.csv").read_text().splitlines()]
    column = rows[0].index("similarities")
    first, last = float(rows[1][column]), float(rows[-1][column])
    assert last < 0.3 * first
    reader = Reader.load(recipe.reader)
    head = load_head(path, reader)
    passages = [passage_about(word) for word in WORDS]
    texts, titles = [p.text for p in passages], [p.title for p in passages]
    windows = reader.encoder.encode_passages(texts, titles)
    owners = [n for n, some in enumerate(windows) for _ in some]
    found = head(reader.window_states([w for some in windows for w in some]), owners)
    wanted = torch.from_numpy(tiny_encoder.encode_passages(passages))
    assert float((found * wanted).sum(1).mean()) > 0.8
    again = train_head(recipe, tiny_encoder, data=mined, output=output, device="cpu", resume=True)
    assert again == path
    with pytest.raises(PrereadError, match="expected no training run, found one"):
        train_head(recipe, tiny_encoder, data=mined, output=output, device="cpu")


@pytest.mark.slow
def test_a_stopped_run_ends_with_the_same_head(
    mined: Path, recipe: HeadRecipe, tiny_encoder: SentenceEncoder
) -> None:
    short = replace(recipe, epochs=20)
    whole = train_head(short, tiny_encoder, data=mined, output=mined / "whole", device="cpu")
    shutil.copytree(mined / "whole", mined / "stopped")
    shutil.rmtree(mined / "stopped" / "checkpoint-40")
    (mined / "stopped" / "retrieval.safetensors").unlink()
    resumed = train_head(
        short, tiny_encoder, data=mined, output=mined / "stopped", device="cpu", resume=True
    )
    assert resumed.read_bytes() == whole.read_bytes()


def test_each_text_is_encoded_once_and_kept(
    mined: Path,
    recipe: HeadRecipe,
    tiny_encoder: SentenceEncoder,
    tiny_reader: Reader,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    where = mined, mined / "work", tiny_reader.encoder, tiny_encoder
    batches = load_batches(recipe, *where)
    assert len(batches) == 80 and len(batches.features) == 320
    for feature in batches.features[:8]:
        wanted = tiny_encoder.encode_passages(feature.passages)
        torch.testing.assert_close(
            torch.from_numpy(feature.passage_vectors.astype("f4")),
            torch.from_numpy(wanted),
            rtol=0,
            atol=2e-3,
        )

    def fail(*_: object) -> None:
        raise AssertionError("a text was encoded again")

    monkeypatch.setattr(SentenceEncoder, "_encode", fail)
    assert len(load_batches(recipe, *where)) == 80


def test_processes_share_the_work_of_encoding(
    mined: Path, recipe: HeadRecipe, tiny_encoder: SentenceEncoder, tiny_reader: Reader
) -> None:
    def load(work: Path, processes: Processes) -> list[HeadFeature]:
        where = mined, work, tiny_reader.encoder, tiny_encoder
        return list(load_batches(recipe, *where, processes=processes).features)

    alone, shared = mined / "alone", mined / "shared"
    whole = load(alone, Processes())
    others_are_done = []

    def until_the_other_is_done() -> None:
        others_are_done.append(len(list(shared.iterdir())))
        load(shared, Processes(1, 2))

    assert [one.question for one in load(shared, Processes(0, 2, until_the_other_is_done))] == [
        one.question for one in whole
    ]
    names = sorted(file.name for file in alone.iterdir())
    assert others_are_done == [(len(names) + 1) // 2] and len(names) > 1
    assert sorted(file.name for file in shared.iterdir()) == names
    assert all((shared / name).read_bytes() == (alone / name).read_bytes() for name in names)


def test_questions_alone_meet_passages_of_the_corpus(
    mined: Path, recipe: HeadRecipe, tiny_encoder: SentenceEncoder, tiny_reader: Reader
) -> None:
    asked = [json.dumps({"question": f"who built the {word}?", "answer": ["me"]}) for word in WORDS]
    (mined / "asked.jsonl").write_text("\n".join(asked))
    others = [passage_about(f"old {word}") for word in WORDS]
    lines = [json.dumps({"id": p.passage_id, "text": p.text, "title": p.title}) for p in others]
    (mined / "corpus.jsonl").write_text("\n".join(lines))
    more = replace(
        recipe,
        question_lists=(HeadSource(file="asked.jsonl"),),
        corpus="corpus.jsonl",
        corpus_passages=2,
        epochs=2,
    )
    batches = load_batches(more, mined, mined / "work", tiny_reader.encoder, tiny_encoder)
    assert len(batches.features) == 2 * 16 and len(batches) == 8
    alone = [f for f in batches.features if f.question.startswith("who")]
    assert sorted(len(f.passages) for f in batches.features) == [2] * 16 + [4] * 16
    assert {len(f.passages) for f in alone} == {2}
    used = Counter(p.passage_id for f in batches.features for p in f.passages[-2:])
    assert used == {passage.passage_id: 8 for passage in others}
    batch = batches[0]
    assert batch.question_vectors.shape == (4, 32)
    assert len(batch.passage_vectors) == max(batch.owners) + 1


def test_the_loss_is_zero_where_similarities_agree() -> None:
    torch.manual_seed(0)
    q, p = (torch.nn.functional.normalize(torch.randn(n, 8)) for n in (3, 5))
    turn = torch.linalg.qr(torch.randn(8, 8))[0]
    assert float(similarity_loss(q @ turn, p @ turn, q, p, 0.05)) == pytest.approx(0, abs=1e-5)
    mine, theirs = (q @ p.T / 0.05), (q.flip(1) @ p.T / 0.05)
    by_hand = sum(
        float((b.softmax(1) * (b.log_softmax(1) - a.log_softmax(1))).sum(1).mean())
        for a, b in ((mine, theirs), (mine.T, theirs.T))
    )
    found = float(similarity_loss(q, p, q.flip(1), p, 0.05))
    assert found == pytest.approx(by_hand / 2, rel=1e-4)


def test_layers_of_other_sizes_are_refused(
    mined: Path, recipe: HeadRecipe, tiny_encoder: SentenceEncoder, minilm_path: Path
) -> None:
    other = replace(recipe, layers_from=str(minilm_path))
    with pytest.raises(PrereadError, match="1 layers of the reader's sizes"):
        train_head(other, tiny_encoder, data=mined, output=mined / "run", device="cpu")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("temperature = 0.0", "temperature: expected a number greater than 0"),
        ("layers = 2", "layers: expected no field of this name"),
        ("sources = []", "sources: expected 1 items, found 0"),
        ('corpus = "c"', "expected corpus and corpus_passages, or neither"),
        ('question_lists = [{file = "q"}]', "question_lists: expected a corpus"),
    ],
)
def test_bad_recipes_are_refused(change: str, message: str, tmp_path: Path) -> None:
    sources = "" if "sources" in change else 'sources = [{file = "x"}]'
    path = tmp_path / "recipe.toml"
    path.write_text(f'reader = "r"\nencoder = "e"\n{sources}\n{change}\n')
    with pytest.raises(PrereadError, match=message):
        HeadRecipe.load(path)
