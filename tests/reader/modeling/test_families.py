"""Every family against Hugging Face's model of it, layer by layer, and its text's layout.

Tolerance as in `test_parity`.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from preread.data import PrereadError, read_corpus
from preread.data.sample import sample_corpus_path
from preread.reader import (
    DeformerConfig,
    DeformerForQuestionAnswering,
    Packed,
    Precision,
    Reader,
    Segment,
    TextEncoder,
)
from preread.reader.codecs import CodecName, learn_codec, sample_states
from preread.reader.inference.runtimes import FusedUpper, PlainUpper, load_runtime
from preread.reader.modeling.attention import DistanceBias, attend_by_segment, attend_padded
from preread.reader.modeling.families import FAMILIES
from preread.reader.modeling.fingerprint import fingerprint
from preread.reader.modeling.relative_attention import RelativeAttention
from preread.reader.modeling.weight_names import from_hugging_face, is_lower, to_hugging_face
from tokenizers import Tokenizer
from torch.nn.functional import one_hot
from transformers import AutoTokenizer, GPT2Config

MakeVanilla = Callable[..., Any]
MakeCheckpoint = Callable[[str], Path]
TOLERANCE: dict[str, Any] = {"rtol": 2e-5, "atol": 2e-5}
WINDOWS: dict[str, Any] = {"window_length": 48, "window_stride": 24, "max_title_length": 8}
QUESTION = [10, 61, 62, 63, 11]
PASSAGES = [[71, 72, 73, 74, 75, 11], [37, 11], [*range(20, 60), 11]]
NEW = ("roberta", "electra", "distilbert", "mpnet", "xlnet")


def split(vanilla: Any, k: int, path: Path) -> DeformerForQuestionAnswering:
    """The same weights, split at ``k``, through files."""
    vanilla.save_pretrained(path)
    model = DeformerForQuestionAnswering.from_pretrained(path, num_lower_layers=k, **WINDOWS)
    return model.eval()


def first_position(vanilla: Any) -> int:
    """Row of a segment's first token in the table of positions."""
    after_padding = ("roberta", "xlm-roberta", "mpnet")
    return vanilla.config.pad_token_id + 1 if vanilla.config.model_type in after_padding else 0


def vanilla_logits(vanilla: Any, question: list[int], passage: list[int]) -> torch.Tensor:
    """Hugging Face's start and end logits over the passage, in DeFormer's layout."""
    if vanilla.config.model_type == "xlnet":
        out = vanilla(
            input_ids=torch.tensor([passage + question]),
            token_type_ids=torch.tensor([[0] * len(passage) + [1] * len(question)]),
            use_mems=False,
        )
        return torch.stack([out.start_logits[0], out.end_logits[0]])[:, : len(passage)]
    n = len(question) + len(passage)
    positions = torch.tensor([[*range(len(question)), *range(len(passage))]])
    inputs = {"position_ids": positions + first_position(vanilla)}
    if "type_vocab_size" in vanilla.config.to_dict():
        side = vanilla.config.type_vocab_size - 1
        inputs["token_type_ids"] = (torch.arange(n) >= len(question))[None].long() * side
    out = vanilla(input_ids=torch.tensor([question + passage]), **inputs)
    return torch.stack([out.start_logits[0], out.end_logits[0]])[:, len(question) :]


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_split_at_zero_equals_the_vanilla_model(
    family: str, make_vanilla: MakeVanilla, tmp_path: Path
) -> None:
    vanilla = make_vanilla(family)
    expected = [vanilla_logits(vanilla, QUESTION, p) for p in PASSAGES]
    model = split(vanilla, 0, tmp_path)
    found = model(Packed.from_lists([QUESTION]), Packed.from_lists(PASSAGES))
    assert model.config.base == family
    logits = torch.stack([found.start, found.end])
    torch.testing.assert_close(logits, torch.cat(expected, dim=1), **TOLERANCE)


def lower_of_bert(vanilla: Any, ids: list[int], segment: Segment) -> torch.Tensor:
    """Hugging Face's embeddings of one segment. Shape ``(1, n, hidden_size)``."""
    body = vanilla.base_model
    first = first_position(vanilla)
    inputs = {
        "input_ids": torch.tensor([ids]),
        "position_ids": torch.arange(first, first + len(ids))[None],
    }
    if getattr(vanilla.config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = torch.full((1, len(ids)), segment.value)
    hidden = body.embeddings(**inputs)
    projected: torch.Tensor = getattr(body, "embeddings_project", lambda x: x)(hidden)
    return projected


def run_vanilla_layers(vanilla: Any, hidden: torch.Tensor, which: slice) -> torch.Tensor:
    """Some of Hugging Face's layers over one segment, or a pair. Shape ``(1, n, hidden_size)``."""
    body = vanilla.base_model
    stack = body.transformer if vanilla.config.model_type == "distilbert" else body.encoder
    more = {}
    if vanilla.config.model_type == "mpnet":
        more["position_bias"] = stack.compute_position_bias(hidden)
    for layer in stack.layer[which]:
        out = layer(hidden, **more)
        hidden = out[0] if isinstance(out, tuple) else out
    return hidden


def xlnet_layers(vanilla: Any, hidden: torch.Tensor, layers: range, n_first: int) -> torch.Tensor:
    """Some of Hugging Face's layers over one segment, or a pair. Shape ``(n, 1, hidden_size)``."""
    n = hidden.shape[0]
    is_first = torch.arange(n) < n_first
    sides = one_hot((is_first[:, None] != is_first).long(), 2).float().unsqueeze(2)
    places = vanilla.transformer.relative_positional_encoding(n, n, bsz=1)
    for number in layers:
        layer = vanilla.transformer.layer[number]
        hidden = layer(hidden, None, None, None, r=places, seg_mat=sides)[0]
    return hidden


@pytest.mark.parametrize("k", range(4))
@pytest.mark.parametrize("family", NEW)
@torch.no_grad()
def test_every_split_is_the_vanilla_layers_run_apart_and_then_together(
    family: str, k: int, make_vanilla: MakeVanilla, tmp_path: Path
) -> None:
    vanilla, passage = make_vanilla(family), PASSAGES[2]
    n_q, n_p = len(QUESTION), len(passage)
    if family == "xlnet":
        parts = [
            xlnet_layers(vanilla, vanilla.transformer.word_embedding(ids), range(k), 0)
            for ids in (torch.tensor([passage]).T, torch.tensor([QUESTION]).T)
        ]
        hidden = xlnet_layers(vanilla, torch.cat(parts), range(k, 3), n_p)
        lower, expected = parts[0][:, 0], vanilla.qa_outputs(hidden)[:n_p, 0]
    else:
        parts = [
            run_vanilla_layers(vanilla, lower_of_bert(vanilla, ids, segment), slice(0, k))
            for ids, segment in ((QUESTION, Segment.QUESTION), (passage, Segment.PASSAGE))
        ]
        hidden = run_vanilla_layers(vanilla, torch.cat(parts, dim=1), slice(k, None))
        lower, expected = parts[1][0], vanilla.qa_outputs(hidden)[0, n_q:]
    model = split(vanilla, k, tmp_path)
    states = model.lower(Packed.from_lists([passage]), Segment.PASSAGE)
    torch.testing.assert_close(states.rows, lower, **TOLERANCE)
    found = model(Packed.from_lists([QUESTION]), Packed.from_lists([passage]))
    torch.testing.assert_close(torch.stack([found.start, found.end], 1), expected, **TOLERANCE)


@pytest.mark.parametrize("k", range(4))
@pytest.mark.parametrize("family", NEW)
@torch.no_grad()
def test_stored_states_give_the_logits_of_states_computed_on_the_spot(
    family: str, k: int, make_vanilla: MakeVanilla, tmp_path: Path
) -> None:
    """Whatever a passage was encoded or is read with: no padding moves anything."""
    model = split(make_vanilla(family), k, tmp_path)
    questions = Packed.from_lists([QUESTION, [*QUESTION[:-1], 64, 65, 11]])
    asked = model.lower(questions, Segment.QUESTION)
    alone = [model.lower(Packed.from_lists([p]), Segment.PASSAGE).rows for p in PASSAGES]
    stored = Packed(torch.cat(alone), tuple(map(len, PASSAGES)))
    pairs = [(1, 2), (0, 0), (1, 0), (0, 1)]
    spot = model(questions, Packed.from_lists(PASSAGES), pairs)
    found = model.upper(asked, stored, pairs)
    torch.testing.assert_close(found.start, spot.start, **TOLERANCE)
    torch.testing.assert_close(found.end, spot.end, **TOLERANCE)
    read = load_runtime(model, precision=Precision.FLOAT32).logits(asked, stored, pairs)
    torch.testing.assert_close(read.start, spot.start, **TOLERANCE)
    torch.testing.assert_close(read.end, spot.end, **TOLERANCE)
    single = model(
        Packed.from_lists([questions.rows[5:].tolist()]), Packed.from_lists([PASSAGES[0]])
    )
    n_before = len(PASSAGES[2]) + len(PASSAGES[0])
    torch.testing.assert_close(single.start, spot.start[n_before:][:6], **TOLERANCE)
    torch.testing.assert_close(single.null[0], spot.null[2], **TOLERANCE)


@torch.no_grad()
def test_null_is_read_from_the_cls_at_the_end_of_xlnet(
    make_vanilla: MakeVanilla, tmp_path: Path
) -> None:
    vanilla = make_vanilla("xlnet")
    (passage, *_) = PASSAGES
    found = split(vanilla, 0, tmp_path)(Packed.from_lists([QUESTION]), Packed.from_lists([passage]))
    out = vanilla(
        input_ids=torch.tensor([passage + QUESTION]),
        token_type_ids=torch.tensor([[0] * len(passage) + [1] * len(QUESTION)]),
    )
    last = torch.stack([out.start_logits[0, -1], out.end_logits[0, -1]])
    torch.testing.assert_close(found.null[0], last, **TOLERANCE)


@pytest.mark.parametrize("first_lengths", [(), (3, 1, 12, 0)])
@torch.no_grad()
def test_packed_relative_attention_equals_padded(first_lengths: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    attention = RelativeAttention(32, 4, 0.1, 0.1).eval()
    attention.fill(0.3)
    lengths = (5, 1, 17, 8)
    query, key, value = torch.randn(3, sum(lengths), 4, 8).unbind(0)
    relative = torch.randn(4, 2 * max(lengths), 8)
    torch.testing.assert_close(
        attention.attend_by_segment(query, key, value, relative, lengths, first_lengths),
        attention.attend_padded(query, key, value, relative, lengths, first_lengths),
        **TOLERANCE,
    )


def test_biases_are_those_of_hugging_face_at_every_distance(make_vanilla: MakeVanilla) -> None:
    encoder = make_vanilla("mpnet", num_attention_heads=2).mpnet.encoder
    bias = DistanceBias(2)
    bias.table.load_state_dict(encoder.relative_attention_bias.state_dict())
    expected = encoder.compute_position_bias(torch.zeros(1, 400, 32))[0]
    torch.testing.assert_close(bias(400), expected, rtol=0, atol=0)


@pytest.mark.parametrize("is_learned", [False, True])
def test_packed_attention_with_a_bias_equals_padded_and_so_do_its_gradients(
    is_learned: bool,
) -> None:
    torch.manual_seed(0)
    lengths = (5, 1, 17, 8)
    rows = torch.randn(3, sum(lengths), 4, 8, requires_grad=is_learned)
    bias = torch.randn(4, 17, 17, requires_grad=is_learned)
    wanted = torch.randn(sum(lengths), 4, 8)
    results = []
    for attend in (attend_by_segment, attend_padded):
        query, key, value = rows.unbind(0)
        out = attend(query, key, value, lengths, bias=bias)
        gradients = torch.autograd.grad((out * wanted).sum(), (rows, bias)) if is_learned else ()
        results.append((out, *gradients))
    for apart, padded in zip(*results, strict=True):
        torch.testing.assert_close(apart, padded, **TOLERANCE)


@pytest.mark.parametrize("k", range(4))
@pytest.mark.parametrize("rows_at_once", [1, 60, 10_000])
def test_plain_runtime_equals_the_model(
    k: int, rows_at_once: int, make_vanilla: MakeVanilla, tmp_path: Path
) -> None:
    model = split(make_vanilla("xlnet"), k, tmp_path)
    torch.manual_seed(k)
    questions, passages = (Packed(torch.randn(sum(n), 32), n) for n in ((3, 7), (1, 9, 4, 9)))
    pairs = [(1, 0), (0, 3), (1, 2), (0, 1), (1, 3)]
    with torch.inference_mode():
        expected = model.upper(questions, passages, pairs)
    runtime = PlainUpper(model, rows_at_once=rows_at_once)
    found = runtime.logits(questions, passages, pairs)
    torch.testing.assert_close(found.start, expected.start, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.end, expected.end, rtol=1e-4, atol=1e-5)


def test_layers_are_fused_where_they_can_be(make_vanilla: MakeVanilla, tmp_path: Path) -> None:
    kinds = {
        family: type(
            load_runtime(split(make_vanilla(family), 1, tmp_path), precision=Precision.FLOAT32)
        )
        for family in NEW
    }
    assert kinds == {
        "roberta": FusedUpper,
        "electra": FusedUpper,
        "distilbert": FusedUpper,
        "mpnet": PlainUpper,
        "xlnet": PlainUpper,
    }


def test_xlnet_in_bfloat16_stays_near(make_vanilla: MakeVanilla, tmp_path: Path) -> None:
    model = split(make_vanilla("xlnet"), 1, tmp_path)
    torch.manual_seed(0)
    questions, passages = (Packed(torch.randn(sum(n), 32), n) for n in ((5,), (30, 20)))
    exact, near = (
        load_runtime(model, precision=precision).logits(questions, passages, [(0, 0), (0, 1)])
        for precision in (Precision.FLOAT32, Precision.BFLOAT16)
    )
    for a, b in ((exact.start, near.start), (exact.end, near.end)):
        assert b.dtype == torch.float32
        assert 0 < float((a - b).norm() / a.norm()) < 0.05


@pytest.mark.parametrize("family", FAMILIES)
def test_weight_names_map_both_ways(family: str, make_vanilla: MakeVanilla) -> None:
    vanilla = make_vanilla(family)
    weights = vanilla.state_dict()
    config = DeformerConfig(
        base=family, **FAMILIES[family].config_fields(vanilla.config), num_lower_layers=1, **WINDOWS
    )
    there = from_hugging_face(weights, config)
    assert set(there) == set(DeformerForQuestionAnswering(config).state_dict())
    back = to_hugging_face(there, config)
    unread = {name for name in weights if "position_ids" in name or "mask_emb" in name}
    assert set(back) == set(weights) - unread
    assert all(torch.equal(back[name], weights[name]) for name in back)


def test_a_split_reader_is_saved_and_loaded(
    base_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    model = DeformerForQuestionAnswering.from_pretrained(
        base_checkpoint("xlnet"), num_lower_layers=1, **WINDOWS
    )
    model.save_pretrained(tmp_path)
    again = DeformerForQuestionAnswering.from_pretrained(tmp_path)
    assert again.config.max_position_embeddings is None and again.config.passage_first
    weights = model.state_dict()
    assert all(torch.equal(weight, weights[name]) for name, weight in again.state_dict().items())


def test_what_cannot_be_split_is_refused(make_vanilla: MakeVanilla, tmp_path: Path) -> None:
    with pytest.raises(PrereadError, match=r"clamp_len -1 .* found 9"):
        split(make_vanilla("xlnet", clamp_len=9), 1, tmp_path / "clamped")
    with pytest.raises(PrereadError, match=r"num_buckets 32 .* found 16"):
        split(make_vanilla("mpnet", relative_attention_num_buckets=16), 1, tmp_path / "few")
    GPT2Config().save_pretrained(tmp_path / "gpt2")
    with pytest.raises(PrereadError, match=r"one of bert, distilbert, .* found model type 'gpt2'"):
        DeformerForQuestionAnswering.from_pretrained(tmp_path / "gpt2")
    make_vanilla("roberta").save_pretrained(tmp_path / "roberta")
    refused: tuple[tuple[dict[str, Any], str], ...] = (
        ({"window_length": 65, "window_stride": 24}, r"66\) less position_offset \(2\)"),
        ({"window_length": 48, "window_stride": 39, "max_title_length": 8}, r"must lie in 1\.\.38"),
    )
    for fields, message in refused:
        with pytest.raises(PrereadError, match=message):
            DeformerForQuestionAnswering.from_pretrained(
                tmp_path / "roberta", num_lower_layers=1, **fields
            )


@pytest.mark.parametrize("family", NEW)
def test_question_and_window_are_what_the_familys_tokenizer_makes_of_a_pair(
    family: str, base_checkpoint: MakeCheckpoint
) -> None:
    folder = str(base_checkpoint(family))
    model = DeformerForQuestionAnswering.from_pretrained(folder, num_lower_layers=1, **WINDOWS)
    own: Any = AutoTokenizer.from_pretrained(folder)
    other: Any = AutoTokenizer.from_pretrained(folder)
    encoder = TextEncoder(other, model.config)
    question, text = "Where is Mount Etna?", "Etna is on Sicily, in Italy."
    (ids,) = encoder.encode_questions([question])
    ((window,),) = encoder.encode_passages([text])
    if family == "xlnet":
        assert [*window.token_ids, *ids] == own(text, question)["input_ids"]
    else:
        assert [*ids, *window.token_ids] == own(question, text)["input_ids"]
    words = encoder.token_map(text)
    assert window.n_text == len(words.tokens)
    ((titled,),) = encoder.encode_passages([text], ["Etna"])
    n_text = window.n_text + 1  # and its separator
    assert titled.token_ids[-n_text:] == window.token_ids[-n_text:]
    assert titled.token_ids[titled.n_prefix - 1] == encoder.sep_id
    assert titled.n_text == window.n_text


@pytest.mark.parametrize("name", ["byte_level_tokenizer", "sentence_piece_tokenizer"])
@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("It (Mount Etna) stands on Sicily.", "Etna"),
        ("It (Mount Etna) stands on Sicily.", "Sicily"),
        ("built 1861–1865, by the king's men", "1861"),
        ("built 1861–1865, by the king's men", "king"),
        ("😀😀 Paris is  big", "Paris"),
        ("עיר בירה: ירושלים היא", "ירושלים"),
        ("Antonín Dvořák wrote it", "Dvořák"),
        ("首都は東京です", "東京"),
        ("e\u0301tude is French", "e\u0301tude"),
        ("first line\nsecond line", "second"),
    ],
)
def test_answers_stand_where_they_stood(
    text: str, answer: str, name: str, request: pytest.FixtureRequest
) -> None:
    tokens = TextEncoder(request.getfixturevalue(name), DeformerConfig()).token_map(text)
    start = text.index(answer)
    covering = [
        number
        for number, (first, last) in enumerate(tokens.tokens)
        if first < start + len(answer) and last > start
    ]
    first, last = tokens.char_span(covering[0], covering[-1])
    assert text[first:last] == answer


@pytest.mark.parametrize("name", ["byte_level_tokenizer", "sentence_piece_tokenizer"])
def test_a_word_that_is_cut_is_taken_up_to_its_punctuation(
    name: str, request: pytest.FixtureRequest
) -> None:
    text = "The (photosynthesizers), all of them"
    tokens = TextEncoder(request.getfixturevalue(name), DeformerConfig()).token_map(text)
    begin, stop = text.index("photo"), text.index(")")
    pieces = [n for n, (s, e) in enumerate(tokens.tokens) if begin <= s < e <= stop]
    assert len(pieces) > 1
    for piece in pieces:
        assert text[slice(*tokens.char_span(piece, piece))] == "photosynthesizers"


@given(text=st.text(max_size=60))
@pytest.mark.parametrize("name", ["byte_level_tokenizer", "sentence_piece_tokenizer"])
def test_tokens_stand_in_the_text_in_order_inside_their_words(
    name: str, request: pytest.FixtureRequest, text: str
) -> None:
    tokens = TextEncoder(request.getfixturevalue(name), DeformerConfig()).token_map(text)
    assert [s for s, _ in tokens.tokens] == sorted(s for s, _ in tokens.tokens)
    for number, (start, end) in enumerate(tokens.tokens):
        first, last = tokens.word(number)
        assert 0 <= first <= start <= end <= last <= len(text)


def test_a_berts_fingerprint_is_of_what_it_ever_was(tiny_reader: Reader) -> None:
    """Indexes that were made before other families came stay valid."""
    config, backend = tiny_reader.config, tiny_reader.tokenizer.backend_tokenizer
    names = (
        "hidden_act layer_norm_eps max_title_length num_attention_heads num_lower_layers "
        "separates_untitled window_length window_stride"
    ).split()
    described = json.loads(backend.to_str())
    parts = [described["normalizer"], described["pre_tokenizer"]]
    parts.append(sorted(backend.get_vocab().items()))
    digest = hashlib.sha256(json.dumps({name: getattr(config, name) for name in names}).encode())
    digest.update(json.dumps(parts, sort_keys=True).encode())
    for name, weight in sorted(tiny_reader.model.state_dict().items()):
        if is_lower(name, config.num_lower_layers):
            digest.update(name.encode() + weight.numpy().tobytes())
    assert tiny_reader.fingerprint == digest.hexdigest()


def test_fingerprint_covers_how_words_are_cut(base_checkpoint: MakeCheckpoint) -> None:
    folder = base_checkpoint("roberta")
    model = DeformerForQuestionAnswering.from_pretrained(folder, num_lower_layers=1, **WINDOWS)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    reader = Reader(model, tokenizer, name="roberta")
    described = json.loads(reader.tokenizer.backend_tokenizer.to_str())
    described["model"]["merges"] = described["model"]["merges"][:-1]
    other = Tokenizer.from_str(json.dumps(described))
    assert other.get_vocab() == reader.tokenizer.backend_tokenizer.get_vocab()
    assert fingerprint(reader.model, other) != reader.fingerprint


@pytest.mark.slow
@pytest.mark.parametrize("family", ["electra", "xlnet"])
def test_learned_codecs_predict_from_any_embeddings(
    family: str, base_checkpoint: MakeCheckpoint
) -> None:
    """Of embeddings narrower than the layers, and of a family without positions."""
    folder = base_checkpoint(family)
    model = DeformerForQuestionAnswering.from_pretrained(folder, num_lower_layers=1, **WINDOWS)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    reader = Reader(model, tokenizer, name=family)
    sample = sample_states(reader, list(read_corpus(sample_corpus_path()))[:70])
    codec = learn_codec(CodecName.parse("rpq4"), reader, sample)
    states = sample.token_ids.with_rows(sample.states)
    decoded = codec.decode(codec.encode(states, sample.token_ids), sample.token_ids)
    lost = (decoded.rows - sample.states).var() / sample.states.var()
    assert decoded.rows.shape == sample.states.shape and float(lost) < 0.3
