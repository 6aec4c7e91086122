"""States become codes and codes become states, as each codec is defined."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from preread.data import Passage, PrereadError, read_corpus
from preread.data.sample import sample_corpus_path
from preread.reader import Packed, Reader
from preread.reader.codecs import (
    Codec,
    CodecName,
    Float16Codec,
    Int8Codec,
    QuantisedCodec,
    Quantiser,
    StateSample,
    codec_file_name,
    find_codec,
    fisher_information,
    learn_codec,
    load_codec,
    sample_states,
    save_codec,
)
from preread.reader.codecs.beam_search import SumSearch, search_sums
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import gelu


@pytest.fixture(scope="module")
def passages() -> list[Passage]:
    """The sample corpus."""
    return list(read_corpus(sample_corpus_path()))[:150]


@pytest.fixture(scope="module")
def windows(tiny_reader: Reader, passages: list[Passage]) -> Packed:
    """Token ids of some windows, very short ones among them."""
    some = [*passages[:12], Passage("e", "", ""), Passage("w", "word", "")]
    encoded = tiny_reader.encoder.encode_passages([p.text for p in some], [p.title for p in some])
    return Packed.from_lists([w.token_ids for of_passage in encoded for w in of_passage])


@pytest.fixture(scope="module")
def states(tiny_reader: Reader, windows: Packed) -> Packed:
    """Their lower states."""
    from preread.reader import Segment

    with torch.inference_mode():
        return tiny_reader.model.lower(windows, Segment.PASSAGE)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("pq5", marks=pytest.mark.slow),
        "rpq4",
        pytest.param("rpq12", marks=pytest.mark.slow),
    ],
)
def learned(
    request: pytest.FixtureRequest, tiny_reader: Reader, tiny_codec_path: Callable[[str], Path]
) -> QuantisedCodec:
    """A codec of the tiny reader.

    5 parts do not divide its width of 32; 12 bytes are sums of six rows for each of two parts.
    """
    return load_codec(tiny_codec_path(request.param), tiny_reader)


def test_codecs_learn_from_windows_with_and_without_title(
    tiny_reader: Reader, passages: list[Passage], tiny_sample: StateSample
) -> None:
    """Users' passages may have none; the first rows of a window are then others."""
    encoded = tiny_reader.encoder.encode_passages(
        [p.text for p in passages[:2]], ["", passages[1].title]
    )
    expected = [token for windows in encoded for w in windows for token in w.token_ids]
    assert passages[0].title and passages[1].title
    assert tiny_sample.token_ids.rows[: len(expected)].tolist() == expected


@pytest.mark.parametrize("name", ["float16", "int8", "pq8", "rpq96"])
def test_names_are_read_as_they_are_written(name: str) -> None:
    assert str(CodecName.parse(name)) == name


@pytest.mark.parametrize("name", ["", "zip", "pq", "rpq0", "pq97", "float16x", "rpq-8", "int88"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(PrereadError, match="expected float16, int8, pqN or rpqN"):
        CodecName.parse(name)


def test_mixed_precision_around_a_codec_changes_nothing(
    learned: QuantisedCodec, tiny_reader: Reader, windows: Packed, states: Packed
) -> None:
    """Training runs in autocast; what upper layers learn from is what an index gives."""
    codes = learned.encode(states, windows)
    decoded = learned.decode(codes, windows)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(learned.encode(states, windows), codes)
        assert torch.equal(learned.decode(codes, windows).rows, decoded.rows)
        again = QuantisedCodec(
            learned.name,
            learned.side.predictor,
            learned.quantiser,
            tiny_reader.model.embedder.word_vectors().detach(),
        )
        assert torch.equal(again.decode(codes, windows).rows, decoded.rows)


numbers = st.floats(-8, 8, width=16)
rows = st.integers(1, 5).flatmap(
    lambda n: st.lists(st.lists(numbers, min_size=6, max_size=6), min_size=n, max_size=n)
)


@given(rows)
def test_float16_numbers_come_back_unchanged(numbers: list[list[float]]) -> None:
    states = Packed(torch.tensor(numbers), (len(numbers),))
    ids = Packed(torch.zeros(len(numbers), dtype=torch.int64), states.lengths)
    codec = Float16Codec()
    assert torch.equal(codec.decode(codec.encode(states, ids), ids).rows, states.rows)


@given(rows)
def test_int8_is_off_by_half_a_step_at_most(numbers: list[list[float]]) -> None:
    states = Packed(torch.tensor(numbers), (len(numbers),))
    ids = Packed(torch.zeros(len(numbers), dtype=torch.int64), states.lengths)
    codec = Int8Codec()
    codes = codec.encode(states, ids)
    assert (codes.dtype, codes.shape[1]) == (torch.uint8, codec.code_width(6))
    step = states.rows.abs().amax(1, keepdim=True) / 127
    error = (codec.decode(codes, ids).rows - states.rows).abs()
    assert bool((error <= 0.51 * step + 1e-6).all())


@pytest.mark.parametrize("codec", [Float16Codec(), Int8Codec()])
def test_states_that_are_no_numbers_are_refused(codec: Codec) -> None:
    ids = Packed(torch.zeros(1, dtype=torch.int64), (1,))
    with pytest.raises(PrereadError, match="weights are damaged"):
        codec.encode(Packed(torch.tensor([[1.0, float("nan")]]), (1,)), ids)


@given(st.integers(0, 10_000), st.integers(1, 3))
@settings(max_examples=20)
def test_code_is_the_nearest_row_of_each_part_with_a_book_of_its_own(seed: int, n: int) -> None:
    torch.manual_seed(seed)
    eye = torch.eye(6)
    quantiser = Quantiser(eye, torch.randn(3, 256, 2), eye)
    vectors = torch.randn(n, 6)
    distances = torch.cdist(vectors.view(n, 3, 2).transpose(0, 1), quantiser.codebooks)
    chosen = distances.gather(2, quantiser.encode(vectors).T.long().unsqueeze(2)).squeeze(2)
    torch.testing.assert_close(chosen, distances.amin(2), rtol=1e-4, atol=1e-4)


@given(st.integers(0, 10_000))
@settings(max_examples=10)
def test_a_beam_that_holds_all_finds_the_best_sum(seed: int) -> None:
    torch.manual_seed(seed)
    books, vectors = torch.randn(2, 256, 3), torch.randn(4, 3)
    rows = books.flatten(0, 1)
    costs = rows.square().sum(1) / 2 - vectors @ rows.T
    codes = search_sums(costs, rows @ rows.T, beam=256)
    sums = (books[0][:, None] + books[1]).flatten(0, 1)
    found = books[0][codes[:, 0]] + books[1][codes[:, 1]]
    distance = (found - vectors).square().sum(1)
    torch.testing.assert_close(
        distance, torch.cdist(vectors, sums).amin(1).square(), rtol=1e-3, atol=1e-4
    )


def searched(n_books: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Codebooks, vectors, and the codes that our own search finds for them."""
    torch.manual_seed(0)
    books, vectors = torch.randn(n_books, 256, size), torch.randn(500, size)
    rows = books.flatten(0, 1)
    costs = rows.square().sum(1) / 2 - vectors @ rows.T
    return books, vectors, search_sums(costs, rows @ rows.T, beam=4)


@pytest.mark.parametrize("n_books", [1, 3])
def test_both_searches_find_the_same_sums(n_books: int) -> None:
    books, vectors, expected = searched(n_books, size=6)
    same = (SumSearch(books)(vectors) == expected).all(1)
    # The others are as near up to rounding, or their beams differ: faiss's are approximate.
    assert float(same.float().mean()) > 0.97


def test_sums_found_in_bfloat16_are_hardly_farther() -> None:
    books, vectors, expected = searched(n_books=6, size=32)

    def squared_distance(codes: Tensor) -> float:
        chosen = books[torch.arange(len(books)), codes.long()].sum(1)
        return float((chosen - vectors).square().sum())

    found = SumSearch(books, torch.bfloat16)(vectors)
    assert squared_distance(found) < 1.01 * squared_distance(expected)


def test_following_several_sums_leaves_less_than_following_one(
    learned: QuantisedCodec, states: Packed, windows: Packed
) -> None:
    quantiser = learned.quantiser
    rest = states.rows - learned.side.predict(windows)
    books = quantiser.books().view(quantiser.n_bytes, 256, -1)
    left = rest.clone()
    for book, column in zip(books, learned.encode(states, windows).T.long(), strict=True):
        left -= book[column]
    greedy = rest.clone()
    size = quantiser.codebooks.shape[2]
    books_a_part = quantiser.n_bytes // quantiser.n_parts
    for number, (rows, turned) in enumerate(zip(quantiser.codebooks, books, strict=True)):
        part = slice(*(size * (number // books_a_part + i) for i in (0, 1)))
        nearest = torch.cdist(greedy @ quantiser.analysis[part].T, rows).argmin(1)
        greedy -= turned[nearest]
    cost = [float((x @ quantiser.analysis.T).square().sum()) for x in (left, greedy)]
    assert cost[0] <= 1.0001 * cost[1]
    if books_a_part > 1:
        assert cost[0] < 0.99 * cost[1]


def decode_by_the_book(file: Path, codes: Tensor, windows: Packed, words: Tensor) -> Tensor:
    """``docs/reference/index-format.md``, written out one token at a time."""
    stored = {name: tensor.double().numpy() for name, tensor in load_file(file).items()}
    tensors = {
        name: tensor * stored[f"{name}_scales"][..., None, :]
        if f"{name}_scales" in stored
        else tensor
        for name, tensor in stored.items()
    }
    n_bytes, _, part_size = tensors["codebooks"].shape
    width = words.shape[1]
    books_a_part = n_bytes * part_size // len(tensors["synthesis"])
    reach = len(tensors["neighbours"]) // 2
    embedded = words.double().numpy()
    out = []
    row = 0
    for length in windows.lengths:
        ids = windows.rows[row : row + length].tolist()
        about = embedded[ids].mean(0) @ tensors["mean"] if len(tensors["mean"]) else 0.0
        for place in range(length):
            state = tensors["position"][min(place, len(tensors["position"]) - 1)] + about
            for table, weights in enumerate(tensors["neighbours"]):
                neighbour = place + table - reach
                if 0 <= neighbour < length:
                    state = state + embedded[ids[neighbour]] @ weights
            code = codes[row + place].tolist()
            hidden = gelu(torch.from_numpy(state[width:])).numpy()
            state = state[:width] + hidden @ tensors["output"]
            for number in range(n_bytes):
                part = number // books_a_part
                turned = tensors["synthesis"][part * part_size : (part + 1) * part_size]
                state = state + tensors["codebooks"][number, code[number]] @ turned
            out.append(state)
        row += length
    return torch.from_numpy(np.stack(out)).float()


def test_decoding_is_the_sum_that_the_format_says(
    learned: QuantisedCodec,
    tiny_reader: Reader,
    states: Packed,
    windows: Packed,
    tmp_path: Path,
) -> None:
    save_codec(learned, tiny_reader, tmp_path / "codec.safetensors")
    codes = learned.encode(states, windows)
    words = tiny_reader.model.embedder.word.weight.detach()
    expected = decode_by_the_book(tmp_path / "codec.safetensors", codes, windows, words)
    # Rows of the tables are rounded to float16 (2^-11), and up to 12 of them are added.
    torch.testing.assert_close(learned.decode(codes, windows).rows, expected, rtol=4e-3, atol=8e-3)


def test_windows_are_decoded_alike_alone_and_together(
    learned: QuantisedCodec, states: Packed, windows: Packed
) -> None:
    codes = learned.encode(states, windows)
    together = learned.decode(codes, windows).rows.split(list(windows.lengths))
    pieces = zip(
        codes.split(list(windows.lengths)), windows.rows.split(list(windows.lengths)), strict=True
    )
    for expected, (some, ids) in zip(together, pieces, strict=True):
        alone = learned.decode(some, Packed(ids, (len(ids),))).rows
        torch.testing.assert_close(alone, expected, rtol=0, atol=1e-5)


def test_nothing_decodes_to_nothing(learned: QuantisedCodec) -> None:
    nothing = Packed(torch.empty(0, dtype=torch.int64), ())
    codes = torch.empty(0, learned.code_width(32), dtype=torch.uint8)
    assert learned.decode(codes, nothing).rows.shape == (0, 32)


@pytest.mark.slow
def test_token_ids_leave_less_to_be_said(
    tiny_reader: Reader,
    tiny_codec_path: Callable[[str], Path],
    states: Packed,
    windows: Packed,
) -> None:
    lost = {}
    for name in ("pq4", "rpq4"):
        codec = load_codec(tiny_codec_path(name), tiny_reader)
        decoded = codec.decode(codec.encode(states, windows), windows).rows
        lost[name] = float((decoded - states.rows).square().sum())
    assert lost["rpq4"] < 0.8 * lost["pq4"]


def test_errors_in_sensitive_directions_change_answers_most(
    tiny_reader: Reader, passages: list[Passage], states: Packed
) -> None:
    """The Fisher information says what it promises: how far answers move."""
    information = fisher_information(tiny_reader, passages)
    _, directions = torch.linalg.eigh(information)
    question = tiny_reader.question_states("who built the bridge?")
    plain = tiny_reader.logits(question, states)

    def divergence(direction: Tensor) -> float:
        moved = states.with_rows(states.rows + 0.1 * direction.float())
        total, lengths = 0.0, list(states.lengths)
        found = tiny_reader.logits(question, moved)
        for before, after in ((plain.start, found.start), (plain.end, found.end)):
            for p, q in zip(before.split(lengths), after.split(lengths), strict=True):
                log_p, log_q = p.log_softmax(0), q.log_softmax(0)
                total += float((log_p.exp() * (log_p - log_q)).sum())
        return total

    assert divergence(directions[:, -1]) > 5 * divergence(directions[:, 0])


@pytest.mark.slow
def test_bytes_are_spent_where_errors_cost(
    tiny_reader: Reader,
    tiny_sample: StateSample,
    tiny_codec_path: Callable[[str], Path],
    states: Packed,
    windows: Packed,
) -> None:
    cost = {}
    sample = replace(tiny_sample, sensitivity=torch.zeros_like(tiny_sample.sensitivity))
    indifferent = learn_codec(CodecName.parse("rpq4"), tiny_reader, sample)
    weighed = load_codec(tiny_codec_path("rpq4"), tiny_reader)
    for kind, codec in (("weighed", weighed), ("indifferent", indifferent)):
        error = (codec.decode(codec.encode(states, windows), windows).rows - states.rows).double()
        cost[kind] = float(((error @ tiny_sample.sensitivity) * error).sum())
    assert cost["weighed"] < 0.9 * cost["indifferent"]


@pytest.mark.slow
def test_learning_twice_gives_the_same_codec(
    tiny_codec_path: Callable[[str], Path],
    tiny_reader: Reader,
    passages: list[Passage],
    states: Packed,
    windows: Packed,
    tmp_path: Path,
) -> None:
    """Before it is saved, and as a file."""
    learned = load_codec(tiny_codec_path("rpq4"), tiny_reader)
    again = learn_codec(learned.name, tiny_reader, sample_states(tiny_reader, passages))
    codes = learned.encode(states, windows)
    assert torch.equal(again.encode(states, windows), codes)
    assert torch.equal(again.decode(codes, windows).rows, learned.decode(codes, windows).rows)
    save_codec(again, tiny_reader, tmp_path / "again.safetensors")
    first = tiny_codec_path(str(learned.name)).read_bytes()
    assert (tmp_path / "again.safetensors").read_bytes() == first


def test_saved_codec_codes_as_before(
    learned: QuantisedCodec, tiny_reader: Reader, states: Packed, windows: Packed, tmp_path: Path
) -> None:
    path = tmp_path / "codec.safetensors"
    save_codec(learned, tiny_reader, path)
    loaded = load_codec(path, tiny_reader)
    codes = learned.encode(states, windows)
    assert loaded.name == learned.name and torch.equal(loaded.encode(states, windows), codes)
    assert torch.equal(loaded.decode(codes, windows).rows, learned.decode(codes, windows).rows)


def test_codec_of_another_reader_is_refused(
    learned: QuantisedCodec, tiny_reader: Reader, tmp_path: Path
) -> None:
    from copy import deepcopy

    path = tmp_path / "codec.safetensors"
    save_codec(learned, tiny_reader, path)
    model = deepcopy(tiny_reader.model)
    with torch.no_grad():
        model.get_parameter("layers.0.expand.weight")[0, 0] += 1e-3
    with pytest.raises(PrereadError, match="found a codec of the reader with fingerprint"):
        load_codec(path, Reader(model, tiny_reader.tokenizer, name="other"))


def test_damaged_codec_file_is_refused(tiny_reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "codec.safetensors"
    path.write_bytes(b"no codec")
    with pytest.raises(PrereadError, match=r"codec.safetensors: expected the file of a codec"):
        load_codec(path, tiny_reader)


def test_too_little_text_is_an_error_that_says_so(
    tiny_reader: Reader, passages: list[Passage]
) -> None:
    with pytest.raises(PrereadError, match="expected at least 9984 tokens"):
        learn_codec(CodecName.parse("rpq4"), tiny_reader, sample_states(tiny_reader, passages[:3]))


def test_codec_that_comes_with_a_reader_is_found(
    learned: QuantisedCodec, tiny_reader: Reader, tiny_reader_path: Path
) -> None:
    reader = Reader.load(str(tiny_reader_path))
    name = str(learned.name)
    assert find_codec(name, reader) is None
    brought = tiny_reader_path / codec_file_name(learned.name)
    save_codec(learned, reader, brought)
    try:
        found = find_codec(name, reader)
        assert found is not None and found.name == learned.name
        by_file = find_codec(str(brought), reader)
        assert by_file is not None and by_file.name == learned.name
    finally:
        brought.unlink()


@given(st.integers(1, 40), st.integers(1, 9))
@settings(max_examples=20)
def test_books_turn_codes_back(n_bytes: int, part_size: int) -> None:
    torch.manual_seed(n_bytes * 10 + part_size)
    width = n_bytes * part_size
    rotation, _ = torch.linalg.qr(torch.randn(width, width))
    stretch = torch.rand(width) + 0.5
    analysis, synthesis = rotation * stretch, rotation / stretch
    quantiser = Quantiser(analysis, torch.randn(n_bytes, 256, part_size), synthesis)
    codes = torch.randint(0, 256, (3, n_bytes), dtype=torch.uint8)
    rows = codes.long() + 256 * torch.arange(n_bytes)
    decoded = quantiser.books()[rows].sum(1)
    again = quantiser.books()[quantiser.encode(decoded).long() + 256 * torch.arange(n_bytes)].sum(1)
    torch.testing.assert_close(again, decoded, rtol=1e-3, atol=1e-3)  # near rows may be taken


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_decoding_on_a_gpu_gives_the_same_states(
    learned: QuantisedCodec, tiny_reader: Reader, states: Packed, windows: Packed, tmp_path: Path
) -> None:
    save_codec(learned, tiny_reader, tmp_path / "codec.safetensors")
    on_gpu = Reader(tiny_reader.model, tiny_reader.tokenizer, name="tiny", device="cuda")
    codec = load_codec(tmp_path / "codec.safetensors", on_gpu)
    codes = learned.encode(states, windows)
    decoded = codec.decode(codes.cuda(), windows.to("cuda")).rows.cpu()
    torch.nn.Module.to(on_gpu.model, "cpu")
    torch.testing.assert_close(decoded, learned.decode(codes, windows).rows, rtol=1e-3, atol=2e-3)
