"""Where quotations stand, and whether the reader answers with them."""

from typing import Any

import pytest
from preread.data import PrereadError
from preread.pipeline import OpenDomainQA, ProvidedPassage

QUOTE = "A modern piano has 88 keys"
QUESTION = "How many keys does a modern piano have?"


@pytest.fixture(scope="module")
def sentence(qa: OpenDomainQA) -> str:
    """The sentence of the sample that says how many keys a piano has."""
    return qa.highlight(QUESTION, n_sentences=1)[0].sentence


def test_a_quotation_is_found_where_it_stands(qa: OpenDomainQA, sentence: str) -> None:
    shouted = f"“{sentence.upper()}”".replace(" ", "  ")
    (match,) = qa.check_quote(shouted)
    assert match.is_exact and match.similarity == 1 and match.passage_id == "piano-1"
    assert match.text == match.passage[match.start : match.end]
    assert match.text.rstrip(".") == sentence.rstrip(".")
    assert match.answer is None and match.agreement is None


def test_a_misquotation_is_aligned(qa: OpenDomainQA, sentence: str) -> None:
    (match,) = qa.check_quote(sentence.replace("88", "eighty-eight"), min_similarity=0.5)[:1]
    assert not match.is_exact and 0.7 < match.similarity < 1
    assert match.text.rstrip(".") == sentence.rstrip(".")
    assert qa.check_quote("The moon is made of green cheese from Gruyere") == []


def test_the_reader_tells_whether_it_answers_with_the_quotation(
    qa: OpenDomainQA, sentence: str
) -> None:
    (with_answer,) = qa.check_quote(sentence, question=QUESTION)
    assert with_answer.answer == "88" and (with_answer.agreement or 0) > 0.5
    (other,) = qa.check_quote(sentence, question="Who invented the piano?")
    assert other.answer != "88" and (other.agreement or 0) < 0.5


def test_a_quotation_is_found_in_provided_passages(qa: OpenDomainQA) -> None:
    given = [ProvidedPassage(text="No."), ProvidedPassage("toy", "It has 25 keys, all red.")]
    (match,) = qa.check_quote("25 keys", passages=given, question="How many keys?")
    assert (match.place, match.passage_id, match.text) == (1, "toy", "25 keys")
    assert match.answer and (match.agreement or 0) > 0.5


def test_all_words_are_enough_to_be_compared(qa: OpenDomainQA) -> None:
    """A short quotation is found in a passage that BM25 alone would rank low."""
    hits = qa.index.bm25.search_all_words("the first city", 200)
    assert len(hits) > 1
    text = qa.index.passage(hits[-1].ordinal).text
    assert all(
        qa.index.bm25.words(word)[0] in qa.index.bm25.words(text) for word in ("first", "city")
    )
    assert qa.index.bm25.search_all_words("the", 5) == []


def test_what_cannot_be_checked_is_refused(qa: OpenDomainQA) -> None:
    refused: list[tuple[Any, dict[str, Any], str]] = [
        ("…", {}, "quote: expected some words"),
        ("river", {"min_similarity": 2}, "min_similarity"),
        ("river", {"question": " "}, "expected some words"),
        ("river", {"top_k": 0}, "top_k"),
        ("", {}, "quote: expected some words, found ''"),
        (5, {}, "quote: expected text, found 5"),
        ("river " * 2_000, {}, "quote: expected at most 10,000 characters, found 12,000"),
    ]
    for quote, options, message in refused:
        with pytest.raises(PrereadError, match=message):
            qa.check_quote(quote, **options)
