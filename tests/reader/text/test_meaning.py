"""What carries meaning, and that no answer is without it."""

from unicodedata import category

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from preread.data import ReadingExample
from preread.reader import DeformerConfig, Reader, TextEncoder, answer_examples
from preread.reader.inference.span_decoder import SpanDecoder
from preread.reader.inference.window_table import table_of_passages
from preread.reader.modeling.question_answering import SpanLogits
from preread.reader.text.meaning import has_meaning, meaningful_tokens
from preread.reader.text.token_map import TokenMap

TOKENIZERS = ["tokenizer", "byte_level_tokenizer", "sentence_piece_tokenizer"]
WORDS = [
    "river", "1998", "Ürün", "naïve", "Ελλάδα", "Москва", "עברית", "العربية", "हिन्दी",
    "ไทย", "日本", "カタカナ", "한국어", "ኢትዮጵያ", "É", "e\u0301", "½", "Ⅷ",
    "$", "€", "%", "٪", "+", "±", "∑", "№", "°", "™", "🎉", "👩\u200d🔬", "👍🏽", "🇺🇳",
]  # fmt: skip
MARKS = [
    *"!\"#&'()*,-./:;<=>?@[\\]^_`{|}~", "...", "--", "…", "—", "“", "”", "«", "»", "、", "。",
    "،", "।", "|---|", "***", "```", "==", "•", "■", "─", "⸺", "⁂", "་", "§", "\u0301", "\u200b",
    "\u00ad", "\ufffd", "\u3164", "\u2800", "\x07", "\ue000",
]  # fmt: skip
TEXTS = st.lists(
    st.tuples(
        st.sampled_from(["", " ", "\n", "\u00a0"]), st.sampled_from([*MARKS, *MARKS, *WORDS])
    ),
    max_size=25,
).map(lambda parts: "".join(space + piece for space, piece in parts))


def carries_meaning(text: str) -> bool:
    """Whether a character carries meaning, told by its category one by one."""
    return any(
        character in "%‰‱٪％﹪"
        or (
            category(character)
            in {"Sc", "Sm", "So"} | {f"L{c}" for c in "lmotu"} | {"Nd", "Nl", "No"}
            and character not in "|~<=>｜～＜＝＞¦￤\u2800\u115f\u1160\u3164\uffa0\ufffc\ufffd"
            and not "\u2500" <= character <= "\u25ff"
        )
        for character in text
    )


def text_of(tokens: TokenMap, first: int, last: int) -> str:
    """Text of a span."""
    start, end = tokens.char_span(first, last)
    return tokens.text[start:end]


@pytest.mark.parametrize("text", WORDS)
def test_letters_digits_and_symbols_carry_meaning(text: str) -> None:
    assert has_meaning(text) and has_meaning(f"({text})") and carries_meaning(text)


@pytest.mark.parametrize("text", ["", " ", *MARKS])
def test_punctuation_markup_and_space_carry_none(text: str) -> None:
    assert not has_meaning(text) and not carries_meaning(text)


@given(st.text(st.characters(exclude_categories=["Cn", "Cs"])))
def test_meaning_is_told_by_categories(text: str) -> None:
    assert has_meaning(text) == carries_meaning(text)


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_tokens_of_words_may_carry_meaning(kind: str, request: pytest.FixtureRequest) -> None:
    tokenizer = request.getfixturevalue(kind).backend_tokenizer
    flags = meaningful_tokens(tokenizer)
    assert len(flags) == tokenizer.get_vocab_size(with_added_tokens=True)
    for word in WORDS:
        assert flags[tokenizer.encode(word, add_special_tokens=False).ids].any(), word
    marks = [tokenizer.token_to_id(mark) for mark in "!-|*.,"]
    assert not flags[[number for number in marks if number is not None]].any()


@pytest.mark.slow
@pytest.mark.parametrize("kind", TOKENIZERS)
@given(texts=st.lists(TEXTS, min_size=1, max_size=3), seed=st.integers(0, 2**31))
def test_the_best_spans_with_meaning_are_found(
    kind: str, texts: list[str], seed: int, request: pytest.FixtureRequest
) -> None:
    """Against a plain loop over all spans; each text is one window."""
    config = DeformerConfig(shared_normalization=True, max_answer_length=4)
    encoder = TextEncoder(request.getfixturevalue(kind), config)
    table = table_of_passages(encoder.encode_passages(texts))
    maps = [encoder.token_map(text) for text in texts]
    torch.manual_seed(seed)
    start, end = torch.randn(2, sum(table.lengths))
    logits = SpanLogits(start, end, torch.zeros(len(texts), 2))
    best = dict.fromkeys(range(len(texts)), -torch.inf)
    row = 0
    for passage, tokens in enumerate(maps):
        n_tokens = len(tokens.tokens)
        for i in range(n_tokens):
            for j in range(i, min(i + 4, n_tokens)):
                if carries_meaning(text_of(tokens, i, j)):
                    best[passage] = max(best[passage], float(start[row + i] + end[row + j]))
        row += n_tokens + 1
    decoder = SpanDecoder(config, meaningful_tokens=encoder.meaningful_tokens)
    together = decoder.best(logits, table, 20, tokens=maps.__getitem__)
    by_passage = decoder.best_by_passage(logits, table, 3, tokens=maps.__getitem__)
    for span in together + by_passage:
        assert carries_meaning(text_of(maps[span.passage], span.first_token, span.last_token))
    assert max([-torch.inf, *(s.logit for s in together)]) == pytest.approx(max(best.values()))
    for passage, logit in best.items():
        found = [span.logit for span in by_passage if span.passage == passage]
        assert max([-torch.inf, *found]) == pytest.approx(logit)


def test_reading_comprehension_answers_with_meaning_or_not_at_all(tiny_reader: Reader) -> None:
    examples = [
        ReadingExample("none", "what ?", "( ... ) -- | * | !"),
        ReadingExample("one", "what ?", "( ... ) -- | river | !"),
    ]
    found = {
        example.example_id: answer for example, answer in answer_examples(tiny_reader, examples)
    }
    assert found["none"] == "" and "river" in found["one"]
