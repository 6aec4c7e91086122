"""Features and batches."""

from collections.abc import Sequence

import pytest
import torch
from preread.data import OpenDomainExample, Passage, ReadingExample
from preread.reader import Reader
from preread.reader.training.batches import collate, make_batches
from preread.reader.training.features import Feature, FeatureMaker, token_range
from preread.reader.training.objective import SpanObjective

CONTEXT = "Etna is a volcano on Sicily. It erupted in 2021 and in 2022."


def example(question: str, answer: str, **changes: object) -> ReadingExample:
    """An example over `CONTEXT`."""
    fields: dict[str, object] = {
        "example_id": question,
        "question": question,
        "context": CONTEXT,
        "answers": (answer,),
        "answer_starts": (CONTEXT.index(answer),),
        **changes,
    }
    return ReadingExample(**fields)  # type: ignore[arg-type]


def open_domain_example(*negatives: str) -> OpenDomainExample:
    """An example whose positive is `CONTEXT`."""
    return OpenDomainExample(
        example_id="1",
        question="where is it?",
        answers=("Sicily",),
        positive=Passage("e", CONTEXT, "Etna"),
        answer="Sicily",
        answer_start=CONTEXT.index("Sicily"),
        negatives=tuple(Passage(str(i), text, "Other") for i, text in enumerate(negatives)),
    )


def make(reader: Reader, *examples: ReadingExample, limit: int = 8) -> list[Feature]:
    """Features of reading examples."""
    return FeatureMaker(reader.encoder).reading(examples, limit)


def decoded(reader: Reader, token_ids: Sequence[int]) -> str:
    """Tokens as text."""
    return str(reader.tokenizer.decode(list(token_ids)))


def answer_text(reader: Reader, feature: Feature, number: int = 0) -> str:
    """The gold tokens of a feature's question, as text."""
    question = feature.questions[number]
    assert question.window is not None
    ids = feature.windows[question.window].token_ids[question.start : question.end + 1]
    return decoded(reader, ids).replace(" ", "")


def test_answers_are_found_in_tokens() -> None:
    offsets = [(0, 4), (5, 7), (8, 9), (10, 17)]
    assert token_range(offsets, 5, 9) == (1, 2)
    assert token_range(offsets, 6, 11) == (1, 3)  # tokens that are only partly covered count
    assert token_range(offsets, 4, 5) is None


def test_questions_of_one_window_share_a_feature(tiny_reader: Reader) -> None:
    examples = [example("where?", "Sicily"), example("when?", "2021"), example("again?", "2022")]
    features = make(tiny_reader, *examples, limit=2)
    assert [len(f.questions) for f in features] == [2, 1]
    assert [answer_text(tiny_reader, features[0], i) for i in range(2)] == ["sicily", "2021"]
    assert answer_text(tiny_reader, features[1]) == "2022"


def test_title_shifts_the_span(tiny_reader: Reader) -> None:
    (feature,) = make(tiny_reader, example("where?", "Sicily", title="Mount Etna"))
    assert answer_text(tiny_reader, feature) == "sicily"


def test_examples_that_cannot_be_learned_are_counted_by_reason(tiny_reader: Reader) -> None:
    maker = FeatureMaker(tiny_reader.encoder)
    examples = [
        example("impossible?", "Sicily", is_impossible=True),
        example("several?", "Sicily", multi_span=True),
        example("none?", "Sicily", answers=(), answer_starts=()),
        example("blank?", "Sicily", answers=(" ",), answer_starts=(4,)),
        example("fine?", "Sicily"),
        example("too " * 80 + "long?", "Sicily"),
    ]
    features = maker.reading(examples, 8)
    assert sum(len(f.questions) for f in features) == 2
    assert maker.left_out == {"marked impossible": 1, "several spans": 1, "no answer": 2}
    assert maker.cut_questions == 1


def test_answer_longer_than_any_window_is_counted(tiny_reader: Reader) -> None:
    context = " ".join(f"{i}" for i in range(100))
    maker = FeatureMaker(tiny_reader.encoder)
    assert maker.reading([ReadingExample("1", "which?", context, (context,), (0,))], 8) == []
    assert maker.left_out == {"no window holds the answer": 1}


def test_answer_in_a_long_text_gets_the_window_that_shows_most_around_it(
    tiny_reader: Reader,
) -> None:
    context = " ".join(f"{i}" for i in range(100))
    start = context.index("50")
    (feature,) = make(tiny_reader, ReadingExample("1", "which?", context, ("50",), (start,)))
    (window,) = feature.windows
    assert window.first_token <= 40 and window.first_token + window.n_text >= 60


def test_random_negatives_are_other_contexts_without_the_answers(tiny_reader: Reader) -> None:
    texts = ["Stromboli is a volcano.", "Etna lies on Sicily, too.", "One toy piano has 25 keys."]
    others = [ReadingExample(text, "what?", text, (text.split()[0],), (0,)) for text in texts]
    examples = [example("where?", "Sicily"), example("when?", "2021"), *others]
    maker = FeatureMaker(tiny_reader.encoder)
    features = maker.reading(examples, 1, random_negatives=2)
    assert [len(f.windows) for f in features] == [3, 3, 3, 3, 3]
    # Both questions of the first context: what follows it, less the text that says "Sicily".
    for feature in features[:2]:
        read = [tiny_reader.tokenizer.decode(list(w.token_ids)) for w in feature.windows]
        assert "etna" in read[0] and "stromboli" in read[1] and "piano" in read[2]
        assert [q.window for q in feature.questions] == [0]
    # The last goes on at the first.
    assert features[-1].windows[1] == features[0].windows[0]


def test_article_negatives_have_the_title_of_the_context_and_not_the_answers(
    tiny_reader: Reader,
) -> None:
    texts = {
        "Etna erupted in 2021.": "Etna",
        "Vesuvius is a volcano.": "Vesuvius",
        "Etna is high.": "Etna",
        "Etna lies on Sicily, in Italy.": "Etna",
    }
    examples = [
        ReadingExample(text, "what?", text, (text.split()[0],), (0,), title)
        for text, title in texts.items()
    ]
    maker = FeatureMaker(tiny_reader.encoder)
    asked = ReadingExample("0", "when?", "Etna erupted in 2021.", ("2021",), (16,), "Etna")
    features = maker.reading([asked, *examples[1:]], 1, article_negatives=2, titles=False)
    read = [[decoded(tiny_reader, w.token_ids) for w in f.windows] for f in features]
    assert read[0] == ["etna erupted in 2021. [SEP]", "etna is high. [SEP]"] + [
        "etna lies on sicily, in italy. [SEP]"
    ]
    # Nothing else has Vesuvius' title, and all of Etna's hold the answer "Etna".
    assert [len(windows) for windows in read] == [3, 1, 1, 1]
    titled, *_ = maker.reading([asked, *examples[1:]], 1, 1, article_negatives=3)
    assert len(titled.windows) == 4  # the random one is among those of the title, or the other's
    assert decoded(tiny_reader, titled.windows[1].token_ids).startswith("etna [SEP]")


def test_contexts_without_a_title_have_no_article(tiny_reader: Reader) -> None:
    texts = ["Etna erupted in 2021.", "Stromboli is a volcano."]
    examples = [ReadingExample(text, "what?", text, (text.split()[0],), (0,)) for text in texts]
    features = FeatureMaker(tiny_reader.encoder).reading(examples, 1, article_negatives=2)
    assert [len(feature.windows) for feature in features] == [1, 1]


def test_there_may_be_fewer_contexts_than_negatives_asked_for(tiny_reader: Reader) -> None:
    maker = FeatureMaker(tiny_reader.encoder)
    (feature,) = maker.reading([example("where?", "Sicily")], 8, random_negatives=3)
    assert len(feature.windows) == 1


def test_open_domain_question_is_read_with_its_positive_first(tiny_reader: Reader) -> None:
    maker = FeatureMaker(tiny_reader.encoder)
    (feature,) = maker.open_domain([open_domain_example("Vesuvius.", "many words " * 40)])
    assert answer_text(tiny_reader, feature) == "sicily"
    assert [len(w.token_ids) for w in feature.windows][2] == 48  # the first window of the long one
    assert len(feature.windows) == 3


def test_batches_hold_every_feature_once_and_keep_their_size(tiny_reader: Reader) -> None:
    texts = [CONTEXT + " more" * i for i in range(20)]
    examples = [ReadingExample(t, "where?", t, ("Sicily",), (t.index("Sicily"),)) for t in texts]
    features = make(tiny_reader, *examples)
    for together in (1, 3):
        batches = make_batches(features, 120, seed=3, sorted_together=together)
        assert sorted(n for batch in batches for n in batch) == list(range(len(features)))
        assert all(sum(features[n].cost() for n in b) <= 120 or len(b) == 1 for b in batches)
        assert batches == make_batches(features, 120, seed=3, sorted_together=together)
        assert batches != make_batches(features, 120, seed=4, sorted_together=together)


def test_sorting_makes_pairs_of_a_batch_alike(tiny_reader: Reader) -> None:
    texts = [CONTEXT + " more" * (i % 25) for i in range(100)]
    examples = [
        ReadingExample(str(i), "where?", f"{i} {t}", ("Sicily",), (f"{i} {t}".index("Sicily"),))
        for i, t in enumerate(texts)
    ]
    features = make(tiny_reader, *examples)

    def padding(batches: list[list[int]]) -> int:
        return sum(
            max(features[n].longest() for n in b) - features[n].longest()
            for b in batches
            for n in b
        )

    plain = make_batches(features, 300, seed=1)
    assert padding(make_batches(features, 300, 1, sorted_together=20)) < 0.5 * padding(plain)


def test_collated_batch_fits_the_model_and_points_at_the_answers(tiny_reader: Reader) -> None:
    maker = FeatureMaker(tiny_reader.encoder)
    features = [
        *maker.open_domain([open_domain_example("Vesuvius is in Campania.")]),
        *maker.reading([example("when?", "2021", title="Etna"), example("what?", "volcano")], 8),
    ]
    batch = collate(features)
    assert batch.pairs == [(0, 0), (0, 1), (1, 2), (2, 3)]
    out = tiny_reader.model(batch.questions, batch.passages, batch.pairs)
    assert out.start.shape == batch.targets.is_text.shape and out.null.shape == (4, 2)
    assert batch.targets.gold_pair.tolist() == [0, 2, 3]
    rows = [t for _, p in batch.pairs for t in _segment(batch.passages.rows, batch, p)]
    said = [
        decoded(tiny_reader, rows[first : last + 1]).replace(" ", "")
        for first, last in zip(batch.targets.start, batch.targets.end, strict=True)
    ]
    assert said == ["sicily", "2021", "volcano"]
    assert batch.targets.is_text[batch.targets.start].all()
    assert batch.targets.question.tolist() == [
        q for q, p in batch.pairs for _ in range(batch.passages.lengths[p])
    ]


def _segment(rows: torch.Tensor, batch: object, number: int) -> list[int]:
    """Token ids of one window of a batch."""
    passages = batch.passages  # type: ignore[attr-defined]
    offsets = passages.offsets()
    found: list[int] = rows[offsets[number] : offsets[number + 1]].tolist()
    return found


@pytest.mark.parametrize("n_negatives", [0, 3])
def test_cost_counts_the_rows_of_the_upper_layers(tiny_reader: Reader, n_negatives: int) -> None:
    maker = FeatureMaker(tiny_reader.encoder)
    features = maker.open_domain([open_domain_example(*["Vesuvius."] * n_negatives)])
    batch = collate(features)
    rows = sum(batch.questions.lengths[q] + batch.passages.lengths[p] for q, p in batch.pairs)
    assert features[0].cost() == rows


def test_altered_questions_are_read_with_the_window_in_features_without_gold(
    tiny_reader: Reader,
) -> None:
    examples = [
        example("Which year was before 2022?", "2021"),
        example("It?", "Sicily"),  # nothing to alter
        example("What is the largest volcano?", "Etna"),
    ]
    maker = FeatureMaker(tiny_reader.encoder)
    asked, altered = maker.reading(examples, 8, altered_questions=1.0)
    assert [q.window for q in asked.questions] == [0, 0, 0] and asked.has_answer
    assert [q.window for q in altered.questions] == [None, None] and not altered.has_answer
    assert altered.windows == asked.windows
    texts = [decoded(tiny_reader, q.token_ids) for q in (*asked.questions, *altered.questions)]
    assert len(set(texts)) == 5
    batch = collate([altered, asked])
    targets = batch.targets
    assert (targets.n_questions, targets.n_pairs) == (5, 5)
    assert targets.gold_pair.tolist() == [0, 1, 2] and len(targets.start) == 3
    losses = SpanObjective(null_weight=1.0).losses(tiny_reader.model, batch)
    assert all(torch.isfinite(one) for one in losses.values())
    (none,) = FeatureMaker(tiny_reader.encoder).reading(examples, 8)
    assert [q.window for q in none.questions] == [0, 0, 0]
