"""The models of pair tasks against Hugging Face's, and against themselves in other shapes.

Tolerance as in `test_parity`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from preread.data import PrereadError
from preread.reader import (
    DeformerForMultipleChoice,
    DeformerForQuestionAnswering,
    DeformerForSequenceClassification,
    Packed,
    Segment,
)
from preread.reader.modeling.families import FAMILIES
from preread.reader.pairs.models import PairModel
from safetensors.torch import load_file, save_file
from torch.nn.functional import pad
from transformers import (
    AutoModelForMultipleChoice,
    AutoModelForSequenceClassification,
    BertModel,
    PreTrainedModel,
)

MakeVanilla = Callable[..., PreTrainedModel]
TOLERANCE: dict[str, Any] = {"rtol": 2e-5, "atol": 2e-5}
WINDOWS: dict[str, Any] = {"window_length": 48, "window_stride": 24, "max_title_length": 8}
FIRSTS = [[10, 61, 62, 63, 11], [10, 64, 11], [10, 65, 66, 11]]
SECONDS = [[71, 72, 73, 74, 75, 11], [37, 11], [*range(20, 60), 11]]
LABELS = {0: "entailment", 1: "neutral", 2: "contradiction"}


def classifier(make: MakeVanilla, family: str) -> Any:
    """A random ordinary classifier of three labels."""
    config = make(family).config
    config.id2label = LABELS
    torch.manual_seed(1)
    return AutoModelForSequenceClassification.from_config(config).eval()


def split(vanilla: PreTrainedModel, k: int, path: Path, **changes: Any) -> PairModel:
    """The same weights, split at ``k``, through files."""
    vanilla.save_pretrained(path)
    is_choice = "MultipleChoice" in type(vanilla).__name__
    model = DeformerForMultipleChoice if is_choice else DeformerForSequenceClassification
    return model.from_pretrained(path, num_lower_layers=k, **WINDOWS, **changes)


def inputs(vanilla: PreTrainedModel, first: list[int], second: list[int]) -> dict[str, Any]:
    """A pair in DeFormer's layout, as Hugging Face's models take it."""
    if vanilla.config.model_type == "xlnet":
        return {
            "input_ids": torch.tensor([second + first]),
            "token_type_ids": torch.tensor([[0] * len(second) + [1] * len(first)]),
            "use_mems": False,
        }
    after_padding = vanilla.config.model_type in ("roberta", "xlm-roberta", "mpnet")
    begin = vanilla.config.pad_token_id + 1 if after_padding else 0
    fields: dict[str, Any] = {
        "input_ids": torch.tensor([first + second]),
        "position_ids": torch.tensor([[*range(len(first)), *range(len(second))]]) + begin,
    }
    n_types = getattr(vanilla.config, "type_vocab_size", 0)
    if n_types:
        sides = [[0] * len(first) + [n_types - 1] * len(second)]
        fields["token_type_ids"] = torch.tensor(sides)
    return fields


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_classifier_split_at_zero_equals_the_vanilla_one(
    family: str, make_vanilla: MakeVanilla, tmp_path: Path
) -> None:
    vanilla = classifier(make_vanilla, family)
    pairs = zip(FIRSTS, SECONDS, strict=True)
    expected = [vanilla(**inputs(vanilla, a, b)).logits for a, b in pairs]
    model = split(vanilla, 0, tmp_path)
    found = model(Packed.from_lists(FIRSTS), Packed.from_lists(SECONDS))
    assert model.config.id2label == LABELS
    torch.testing.assert_close(found.logits, torch.cat(expected), **TOLERANCE)


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_choice_split_at_zero_equals_the_vanilla_one(
    family: str, make_vanilla: MakeVanilla, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    vanilla = AutoModelForMultipleChoice.from_config(make_vanilla(family).config).eval()
    if family == "xlnet":  # it takes no ``use_mems`` here, and asks its configuration
        vanilla.config.use_mems_eval = False
    model = split(vanilla, 0, tmp_path)
    # Choices of one length: Hugging Face's model pads, ours does not.
    for passage in SECONDS:
        asked = [[*FIRSTS[0][:3], choice, FIRSTS[0][-1]] for choice in (80, 81, 82, 83)]
        each = [inputs(vanilla, question, passage) for question in asked]
        together = {
            name: torch.stack([one[name] for one in each], 1)
            for name, value in each[0].items()
            if isinstance(value, torch.Tensor)
        }
        if family == "distilbert":  # Hugging Face's model lays out ids alone choice by choice
            together["position_ids"] = together["position_ids"][0]
        expected = vanilla(**together).logits
        pairs = [(number, 0) for number in range(4)]
        found = model(Packed.from_lists(asked), Packed.from_lists([passage]), pairs)
        assert found.logits.shape == (4,)
        torch.testing.assert_close(found.logits, expected[0], **TOLERANCE)


def padded(texts: list[list[int]], length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids in slots of one length, and where they are real."""
    ids = torch.stack([pad(torch.tensor(text), (0, length - len(text))) for text in texts])
    counts = torch.tensor([len(text) for text in texts])
    return ids, torch.arange(length) < counts[:, None]


@pytest.mark.parametrize("k", range(4))
@torch.no_grad()
def test_packed_pairs_equal_padded_slots_through_the_vanilla_layers(
    k: int, make_vanilla: MakeVanilla, tmp_path: Path
) -> None:
    """Every split equals Hugging Face's layers, run over slots of padded texts as in the paper."""
    vanilla = classifier(make_vanilla, "bert")
    layers = vanilla.bert.encoder.layer
    parts, masks = [], []
    for kind, (texts, slot) in enumerate(((FIRSTS, 9), (SECONDS, 47))):
        ids, is_real = padded(texts, slot)
        hidden = vanilla.bert.embeddings(ids, torch.full_like(ids, kind))
        for layer in layers[:k]:
            hidden = layer(hidden, attention_mask=is_real[:, None, None, :])
        parts.append(hidden)
        masks.append(is_real)
    hidden, mask = torch.cat(parts, 1), torch.cat(masks, 1)
    for layer in layers[k:]:
        hidden = layer(hidden, attention_mask=mask[:, None, None, :])
    expected = vanilla.classifier(vanilla.bert.pooler(hidden))
    found = split(vanilla, k, tmp_path)(Packed.from_lists(FIRSTS), Packed.from_lists(SECONDS))
    torch.testing.assert_close(found.logits, expected, **TOLERANCE)


@pytest.mark.parametrize("segment", Segment)
@pytest.mark.parametrize("family", ["bert", "roberta", "xlnet"])
@torch.no_grad()
def test_stored_states_give_the_logits_of_states_computed_on_the_spot(
    family: str, segment: Segment, make_vanilla: MakeVanilla, tmp_path: Path
) -> None:
    """Of either text, whatever it was encoded with."""
    model = split(classifier(make_vanilla, family), 2, tmp_path)
    texts = {Segment.QUESTION: FIRSTS, Segment.PASSAGE: SECONDS}
    states = {s: model.lower(Packed.from_lists(texts[s]), s) for s in Segment}
    alone = [model.lower(Packed.from_lists([t]), segment).rows for t in texts[segment]]
    states[segment] = Packed(torch.cat(alone), states[segment].lengths)
    pairs = [(1, 2), (0, 0), (1, 0), (2, 1)]
    spot = model(*(Packed.from_lists(texts[s]) for s in Segment), pairs)
    found = model.upper(states[Segment.QUESTION], states[Segment.PASSAGE], pairs)
    torch.testing.assert_close(found.logits, spot.logits, **TOLERANCE)


def test_a_saved_model_is_loaded_whole(make_vanilla: MakeVanilla, tmp_path: Path) -> None:
    model = split(classifier(make_vanilla, "bert"), 2, tmp_path / "ordinary")
    model.config.stored_segment = "first"
    model.save_pretrained(tmp_path / "reader")
    again = DeformerForSequenceClassification.from_pretrained(tmp_path / "reader")
    assert again.config.num_lower_layers == 2 and again.config.id2label == LABELS
    assert again.config.stored_segment == "first" and not again.training
    weights = model.state_dict()
    assert all(torch.equal(weight, weights[name]) for name, weight in again.state_dict().items())


def test_a_damaged_file_is_refused(make_vanilla: MakeVanilla, tmp_path: Path) -> None:
    split(classifier(make_vanilla, "bert"), 2, tmp_path / "a").save_pretrained(tmp_path / "b")
    weights = load_file(tmp_path / "b" / "model.safetensors")
    for lost in ("classifier.weight", "layers.0.expand.weight"):
        rest = {name: weight for name, weight in weights.items() if name != lost}
        save_file(rest, tmp_path / "b" / "model.safetensors", {"format": "pt"})
        with pytest.raises(PrereadError, match=rf"1 weights are missing .* {lost}"):
            DeformerForSequenceClassification.from_pretrained(tmp_path / "b")


@pytest.mark.parametrize("source", ["ordinary", "span", "classifier"])
def test_a_model_of_another_task_gives_its_layers_and_a_new_head(
    source: str, make_vanilla: MakeVanilla, tmp_path: Path
) -> None:
    """An ordinary encoder, a span reader, and a classifier with other labels."""
    vanilla: Any = make_vanilla("bert")
    vanilla.save_pretrained(tmp_path / "ordinary")
    torch.manual_seed(0)
    BertModel(vanilla.config).save_pretrained(tmp_path / "ordinary")
    span = DeformerForQuestionAnswering.from_pretrained(
        tmp_path / "ordinary", num_lower_layers=1, **WINDOWS
    )
    span.save_pretrained(tmp_path / "span")
    split(classifier(make_vanilla, "bert"), 1, tmp_path / "c").save_pretrained(
        tmp_path / "classifier"
    )
    model = DeformerForSequenceClassification.from_pretrained(
        tmp_path / source, num_lower_layers=2, id2label={0: "false", 1: "true"}, **WINDOWS
    )
    assert model.config.num_lower_layers == 2 and model.classifier.weight.shape == (2, 32)
    assert model.config.id2label == {0: "false", 1: "true"}
    if source == "span":
        kept = span.state_dict()
        same = [torch.equal(w, kept[n]) for n, w in model.state_dict().items() if n in kept]
        assert len(same) == len(kept) - 2 and all(same)


def test_texts_without_pairs_must_be_as_many(make_vanilla: MakeVanilla, tmp_path: Path) -> None:
    model = split(classifier(make_vanilla, "bert"), 1, tmp_path)
    with pytest.raises(ValueError, match="pairs: required to read 3 first texts with 1 second"):
        model(Packed.from_lists(FIRSTS), Packed.from_lists(SECONDS[:1]))


def test_stored_segment_is_checked(make_vanilla: MakeVanilla, tmp_path: Path) -> None:
    with pytest.raises(PrereadError, match="expected first or second, found 'third'"):
        split(classifier(make_vanilla, "bert"), 1, tmp_path, stored_segment="third")
