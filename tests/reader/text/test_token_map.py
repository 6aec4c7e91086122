"""The tokens of a text, found by its token ids, lie where the tokenizer finds them."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from preread.reader import DeformerConfig, Reader
from preread.reader.inference.window_table import table_of_passages
from preread.reader.text.token_map import TokenAligner, TokenMap
from preread.reader.text.windows import TextEncoder, Window

ODD = "aZé ñßİΣ9,.-'\u0301\u00ad\u200b\u3000日ก्क\t\n\r\x1c\x7f#"


def described(tokens: TokenMap) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Each token's characters, and those of its word."""
    return [(token, tokens.word(number)) for number, token in enumerate(tokens.tokens)]


@pytest.mark.slow
@given(st.text(max_size=60) | st.text(ODD, max_size=40))
@example("An unbelievable [SEP] tale ##of [UNK] words")
@example("Café-society’s naïveté, 1861–1865")
def test_known_token_ids_tell_what_the_tokenizer_tells(tiny_reader: Reader, text: str) -> None:
    backend = tiny_reader.encoder.backend
    encoding = backend.encode(text, add_special_tokens=False)
    found = TokenAligner(backend).align(text, encoding.ids)
    if found is not None:
        assert described(found) == described(TokenMap.of_encoding(text, encoding))
        assert found.text == text


def test_common_texts_are_not_tokenised_again(tiny_reader: Reader) -> None:
    aligner = TokenAligner(tiny_reader.encoder.backend)
    for text in ("The photosynthesizers, all of them", "Dvořák's naïve étude\n(1893)"):
        ids = tiny_reader.encoder.backend.encode(text, add_special_tokens=False).ids
        assert aligner.align(text, ids) is not None


@pytest.mark.parametrize("change", [[-1], [10**6], [0, 0], []])
def test_token_ids_of_another_text_are_not_believed(
    tiny_reader: Reader, change: Sequence[int]
) -> None:
    text = "The photosynthesizers, all of them"
    encoding = tiny_reader.encoder.backend.encode(text, add_special_tokens=False)
    aligner = TokenAligner(tiny_reader.encoder.backend)
    for ids in ([*encoding.ids, *change][1:], [*encoding.ids[:-1], *change]):
        assert aligner.align(text, ids) is None
        tokens = tiny_reader.encoder.token_map(text, ids)
        assert described(tokens) == described(TokenMap.of_encoding(text, encoding))


@pytest.mark.parametrize("name", ["byte_level_tokenizer", "sentence_piece_tokenizer"])
def test_other_vocabularies_are_tokenised(name: str, request: pytest.FixtureRequest) -> None:
    encoder = TextEncoder(request.getfixturevalue(name), DeformerConfig())
    text = "It (Mount Etna) stands on Sicily."
    ids = encoder.backend.encode(text, add_special_tokens=False).ids
    assert TokenAligner(encoder.backend).align(text, ids) is None
    assert encoder.token_map(text, ids).tokens == encoder.token_map(text).tokens


@given(st.lists(st.integers(0, 200), min_size=1, max_size=4))
@settings(max_examples=30)
def test_windows_are_put_together_again(tiny_reader: Reader, lengths: list[int]) -> None:
    texts = [" ".join(str(word) for word in range(length)) for length in lengths]
    encoder = tiny_reader.encoder
    table = table_of_passages(encoder.encode_passages(texts, ["a title"] * len(texts)))
    whole = [encoder.backend.encode(text, add_special_tokens=False).ids for text in texts]
    assert table.text_token_ids() == dict(enumerate(whole))


@pytest.mark.parametrize("first_token", [-1, 1, 5])
def test_windows_with_a_gap_are_not_put_together(first_token: int) -> None:
    table = table_of_passages([[Window((5, 6, 3), 0, first_token)], [Window((5, 6, 3), 0, 0)]])
    assert table.text_token_ids() == {1: [5, 6]}
