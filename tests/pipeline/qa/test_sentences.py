"""Sentences that answer, and passages pruned to them."""

import math
from typing import Any

import pytest
from preread.data import Passage, PrereadError, read_corpus
from preread.data.sample import sample_corpus_path
from preread.data.text.sentences import sentence_ranges
from preread.pipeline import OpenDomainQA, ProvidedPassage
from preread.pipeline.qa.reading import PassageReader
from preread.pipeline.qa.sentences import DEFAULT_THRESHOLD, read_sentences
from preread.pipeline.qa.types import ReadRequest, RequestedPassage
from preread.reader import Reader

PIANO = "How many keys does a modern piano have?"


def test_scores_are_shares_of_the_spans_within_a_sentence(tiny_reader: Reader) -> None:
    """Against all spans of all windows, one by one."""
    texts = [passage.text for passage in list(read_corpus(sample_corpus_path()))[:4]]
    assert tiny_reader.config.has_no_answer_score is False
    model = tiny_reader.config
    passages = [RequestedPassage(None, Passage(str(n), text)) for n, text in enumerate(texts)]
    request = ReadRequest("who built it?", passages, [0.0, 3.0, 1.0, 2.0])
    reader = PassageReader(tiny_reader)
    (read,) = reader.logits([request])
    best = {one.passage: one.logit for one in reader.candidates(request, read, 1).candidates}
    (found,) = read_sentences(reader, [request], temperature=2.0)
    assert [one.place for one in found] == [0, 1, 2, 3]
    assert len(read.windows.lengths) > 6, "several windows"
    for one in found:
        tokens = tiny_reader.encoder.token_map(one.passage.text).tokens
        ranges = sentence_ranges(one.passage.text)
        assert [(s.start, s.end) for s in one.sentences] == ranges
        assert sum(s.n_tokens for s in one.sentences) == len(tokens)
        masses = []
        for start, end in ranges:
            inside = [t for t, where in enumerate(tokens) if start <= where[0] < end]
            of_windows = [0.0]
            row = 0
            for w, length in enumerate(read.windows.lengths):
                first, prefix = read.windows.first_token[w], read.windows.n_prefix[w]
                if read.windows.passage[w] == one.place:
                    rows = [
                        row + prefix + t - first
                        for t in inside
                        if 0 <= t - first < length - prefix - 1
                    ]
                    spans = (
                        read.logits.start[a] + read.logits.end[b]
                        for a in rows
                        for b in rows
                        if a <= b < a + model.max_answer_length
                    )
                    of_windows.append(sum(math.exp(span) for span in spans))
                row += length
            masses.append(max(of_windows))
        weight = math.exp((best[one.place] - max(best.values())) / 2)
        cooled = [math.sqrt(mass) for mass in masses]
        wanted = [weight * mass / sum(cooled) for mass in cooled]
        assert [s.score for s in one.sentences] == pytest.approx(wanted, rel=1e-4)


def test_the_sentence_with_the_answer_comes_first(qa: OpenDomainQA) -> None:
    found = qa.highlight(PIANO, n_sentences=3, min_score=0)
    best = found[0]
    assert best.passage_id == "piano-1" and "88" in best.sentence and best.score > 0.5
    assert best.passage[best.start : best.end] == best.sentence
    assert len(found) == 3 and [one.score for one in found] == sorted(
        (one.score for one in found), reverse=True
    )
    assert qa.highlight(PIANO, min_score=1) == []
    hits = qa.index.bm25.search(PIANO, 20)
    assert qa.index.passage(hits[best.place].ordinal).passage_id == "piano-1"


def test_provided_passages_are_highlighted_like_those_of_the_index(qa: OpenDomainQA) -> None:
    (ordinal,) = qa.index.find("piano-1")
    known = qa.index.passage(ordinal)
    text = known.text + " "  # not the same text, so that it goes through all layers
    by_id, by_text = (
        qa.highlight(PIANO, passages=[given])[0]
        for given in (ProvidedPassage("piano-1"), ProvidedPassage("x", text, known.title))
    )
    assert by_id.from_store and not by_text.from_store
    assert (by_id.start, by_id.end) == (by_text.start, by_text.end)
    assert by_id.score == pytest.approx(by_text.score, abs=0.01)
    assert qa.highlight(PIANO, passages=[ProvidedPassage(text=" ")]) == []
    assert qa.highlight(PIANO, passages=[]) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (3, "passages: expected a list of ProvidedPassage, found 3"),
        (["x"], r"passages\[0\]: expected a ProvidedPassage, found 'x'"),
        ([ProvidedPassage("piano-1"), None], r"passages\[1\]: expected a ProvidedPassage, found N"),
        ([{"text": 3}], r"passages\[0\]: text: expected text or None, found 3"),
        ([{"passage_id": 3}], r"passages\[0\]: passage_id: expected text or None, found 3"),
        ([{"text": "a", "title": 5}], r"passages\[0\]: title: expected text or None, found 5"),
        ([{"text": "a \udcff"}], r"passages\[0\]: text: expected UTF-8 text, found byte 0xff"),
        ([{"text": "a", "score": math.nan}], r"passages\[0\]: score must be a finite number"),
        ([{"text": "a", "score": "x"}], r"passages\[0\]: score must be a finite number"),
    ],
)
def test_passages_that_cannot_be_read_are_refused(qa: OpenDomainQA, given: Any, said: str) -> None:
    if isinstance(given, list):
        given = [ProvidedPassage(**one) if isinstance(one, dict) else one for one in given]
    for work in (qa.highlight, qa.check_quote):
        with pytest.raises(PrereadError, match=said):
            work("piano keys", passages=given)


def test_pruning_keeps_what_may_answer_in_reading_order(qa: OpenDomainQA) -> None:
    whole = qa.prune(PIANO, top_k=4, threshold=0)
    assert whole.n_tokens == whole.n_tokens_read > 0
    for context, hit in zip(whole.contexts, qa.retriever.search(PIANO, 4), strict=True):
        assert context.text == qa.index.passage(hit.ordinal).text
    few = qa.prune(PIANO, top_k=4)
    assert 0 < few.n_tokens < whole.n_tokens == few.n_tokens_read
    assert "88" in few.contexts[0].text
    places = [context.place for context in few.contexts]
    assert places == sorted(places)
    scores = {s.score for context in whole.contexts for s in context.sentences}
    kept = {s.score for context in few.contexts for s in context.sentences}
    assert kept == {score for score in scores if score >= DEFAULT_THRESHOLD}


def test_pruning_fills_a_budget_by_score(qa: OpenDomainQA) -> None:
    whole = qa.prune(PIANO, top_k=4, threshold=0)
    best = max((s for c in whole.contexts for s in c.sentences), key=lambda s: s.score)
    one = qa.prune(PIANO, top_k=4, threshold=0, max_tokens=best.n_tokens)
    assert [c.sentences for c in one.contexts] == [(best,)]
    words = qa.prune(PIANO, top_k=4, max_tokens=40, count_tokens=lambda text: len(text.split()))
    assert words.n_tokens <= 40
    assert words.n_tokens == sum(
        len(qa.index.passage(qa.index.find(c.passage_id)[0]).text[s.start : s.end].split())
        for c in words.contexts
        for s in c.sentences
    )
    gapped = next(c for c in qa.prune(PIANO, top_k=4, threshold=0, max_tokens=99).contexts)
    assert gapped.text.count(" … ") == sum(
        qa.index.passage(qa.index.find(gapped.passage_id)[0]).text[a.end : b.start].strip() != ""
        for a, b in zip(gapped.sentences, gapped.sentences[1:], strict=False)
    )
    for wrong in ({"threshold": 2.0}, {"max_tokens": 0}, {"top_k": 0}):
        with pytest.raises(PrereadError, match=next(iter(wrong))):
            qa.prune(PIANO, **wrong)
