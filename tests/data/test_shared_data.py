"""The real data sets: exact counts, and the first, tenth and last record of the corpus."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from preread.data import (
    CorpusFormat,
    DataError,
    Passage,
    ReadingExample,
    detect_corpus_format,
    has_answer,
    read_corpus,
    read_examples,
    read_questions,
)


@pytest.fixture(scope="module")
def corpus(shared_data: Path) -> list[Passage]:
    """The small Wikipedia corpus."""
    path = shared_data / "corpus" / "wiki-passages-20k.tsv.gz"
    assert detect_corpus_format(path) is CorpusFormat.DPR
    return list(read_corpus(path))


def test_corpus_has_its_count_and_records(corpus: list[Passage]) -> None:
    assert len(corpus) == 20_000
    chosen = [corpus[0], corpus[9], corpus[-1]]
    assert [(p.passage_id, p.title) for p in chosen] == [
        ("1", "Davy Crockett"),
        ("68", "Pacific Coast"),
        ("202427", "Mahatma Gandhi"),
    ]
    assert corpus[0].text.startswith("that. He opposed Jackson's 1830 Indian Removal Act")
    assert corpus[0].text.endswith("introduced the land title resolution H.R.")
    assert max(len(passage.text) for passage in corpus) == 35_964


@pytest.mark.parametrize(
    ("name", "n_examples", "n_impossible", "n_unanswered"),
    [
        ("squad11-dev", 10_570, 0, 0),
        ("squad20-dev", 11_873, 5_945, 5_945),
        ("nq-dev-qed", 1_355, 0, 39),
    ],
)
def test_dev_set_is_complete(
    shared_data: Path, name: str, n_examples: int, n_impossible: int, n_unanswered: int
) -> None:
    examples = list(read_examples(shared_data / "dev" / f"{name}.jsonl.gz"))
    assert len(examples) == n_examples
    assert sum(example.is_impossible for example in examples) == n_impossible
    assert sum(not example.answers for example in examples) == n_unanswered


def test_nq_training_set_marks_answers_of_several_spans(shared_data: Path) -> None:
    examples: Iterator[ReadingExample] = read_examples(
        shared_data / "train" / "nq-train-qed.jsonl.gz"
    )
    marks = [example.multi_span for example in examples]
    assert (len(marks), sum(marks)) == (7_147, 96)


@pytest.mark.parametrize(
    ("name", "n_questions", "last"),
    [
        ("nq-open-dev-qed", 1_081, "who supported states rights during the civil war"),
        ("nq-open-efficientqa-dev", 1_800, "who is the supreme leader of north korea"),
    ],
)
def test_open_questions_are_complete(
    shared_data: Path, name: str, n_questions: int, last: str
) -> None:
    questions = list(read_questions(shared_data / "questions" / f"{name}.jsonl"))
    assert len(questions) == n_questions
    assert questions[-1].question == last
    assert all(question.answers for question in questions)


def test_first_question_has_its_answer_in_the_corpus(
    shared_data: Path, corpus: list[Passage]
) -> None:
    question = next(read_questions(shared_data / "questions" / "nq-open-dev-qed.jsonl"))
    assert any(has_answer(passage.text, question.answers) for passage in corpus)


@pytest.mark.parametrize("name", ["boolq-dev", "mnli-dev-part", "qqp-dev-part"])
def test_sentence_pairs_are_not_reading_examples(shared_data: Path, name: str) -> None:
    with pytest.raises(DataError, match="found a record with 'id', 'text_a', 'text_b'"):
        read_examples(shared_data / "dev" / f"{name}.jsonl.gz")
