"""Hard negatives mined from the sample corpus, by real BM25."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from preread.data import (
    DataError,
    OnError,
    OpenDomainExample,
    Passage,
    PrereadError,
    Question,
    QuestionFormat,
    ReadingExample,
    ReadReport,
    has_answer,
    read_corpus,
    read_examples,
    read_open_domain_examples,
    read_questions,
)
from preread.data.sample import sample_corpus_path, sample_questions_path
from preread.indexer import PassageIndex
from preread.pipeline import (
    CorpusSearch,
    FoundPassage,
    Miner,
    SkipReason,
    mine_negatives,
    search_passages,
)
from preread.pipeline.confirmation import Confirmer
from preread.pipeline.retrievers import open_retriever
from preread.reader import Reader

Preread = Callable[..., Any]

ETNA = "Etna is a volcano on Sicily."


@pytest.fixture(scope="module")
def index(sample_index: Path) -> PassageIndex:
    """The sample corpus, opened."""
    return PassageIndex(sample_index)


@pytest.fixture(scope="module")
def reading_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample questions with their gold passages, as reading comprehension."""
    texts = {passage.passage_id: passage for passage in read_corpus(sample_corpus_path())}
    path = tmp_path_factory.mktemp("reading") / "reading.jsonl"
    lines = []
    for line in sample_questions_path().read_text("utf-8").splitlines():
        record = json.loads(line)
        answers = record["answer"][:1]
        gold = texts.get(record["passage_id"], Passage("", "Nothing of use.", "No_such_page"))
        reading = {"id": record["id"], "question": record["question"], "context": gold.text}
        reading |= {"title": gold.title.replace(" ", "_"), "answers": answers}
        lines.append(reading | {"answer_starts": [gold.text.index(a) for a in answers]})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


@pytest.fixture(params=["reading", "open"])
def questions_file(request: pytest.FixtureRequest, reading_file: Path) -> Path:
    """Both kinds of questions, one after the other."""
    return reading_file if request.param == "reading" else sample_questions_path()


def search_in(index: PassageIndex) -> Callable[[str, int], Sequence[FoundPassage]]:
    """BM25 of an index."""
    return partial(search_passages, index)


def found(*passages: Passage) -> Callable[[str, int], Sequence[FoundPassage]]:
    """A search that always finds the same passages."""

    def search(query: str, k: int) -> list[FoundPassage]:
        return [FoundPassage(rank, 1.0, p) for rank, p in enumerate(passages[:k], start=1)]

    return search


def ask_etna(*answers: str) -> Question:
    """A question without a context."""
    return Question("q", "where is etna", answers)


def read_etna(answer: str, **fields: Any) -> ReadingExample:
    """A question with its context."""
    start = ETNA.index(answer)
    return ReadingExample("q", "where is etna", ETNA, (answer,), (start,), **fields)


def mined(miner: Miner, question: Question | ReadingExample) -> OpenDomainExample:
    """The example, of which there must be one."""
    example = miner.mine(question)
    assert isinstance(example, OpenDomainExample)
    return example


@pytest.mark.slow
def test_no_negative_holds_an_answer(
    index: PassageIndex, questions_file: Path, tmp_path: Path
) -> None:
    output = tmp_path / "mined.jsonl"
    summary = mine_negatives(search_in(index), questions_file, output, negatives=5, limit=80)
    examples = list(read_open_domain_examples(output))
    assert len(examples) == summary["n_written"] > 60
    for example in examples:
        assert has_answer(example.positive.text, example.answers)
        for negative in example.negatives:
            assert not has_answer(negative.text, example.answers)
            assert not has_answer(negative.title, example.answers)
            assert negative.text != example.positive.text


def test_negatives_are_the_best_that_hold_no_answer(index: PassageIndex) -> None:
    miner = Miner(partial(search_passages, index), negatives=5, depth=30)
    for question in list(read_questions(sample_questions_path()))[:20]:
        ranked = [hit.passage for hit in search_passages(index, question.question, 30)]
        wrong = [
            p for p in ranked if not any(has_answer(t, question.answers) for t in (p.text, p.title))
        ]
        assert mined(miner, question).negatives == tuple(wrong[:5])


@pytest.mark.slow
def test_corpus_is_searched_without_an_index_to_the_same_end(
    index: PassageIndex, reading_file: Path, tmp_path: Path
) -> None:
    corpus = CorpusSearch(read_corpus(sample_corpus_path()))
    outputs = tmp_path / "index.jsonl", tmp_path / "corpus.jsonl"
    mine_negatives(search_in(index), reading_file, outputs[0], limit=20)
    mine_negatives(corpus, reading_file, outputs[1], limit=20)
    corpus.close()
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


@pytest.mark.slow
def test_contexts_left_out_are_never_negatives(
    index: PassageIndex, reading_file: Path, tmp_path: Path
) -> None:
    output, some = tmp_path / "mined.jsonl", tmp_path / "some.jsonl"
    lines = reading_file.read_text().splitlines()[:100]
    some.write_text("\n".join(lines))
    kept_back = {json.loads(line)["context"] for line in lines}
    mine_negatives(search_in(index), reading_file, output, leave_out=[some], limit=150)
    texts = [n.text for e in read_open_domain_examples(output) for n in e.negatives]
    assert texts and not kept_back & set(texts)


def test_positive_of_an_open_question_is_the_best_passage_with_an_answer(
    index: PassageIndex,
) -> None:
    miner = Miner(partial(search_passages, index))
    for question in list(read_questions(sample_questions_path()))[:20]:
        example = mined(miner, question)
        ranked = [hit.passage for hit in search_passages(index, question.question, 100)]
        assert example.positive == next(p for p in ranked if has_answer(p.text, question.answers))
        end = example.answer_start + len(example.answer)
        assert example.positive.text[example.answer_start : end] == example.answer
        assert example.answers == question.answers


@pytest.mark.slow
def test_same_questions_give_the_same_bytes_in_any_company(
    sample_index: Path, questions_file: Path, tmp_path: Path
) -> None:
    first, again, few = (tmp_path / name for name in ("1.jsonl.gz", "2.jsonl.gz", "3.jsonl"))
    mine_negatives(search_in(PassageIndex(sample_index)), questions_file, first, limit=20)
    mine_negatives(search_in(PassageIndex(sample_index)), questions_file, again, limit=20)
    assert first.read_bytes() == again.read_bytes()
    mine_negatives(search_in(PassageIndex(sample_index)), questions_file, few, limit=10)
    examples = list(read_open_domain_examples(first))
    assert list(read_open_domain_examples(few)) == examples[:10]


@pytest.mark.slow
def test_summary_counts_what_was_written_and_skipped(
    index: PassageIndex, reading_file: Path, tmp_path: Path
) -> None:
    summary = mine_negatives(search_in(index), reading_file, tmp_path / "mined.jsonl", negatives=5)
    assert summary["n_questions"] == 388
    assert summary["n_written"] == 364
    assert summary["n_skipped"] == {
        "impossible": 0,
        "multi_span": 0,
        "no_answer": 24,
        "no_positive": 0,
        "not_confirmed": 0,
    }
    examples = list(read_open_domain_examples(tmp_path / "mined.jsonl"))
    n_negatives = [len(example.negatives) for example in examples]
    assert summary["mean_negatives"] == pytest.approx(sum(n_negatives) / 364, abs=0.01)
    assert summary["n_without_negatives"] == n_negatives.count(0)


def test_given_context_is_the_positive_with_its_title_in_words() -> None:
    example = mined(Miner(found()), read_etna("Sicily", title="Mount_Etna"))
    assert example.positive == Passage("", ETNA, "Mount Etna")
    assert (example.answer, example.answer_start) == ("Sicily", 21)
    assert example.negatives == ()


@pytest.mark.parametrize(
    "copy", [ETNA, "ETNA is a volcano\non Sicily", "Etna is a volcano on Sicily ."]
)
def test_gold_context_is_no_negative_though_its_answer_ends_within_a_word(copy: str) -> None:
    passages = (Passage("1", copy), Passage("2", "Hekla is a volcano."))
    example = mined(Miner(found(*passages)), read_etna("volcan"))
    assert example.negatives == passages[1:]


def test_copies_of_a_negative_are_left_out() -> None:
    texts = ("Hekla is a volcano.", "Hekla is a  volcano", "Katla is a volcano.")
    passages = [Passage(str(number), text) for number, text in enumerate(texts)]
    example = mined(Miner(found(*passages)), read_etna("Sicily"))
    assert example.negatives == (passages[0], passages[2])


def test_passage_with_an_answer_in_its_title_is_no_negative() -> None:
    passages = (Passage("1", "An island.", "History of SICILY"), Passage("2", "An island."))
    assert mined(Miner(found(*passages)), read_etna("Sicily")).negatives == passages[1:]


def test_answer_in_the_title_alone_makes_no_positive() -> None:
    assert Miner(found(Passage("1", "An island.", "Sicily"))).mine(ask_etna("Sicily")) == (
        SkipReason.NO_POSITIVE
    )


FERRY = Passage("1", "Ferries to Sicily leave the port of Naples every evening in summer.", "Ports")
VOLCANO = Passage("2", "Etna is an active volcano on the east coast of Sicily.", "Mount Etna")


def test_a_reader_chooses_the_positive_among_passages_that_hold_the_answer() -> None:
    question = Question("q", "On which island is the volcano Etna?", ("Sicily",))
    search = found(FERRY, VOLCANO)
    assert mined(Miner(search), question).positive == FERRY
    confirm = Confirmer(Reader.load("default"))
    example = mined(Miner(search, confirm=confirm), question)
    assert example.positive == VOLCANO
    assert VOLCANO.text[example.answer_start :].startswith("Sicily") and example.answer == "Sicily"
    only_first = Miner(search, confirm=confirm, candidates=1)
    assert only_first.mine(question) is SkipReason.NOT_CONFIRMED
    assert Miner(found(), confirm=confirm).mine(question) is SkipReason.NO_POSITIVE


def test_contexts_that_are_left_out_are_no_positive() -> None:
    miner = Miner(found(FERRY, VOLCANO), leave_out=[FERRY.text])
    assert mined(miner, ask_etna("Sicily")).positive == VOLCANO


def test_passage_whose_answer_cannot_be_placed_is_neither_positive_nor_negative() -> None:
    # "=" is a token of the second only once the sign is decomposed, so no character is the answer.
    passages = (Passage("1", "\u2260"), Passage("2", "Here: ="), Passage("3", "Nothing"))
    example = mined(Miner(found(*passages)), ask_etna("="))
    assert (example.positive, example.answer_start) == (passages[1], 6)
    assert example.negatives == passages[2:]


def test_answers_of_curated_trec_are_patterns(tmp_path: Path) -> None:
    questions = tmp_path / "CuratedTrec-train.jsonl"
    record = {"question": "where is etna", "answer": [r"on\s+(sicily|sizilien)", "Catania"]}
    questions.write_text(json.dumps(record) + "\n", "utf-8")
    passages = (Passage("1", "Etna? On  Sizilien."), Passage("2", ETNA), Passage("3", "Hekla."))
    mine_negatives(found(*passages), questions, tmp_path / "mined.jsonl")
    example = next(iter(read_open_domain_examples(tmp_path / "mined.jsonl")))
    assert (example.positive.text, example.answer_start) == (passages[0].text, 6)
    assert example.answers == (example.answer,) == ("On  Sizilien",)
    assert [negative.text for negative in example.negatives] == ["Hekla."]


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (ReadingExample("q", "where", ETNA, is_impossible=True), SkipReason.IMPOSSIBLE),
        (read_etna("Sicily", multi_span=True), SkipReason.MULTI_SPAN),
        (ReadingExample("q", "where", ETNA), SkipReason.NO_ANSWER),
        (ask_etna(), SkipReason.NO_ANSWER),
        (ask_etna("Iceland"), SkipReason.NO_POSITIVE),
    ],
)
def test_question_without_an_example_says_why(
    question: Question | ReadingExample, reason: SkipReason
) -> None:
    assert Miner(found(Passage("1", ETNA))).mine(question) is reason


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"negatives": 0}, "negatives must be at least 1, found 0"),
        ({"negatives": 20, "depth": 19}, r"number of negatives \(20\), found 19"),
    ],
)
def test_numbers_out_of_range_are_refused(numbers: dict[str, Any], message: str) -> None:
    with pytest.raises(PrereadError, match=message):
        Miner(found(), **numbers)


def test_bad_record_is_named_before_anything_is_mined(
    index: PassageIndex, reading_file: Path, tmp_path: Path
) -> None:
    lines = reading_file.read_text("utf-8").splitlines(keepends=True)[:3]
    record = json.loads(lines[1])
    lines[1] = json.dumps(record | {"answer_starts": [record["answer_starts"][0] + 1]}) + "\n"
    bad, output = tmp_path / "bad.jsonl", tmp_path / "mined.jsonl"
    bad.write_text("".join(lines), "utf-8")
    with pytest.raises(DataError, match=r"bad.jsonl:2: .* expected the answer"):
        mine_negatives(search_in(index), bad, output)
    assert sorted(tmp_path.iterdir()) == [bad]
    report = ReadReport()
    summary = mine_negatives(search_in(index), bad, output, on_error=OnError.SKIP, report=report)
    assert (summary["n_questions"], report.n_skipped) == (2, 1)


def test_format_may_be_told(index: PassageIndex, reading_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "mined.jsonl"
    mine_negatives(search_in(index), reading_file, output, format=QuestionFormat.NQ_OPEN, limit=5)
    examples = list(read_open_domain_examples(output))
    assert all(example.positive.passage_id for example in examples)  # found, not given


def test_questions_without_one_example_leave_no_file(index: PassageIndex, tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"question": "volcano", "answer": ["no such words here"]}\n')
    with pytest.raises(PrereadError, match=r"made from its 1 questions \(no_positive: 1\)"):
        mine_negatives(search_in(index), questions, tmp_path / "mined.jsonl")
    assert sorted(tmp_path.iterdir()) == [questions]


def test_command_mines_and_prints_its_summary(
    preread: Preread, sample_index: Path, questions_file: Path, tmp_path: Path
) -> None:
    arguments = ("mine", sample_index, questions_file)
    numbers = ("--negatives", 3, "--depth", 50, "--limit", 10)
    as_json = preread(*arguments, tmp_path / "mined.jsonl.gz", *numbers, "--json")
    assert as_json.code == 0, as_json.err
    summary = json.loads(as_json.out)
    assert list(summary) == [
        "n_questions",
        "n_written",
        "n_skipped",
        "mean_negatives",
        "n_without_negatives",
    ]
    examples = list(read_open_domain_examples(tmp_path / "mined.jsonl.gz"))
    assert len(examples) == summary["n_written"] == summary["n_questions"] == 10
    assert max(len(example.negatives) for example in examples) == 3
    as_table = preread(*arguments, tmp_path / "again.jsonl", *numbers)
    assert "mean negatives" in as_table.out
    assert list(read_open_domain_examples(tmp_path / "again.jsonl")) == examples


def test_command_mines_what_any_retriever_finds(
    preread: Preread, dense_index: Path, reading_file: Path, tmp_path: Path
) -> None:
    output = tmp_path / "mined.jsonl"
    arguments = ("mine", dense_index, reading_file, output, "--retriever", "dense")
    done = preread(*arguments, "--negatives", 2, "--limit", 10, "--json")
    assert done.code == 0, done.err
    questions = list(read_examples(reading_file, limit=10))
    with PassageIndex(dense_index) as index:
        nearest = partial(search_passages, index, retriever=open_retriever(index, "dense"))
        by_vectors, by_words = (
            [mined(Miner(search, negatives=2), question) for question in questions]
            for search in (nearest, search_in(index))
        )
    assert list(read_open_domain_examples(output)) == by_vectors != by_words


def test_command_counts_skipped_records_on_standard_error(
    preread: Preread, sample_index: Path, tmp_path: Path
) -> None:
    questions = tmp_path / "questions.jsonl"
    first = sample_questions_path().read_text("utf-8").splitlines()[0]
    questions.write_text(f"{first}\n{{broken\n", "utf-8")
    output = tmp_path / "mined.jsonl"
    finished = preread("mine", sample_index, questions, output, "--on-error", "skip", "--json")
    assert finished.code == 0 and json.loads(finished.out)["n_written"] == 1
    assert "1 read, 1 skipped" in finished.err and "questions.jsonl:2" in finished.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{index}", "{questions}", "{tmp}/taken"), "taken: expected nothing there, found a file"),
        (("{index}", "{questions}", "{tmp}"), "found a folder. Remove it or name another file"),
        (("{index}", "{questions}", "{tmp}/no/mined"), "Make the folder first"),
        (
            ("{index}", "{tmp}/taken", "{tmp}/new"),
            "taken: expected questions in one of",
        ),
        (("{index}", "{tmp}/nowhere", "{tmp}/new"), "nowhere: expected a file"),
        (("{tmp}/nothing", "{questions}", "{tmp}/new"), "expected a corpus"),
        (("{index}", "{questions}", "{tmp}/new", "--depth", "5"), "depth must be at least"),
        (
            ("{corpus}", "{questions}", "{tmp}/new", "--retriever", "dense"),
            "expected an index, which --retriever dense searches",
        ),
    ],
)
def test_mistakes_give_one_clear_error_and_code_two(
    preread: Preread, sample_index: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "taken").write_text('{"text_a": "a", "text_b": "b"}\n')
    places = {"tmp": tmp_path, "index": sample_index, "questions": sample_questions_path()}
    places["corpus"] = sample_corpus_path()
    finished = preread("mine", *(argument.format(**places) for argument in arguments))
    assert (finished.code, finished.out) == (2, "")
    errors = [line for line in finished.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and message in errors[0], finished.err
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
