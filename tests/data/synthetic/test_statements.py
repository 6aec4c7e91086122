"""Questions made of statements."""

from hypothesis import given
from hypothesis import strategies as st
from preread.data import Passage, ReadingExample, read_corpus, statement_examples
from preread.data.sample import sample_corpus_path
from preread.data.text.sentences import WORD

SENTENCE = "He moved from Vienna to Paris in May 1778 with 24 trunks of printed music."


def of_sentence(title: str = "Mozart") -> list[ReadingExample]:
    """Many questions of one sentence."""
    return [
        example
        for seed in range(60)
        for example in statement_examples([Passage("1", SENTENCE, title)], seed=seed)
    ]


def test_names_dates_numbers_and_phrases_are_asked_for_by_fitting_words() -> None:
    examples = of_sentence()
    assert {"Paris", "May 1778", "24", "printed music"} <= {e.answers[0] for e in examples}
    fitting = {"May 1778": {"when", "date"}, "24": {"how", "number"}}
    for example in examples:
        words = fitting.get(example.answers[0])
        assert words is None or words & set(WORD.findall(example.question))


def test_answers_stand_at_their_offsets_and_never_in_the_question() -> None:
    examples = list(statement_examples(read_corpus(sample_corpus_path())))
    assert len(examples) > 500
    for example in examples:
        (answer,), (start,) = example.answers, example.answer_starts
        assert example.context[start : start + len(answer)] == answer
        assert answer.lower() not in example.question.lower().split()


def test_question_is_made_of_the_sentence_with_words_dropped_and_moved() -> None:
    examples = of_sentence(title="")
    known = {word.lower() for word in WORD.findall(SENTENCE)}
    for example in examples:
        words = {word.lower() for word in WORD.findall(example.question)}
        assert words - known <= set("what which who how when where much many date place in "
                                    "number year".split())  # fmt: skip
    assert len({e.question for e in examples}) > 40


def test_pronoun_at_the_beginning_mostly_becomes_the_title() -> None:
    questions = [e.question for e in of_sentence()]
    assert any("Mozart" in q for q in questions)
    assert not any("He" in q.split() for q in questions if "Mozart" in q)


def test_long_passages_are_cut_to_whole_sentences() -> None:
    passages = list(read_corpus(sample_corpus_path()))
    texts = {p.passage_id: p.text for p in passages}
    for example in statement_examples(passages, max_words=40):
        text = texts[example.example_id.rpartition("-")[0]]
        assert example.context in text and len(WORD.findall(example.context)) <= 60
    lengths = {len(e.context) for e in statement_examples(passages)}
    assert max(lengths) > 600


def test_same_seed_same_examples_whatever_else_is_in_the_corpus() -> None:
    passages = list(read_corpus(sample_corpus_path()))
    whole = {e.example_id: e for e in statement_examples(passages, seed=3)}
    some = list(statement_examples(passages[40:80], seed=3))
    assert some and all(whole[e.example_id] == e for e in some)
    assert some != list(statement_examples(passages[40:80], seed=4))


def test_limits_and_texts_left_out() -> None:
    passages = list(read_corpus(sample_corpus_path()))
    one = [e.example_id for e in statement_examples(passages, per_passage=1)]
    assert len(one) == len(set(one)) and all(name.endswith("-0") for name in one)
    assert not list(statement_examples(passages, leave_out=[p.text for p in passages]))
    other_printing = [p.text.upper().replace(" ", "  ").replace(".", " .") for p in passages]
    assert not list(statement_examples(passages, leave_out=other_printing))


@given(
    st.lists(
        st.sampled_from(["Rome", "the", "in", "2021", "It", "fox.", "Oslo,", "red", "\n", "*"])
    ),
    st.integers(1, 9),
)
def test_any_text_gives_sound_examples_or_none(words: list[str], max_words: int) -> None:
    passage = Passage("1", " ".join(words), "Fox")
    for example in statement_examples([passage], max_words=max_words):
        (answer,), (start,) = example.answers, example.answer_starts
        assert example.context[start : start + len(answer)] == answer
        assert example.context in passage.text
