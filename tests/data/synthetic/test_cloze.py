"""Questions made of text alone."""

import re

from hypothesis import given
from hypothesis import strategies as st
from preread.data import Passage, cloze_examples, read_corpus
from preread.data.sample import sample_corpus_path

TEXT = (
    "Mount Etna last erupted in 2021, to the surprise of nobody who lives in Catania. "
    "Lava from the crater stopped well above the gardens and the vineyards of the slope. "
    "The people of Catania swept black sand from their streets for most of a week."
)


def test_recurring_span_is_asked_for_by_its_sentence() -> None:
    (example,) = cloze_examples([Passage("7", TEXT, "Etna")])
    assert example.answers == ("Catania",)
    assert example.example_id == "7-0" and example.title == "Etna"
    assert example.question in (
        "Mount Etna last erupted in 2021, to the surprise of nobody who lives in what?",
        "The people of what swept black sand from their streets for most of a week?",
    )
    kept = TEXT.split(". ")[1]
    assert kept in example.context and "Catania" in example.context


def test_answers_stand_at_their_offsets_and_never_in_the_question() -> None:
    examples = list(cloze_examples(read_corpus(sample_corpus_path()), per_passage=9))
    assert len(examples) > 100
    for example in examples:
        for answer, start in zip(example.answers, example.answer_starts, strict=True):
            assert example.context[start : start + len(answer)] == answer
        assert not re.search(rf"(?<!\w){re.escape(example.answers[0])}(?!\w)", example.question)
        assert example.question.endswith("?")


def test_same_seed_same_examples_whatever_else_is_in_the_corpus() -> None:
    passages = list(read_corpus(sample_corpus_path()))
    whole = {e.example_id: e for e in cloze_examples(passages, seed=3)}
    some = list(cloze_examples(passages[40:80], seed=3))
    assert some and all(whole[e.example_id] == e for e in some)
    assert some != list(cloze_examples(passages[40:80], seed=4))


def test_limits_and_texts_left_out() -> None:
    passages = list(read_corpus(sample_corpus_path()))
    one = [e.example_id for e in cloze_examples(passages, per_passage=1)]
    assert len(one) == len(set(one)) and all(name.endswith("-0") for name in one)
    assert not list(cloze_examples(passages, leave_out=[p.text for p in passages]))
    other_printing = [p.text.upper().replace(" ", "  ").replace(".", " .") for p in passages]
    assert not list(cloze_examples(passages, leave_out=other_printing))


def test_what_the_page_is_about_is_not_asked_for() -> None:
    text = "Etna is high. Etna is hot. " + "Nothing else is said of it in all of these words. " * 3
    answers = {e.answers[0] for e in cloze_examples([Passage("1", text, "Etna")], per_passage=99)}
    assert "Etna" not in answers


@given(st.lists(st.sampled_from(["Rome", "the", "in", "2021", "red", "fox.", "Oslo,", "\n"])))
def test_any_text_gives_sound_examples_or_none(words: list[str]) -> None:
    for example in cloze_examples([Passage("1", " ".join(words))], per_passage=3):
        for answer, start in zip(example.answers, example.answer_starts, strict=True):
            assert example.context[start : start + len(answer)] == answer
