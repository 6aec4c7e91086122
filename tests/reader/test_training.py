"""Training: features, batches, the loss, and a whole run on a handful of examples."""

import csv
import json
import math
from pathlib import Path

import pytest
import torch
from preread.data import PrereadError, ReadingExample
from preread.reader import Packed, Reader
from preread.reader.losses import span_loss
from preread.reader.training.batches import collate, make_batches
from preread.reader.training.features import make_features, token_range
from preread.reader.training.recipe import Recipe
from preread.reader.training.run import train
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

CONTEXT = "Etna is a volcano on Sicily. It erupted in 2021 and in 2022."


def example(question: str, answer: str, **changes: object) -> ReadingExample:
    """An example over `CONTEXT`."""
    fields: dict[str, object] = {
        "example_id": question,
        "question": question,
        "context": CONTEXT,
        "answers": (answer,),
        "answer_starts": (CONTEXT.index(answer),),
        **changes,
    }
    return ReadingExample(**fields)  # type: ignore[arg-type]


def test_span_loss_equals_the_value_worked_out_by_hand() -> None:
    # Two windows of 2 and 3 rows; the last row of each is no text.
    is_text = torch.tensor([True, False, True, True, False])
    start = torch.tensor([5.0, 9.0, math.log(3.0), 0.0, 9.0])
    end = torch.tensor([-1.0, 9.0, 0.0, math.log(7.0), 9.0])
    loss = span_loss(start, end, is_text, [2, 3], torch.tensor([0, 0]), torch.tensor([0, 1]))
    # Window 0 has one choice (CE 0). Window 1: start 3/(3+1), end 7/(7+1). Means over two windows.
    expected = (-math.log(3 / 4) / 2 - math.log(7 / 8) / 2) / 2
    assert loss.item() == pytest.approx(expected, abs=1e-6)


def test_padding_and_prefix_get_no_gradient() -> None:
    is_text = torch.tensor([False, True, True, False])
    start = torch.zeros(4, requires_grad=True)
    span_loss(start, torch.zeros(4), is_text, [4], torch.tensor([1]), torch.tensor([2])).backward()
    assert start.grad is not None
    assert start.grad[~is_text].abs().sum() == 0 and start.grad[is_text].abs().sum() > 0


def test_answers_are_found_in_tokens() -> None:
    offsets = [(0, 4), (5, 7), (8, 9), (10, 17)]
    assert token_range(offsets, 5, 9) == (1, 2)
    assert token_range(offsets, 6, 11) == (1, 3)  # tokens that are only partly covered count
    assert token_range(offsets, 4, 5) is None


def test_questions_of_one_window_share_a_feature(tiny_reader: Reader) -> None:
    examples = [example("where?", "Sicily"), example("when?", "2021"), example("again?", "2022")]
    features = make_features(examples, tiny_reader.encoder, questions_per_window=2)
    assert [len(f.spans) for f in features] == [2, 1]
    for feature, answers in zip(features, (["sicily", "2021"], ["2022"]), strict=True):
        for span, answer in zip(feature.spans, answers, strict=True):
            ids = list(feature.window.token_ids[span.start : span.end + 1])
            assert tiny_reader.tokenizer.decode(ids).replace(" ", "") == answer


def test_title_shifts_the_span(tiny_reader: Reader) -> None:
    (feature,) = make_features([example("where?", "Sicily", title="Mount Etna")],
                               tiny_reader.encoder, 8)  # fmt: skip
    ids = feature.window.token_ids[feature.spans[0].start : feature.spans[0].end + 1]
    assert tiny_reader.tokenizer.decode(list(ids)) == "sicily"


def test_examples_that_cannot_be_learned_are_left_out_and_counted(
    tiny_reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    examples = [
        example("impossible?", "Sicily", is_impossible=True),
        example("several?", "Sicily", multi_span=True),
        example("none?", "Sicily", answers=(), answer_starts=()),
        example("fine?", "Sicily"),
    ]
    features = make_features(examples, tiny_reader.encoder, 8)
    assert sum(len(f.spans) for f in features) == 1
    assert "3 examples left out" in caplog.text


def test_answer_in_a_long_text_gets_the_window_that_shows_most_around_it(
    tiny_reader: Reader,
) -> None:
    context = " ".join(f"{i}" for i in range(100))
    start = context.index("50")
    long = ReadingExample("1", "which?", context, ("50",), (start,))
    (feature,) = make_features([long], tiny_reader.encoder, 8)
    first = feature.window.first_token
    assert first <= 40 and first + feature.window.n_text >= 60


def test_batches_hold_every_feature_once_and_keep_their_size(tiny_reader: Reader) -> None:
    texts = [CONTEXT + " more" * i for i in range(20)]
    examples = [ReadingExample(t, "where?", t, ("Sicily",), (t.index("Sicily"),)) for t in texts]
    features = make_features(examples, tiny_reader.encoder, 8)
    batches = make_batches(features, 120, seed=3)
    assert sorted(n for batch in batches for n in batch) == list(range(len(features)))
    assert all(sum(features[n].cost() for n in b) <= 120 or len(b) == 1 for b in batches)
    assert batches == make_batches(features, 120, seed=3)
    assert batches != make_batches(features, 120, seed=4)


def test_collated_batch_fits_the_model(tiny_reader: Reader) -> None:
    examples = [example("where?", "Sicily", title="Etna"), example("when?", "2021", title="Etna")]
    features = make_features(examples, tiny_reader.encoder, 8)
    batch = collate(features)
    out = tiny_reader.model(**batch)
    assert isinstance(batch["questions"], Packed) and len(batch["pairs"]) == 2
    assert out.start.shape == batch["is_text"].shape
    assert torch.isfinite(out.loss)


@pytest.fixture
def base(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> Path:
    """An ordinary random BERT with a tokenizer."""
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        initializer_range=0.2,
    )
    BertModel(config).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def test_a_run_learns_its_examples_and_saves_a_reader(base: Path, tmp_path: Path) -> None:
    pairs = [("where is it?", "Sicily"), ("what is it?", "volcano"), ("when first?", "2021")]
    records = [
        {"id": q, "title": "Etna", "question": q, "context": CONTEXT, "answers": [a]}
        | {"answer_starts": [CONTEXT.index(a)]}
        for q, a in pairs
    ]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    source = '[[stages.sources]]\nfile = "train.jsonl"\ntitles = true\n'
    recipe = "num_lower_layers = 1\nlearning_rate = 0.003\ndropout = 0.0\nmax_rows = 10\n"
    (tmp_path / "recipe.toml").write_text(recipe + ("[[stages]]\n" + source) * 100)
    output = tmp_path / "out"
    train(Recipe.load(tmp_path / "recipe.toml"), base=str(base), data=tmp_path, output=output)
    with (output / "log.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < 0.5 * losses[0]
    reader = Reader.load(str(output / "reader"))
    assert reader.config.num_lower_layers == 1
    (windows,) = reader.encoder.encode_passages([CONTEXT], ["Etna"])
    for question, answer in pairs:
        states = reader.window_states(windows)
        from preread.reader.spans import window_table

        table = window_table([(len(w.token_ids), w.n_prefix, w.first_token, 0) for w in windows])
        (span,) = reader.read(reader.question_states(question), states, table, n_best=1)
        start, end = reader.encoder.token_map(CONTEXT).char_span(span.first_token, span.last_token)
        assert CONTEXT[start:end] == answer


@pytest.mark.parametrize(
    ("text", "message"),
    [("num_lower_layers = ", "not a recipe"), ("num_lower_layers = 1", "stages"),
     ("num_lower_layers = 1\nspeed = 9\nstages = []", "speed")],
)  # fmt: skip
def test_bad_recipe_is_a_clear_error(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(PrereadError, match=message):
        Recipe.load(tmp_path / "recipe.toml")


def test_shipped_recipe_loads() -> None:
    from importlib.resources import files

    recipe = Path(str(files("preread.reader.training"))) / "recipes" / "minilm-l6-first.toml"
    assert Recipe.load(recipe).num_lower_layers == 4
