"""Windows over long passages, and the way back from tokens to characters."""

from collections.abc import Callable
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.reader import DeformerForQuestionAnswering, Reader
from preread.reader.text.windows import TextEncoder, Window
from transformers import PreTrainedTokenizerFast


def words_of(window: Window) -> list[int]:
    """Token ids of a window's text."""
    return list(window.token_ids[window.n_prefix : -1])


@given(st.integers(0, 200), st.integers(0, 12))
def test_windows_cover_every_token_and_fit(tiny_reader: Reader, n_words: int, n_title: int) -> None:
    encoder, config = tiny_reader.encoder, tiny_reader.config
    text, title = " ".join(["river"] * n_words), " ".join(["amazon"] * n_title)
    (windows,) = encoder.encode_passages([text], [title])
    seen = [w.first_token + i for w in windows for i in range(w.n_text)]
    assert set(seen) == set(range(n_words))
    assert all(len(w.token_ids) <= config.window_length for w in windows)
    assert all(w.token_ids[-1] == encoder.sep_id for w in windows)
    assert all(w.n_prefix <= config.max_title_length for w in windows)


def test_short_passage_has_one_window_without_title_prefix(tiny_reader: Reader) -> None:
    ((window,),) = tiny_reader.encoder.encode_passages(["a short text"])
    assert (window.n_prefix, window.first_token, window.n_text) == (0, 0, 3)


def test_window_without_title_begins_with_its_separator_where_the_reader_wants_it(
    make_tiny_model: Callable[..., DeformerForQuestionAnswering],
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    encoder = TextEncoder(tokenizer, make_tiny_model(separates_untitled=True).config)
    ((untitled,),) = encoder.encode_passages(["a short text"])
    assert untitled.token_ids[0] == encoder.sep_id
    assert (untitled.n_prefix, untitled.n_text) == (1, 3)
    ((titled,),) = encoder.encode_passages(["a short text"], ["amazon"])
    assert titled.token_ids[titled.n_prefix :] == untitled.token_ids[1:]


def test_overlap_is_as_long_as_configured(tiny_reader: Reader) -> None:
    (windows,) = tiny_reader.encoder.encode_passages([" ".join(str(i) for i in range(90))])
    config = tiny_reader.config
    overlap = config.window_length - 1 - config.window_stride
    assert words_of(windows[0])[-overlap:] == words_of(windows[1])[:overlap]


@given(st.text(max_size=60))
def test_tokens_stand_in_the_text_in_order_inside_their_words(
    tiny_reader: Reader, text: str
) -> None:
    tokens = tiny_reader.encoder.token_map(text)
    assert all(0 <= start < end <= len(text) for start, end in tokens.tokens)
    assert [s for s, _ in tokens.tokens] == sorted(s for s, _ in tokens.tokens)
    for number, (start, end) in enumerate(tokens.tokens):
        first, last = tokens.word(number)
        assert first <= start < end <= last


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("😀😀 Paris is big", "Paris"),
        ("Ｐａｒｉｓ is full-width", "Ｐａｒｉｓ"),
        ("עיר בירה: ירושלים היא", "ירושלים"),
        ("Antonín Dvořák wrote it", "Dvořák"),
        ("首都は東京です", "東京"),
        ("e\u0301tude is French", "e\u0301tude"),
    ],
)
def test_character_spans_count_code_points(tiny_reader: Reader, text: str, answer: str) -> None:
    start = text.index(answer)
    tokens = tiny_reader.encoder.token_map(text)
    inside = [
        number
        for number, (first, last) in enumerate(tokens.tokens)
        if first >= start and last <= start + len(answer)
    ]
    first, last = tokens.char_span(inside[0], inside[-1])
    assert text[first:last] == answer


def test_a_word_that_is_cut_is_taken_whole(tiny_reader: Reader) -> None:
    text = "The photosynthesizers, all of them"
    tokens = tiny_reader.encoder.token_map(text)
    pieces = [
        n for n in range(len(tokens.tokens)) if text[slice(*tokens.word(n))].startswith("photo")
    ]
    assert len(pieces) > 1
    for piece in pieces:
        assert text[slice(*tokens.char_span(piece, piece))] == "photosynthesizers"


def test_question_is_cut_to_its_limit(tiny_reader: Reader) -> None:
    (ids,) = tiny_reader.encoder.encode_questions(["why " * 10_000])
    assert len(ids) == tiny_reader.config.max_question_length
    assert (ids[0], ids[-1]) == (tiny_reader.encoder.cls_id, tiny_reader.encoder.sep_id)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The capital of Colombia is Bogotá.", "Bogotá"),
        ("The poem was written by José Martí.", "José Martí"),
        ("He was born in Łódź.", "Łódź"),
        ("The capital is दिल्ली है", "दिल्ली"),
        ("The sign ❤\ufe0f means love.", "❤\ufe0f"),
        ("This is が here.", "が"),
    ],
)
def test_answers_end_after_the_marks_of_their_last_letter(
    text: str, answer: str, form: str, tiny_reader: Reader
) -> None:
    """BERT's tokenizer drops accents, so that no token covers one that stands for itself."""
    text, answer = normalize(form, text), normalize(form, answer)  # type: ignore[arg-type]
    tokens = tiny_reader.encoder.token_map(text)
    begin, stop = text.index(answer), text.index(answer) + len(answer)
    inside = [n for n, (s, e) in enumerate(tokens.tokens) if s < stop and e > begin]
    first, last = tokens.char_span(inside[0], inside[-1])
    assert text[first:last] == answer
