"""The calls and replies of transformers' question answering pipeline."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from preread.data import PrereadError, read_corpus, read_gold
from preread.data.sample import sample_corpus_path, sample_questions_path
from preread.indexer import IndexConfig, PassageIndex, build_index
from preread.pipeline import OpenDomainQA, ProvidedPassage, QuestionAnswerer, read_provided
from preread.pipeline.qa.ranking import AnswerRule
from preread.reader import Reader

LIVE = "Where do I live?"
CONTEXT = "My name is Wolfgang, 🎶 is what I like, and I live in Berlin."
NAME = "What is my name?"


@pytest.fixture(scope="module")
def answerer(default_reader: Reader) -> QuestionAnswerer:
    """With the reader that ships."""
    return QuestionAnswerer(default_reader)


def test_one_question_gets_one_dictionary(answerer: QuestionAnswerer) -> None:
    found: Any = answerer(question=LIVE, context=CONTEXT)
    assert list(found) == ["score", "start", "end", "answer"]
    assert found["answer"] == "Berlin" == CONTEXT[found["start"] : found["end"]]
    assert 0 < found["score"] <= 1
    assert answerer({"question": LIVE, "context": CONTEXT}) == found
    assert answerer([{"question": LIVE, "context": CONTEXT}]) == found
    assert answerer(question=[LIVE], context=[CONTEXT]) == found


def test_several_questions_get_a_list(answerer: QuestionAnswerer) -> None:
    both: Any = answerer(question=[LIVE, NAME], context=CONTEXT)
    assert [one["answer"] for one in both] == ["Berlin", "Wolfgang"]
    assert answerer(question=[LIVE, NAME], context=[CONTEXT, CONTEXT]) == both
    examples = [{"question": q, "context": CONTEXT} for q in (LIVE, NAME)]
    assert answerer(examples) == both == answerer(*examples)


def test_calls_of_the_pipeline_that_it_stands_in_for(answerer: QuestionAnswerer) -> None:
    examples = [{"question": q, "context": CONTEXT} for q in (LIVE, NAME, LIVE)]
    replies: Any = answerer(examples)
    assert answerer(data=examples) == replies
    assert answerer(data=examples[0]) == replies[0]
    more: Any = {"padding": "max_length", "num_workers": 2}
    for size in (1, 2, 8):
        together: Any = answerer(examples, batch_size=size, **more)
        assert [one["answer"] for one in together] == ["Berlin", "Wolfgang", "Berlin"]
        scores = [one["score"] for one in replies]
        assert [one["score"] for one in together] == pytest.approx(scores, abs=1e-4)


class _Dataset:
    """A map-style dataset as PyTorch has it: nothing ends a loop over its places."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, place: int) -> dict[str, str]:
        return {"question": (LIVE, NAME)[place % 2], "context": CONTEXT}


def test_examples_come_as_the_pipeline_took_them(answerer: QuestionAnswerer) -> None:
    both = answerer(question=[LIVE, NAME], context=CONTEXT)
    assert answerer(LIVE, CONTEXT) == answerer(question=LIVE, context=CONTEXT)
    assert answerer(_Dataset()) == both == answerer(data=_Dataset())
    assert answerer(one for one in (_Dataset()[0], _Dataset()[1])) == both
    with pytest.raises(PrereadError, match="question: expected text, found 5"):
        answerer.highlight(5, CONTEXT)  # type: ignore[arg-type]
    with pytest.raises(PrereadError, match="context: expected text, found"):
        answerer.prune(LIVE, None)  # type: ignore[arg-type]


def test_several_answers_are_a_list_best_first(answerer: QuestionAnswerer) -> None:
    three: Any = answerer(question=LIVE, context=CONTEXT, top_k=3)
    scores = [one["score"] for one in three]
    assert 1 < len(three) <= 3 and scores == sorted(scores, reverse=True) and sum(scores) <= 1
    assert three[0] == answerer(question=LIVE, context=CONTEXT)
    short: Any = answerer(question=LIVE, context="Berlin", top_k=3)
    assert [one["answer"] for one in short] == ["Berlin"]
    lists: Any = answerer(question=[LIVE, NAME], context=CONTEXT, top_k=3)
    assert lists[0] == three and len(lists) == 2


def test_answers_are_those_of_passages_that_are_given(
    answerer: QuestionAnswerer, default_reader: Reader, tmp_path: Path
) -> None:
    """Of an index whose states are exact, as they are here."""
    config = IndexConfig(codec="float16", limit=3)
    build_index(sample_corpus_path(), tmp_path / "index", default_reader, config)
    qa = OpenDomainQA(PassageIndex(tmp_path / "index"), default_reader, rule=AnswerRule())
    context = f"{CONTEXT} I lived in Rome before, where my brother Carl has a house."
    (given,) = read_provided(qa, [LIVE], [[ProvidedPassage(text=context)]], n_answers=3)
    found: Any = answerer(question=LIVE, context=context, top_k=3, max_answer_len=30)
    wanted = [one.answer for one in given]
    assert len(found) == 3
    assert [(f["answer"], f["start"], f["end"]) for f in found] == [
        (a.answer, a.start, a.end) for a in wanted
    ]
    # The index rounds to float16.
    assert [f["score"] for f in found] == pytest.approx([a.score for a in wanted], abs=2e-3)


def test_that_there_is_no_answer_is_an_answer_if_asked(answerer: QuestionAnswerer) -> None:
    asked: Any = {"question": LIVE, "handle_impossible_answer": True, "top_k": 20}
    found: Any = answerer(context=CONTEXT, **asked)
    none = next(one for one in found if one["answer"] == "")
    assert (none["start"], none["end"]) == (0, 0)
    assert found[0]["answer"] == "Berlin" and 0 < none["score"] < found[0]["score"]
    asked["question"] = "Who invented the telephone?"
    for text in ("A toy piano has 25 keys.", "Sicily is an island in Italy.", "It rained all day."):
        off: Any = answerer(context=text, **asked)
        assert off[0]["answer"] == "" and off[0]["score"] > 0.5
        assert sum(one["score"] for one in off) <= 1


@pytest.mark.slow
def test_sentences_on_something_else_hold_no_answer(answerer: QuestionAnswerer) -> None:
    """Not all: a person's birthplace is taken for that of another. Nine in ten are told."""
    sentences = [p.text.split(". ")[0] + "." for p in read_corpus(sample_corpus_path())]
    told = []
    for number, gold in enumerate(read_gold(sample_questions_path())[::4]):
        text = sentences[(28 * number + 31) % len(sentences)]
        if not any(answer.lower() in text.lower() for answer in gold.answers):
            found: Any = answerer(
                question=gold.question, context=text, handle_impossible_answer=True
            )
            told.append(found["answer"] == "")
    assert len(told) > 80 and sum(told) >= 0.9 * len(told)


def test_a_reader_that_knows_no_null_says_so(tiny_reader: Reader) -> None:
    with pytest.raises(PrereadError, match="has_no_answer_score"):
        QuestionAnswerer(tiny_reader)(question=LIVE, context=CONTEXT, handle_impossible_answer=True)


def test_answers_are_no_longer_than_asked(answerer: QuestionAnswerer) -> None:
    context = "It was built between the years 1990 and 1994 by hand."
    asked: Any = {"question": "When was it built?", "context": context, "top_k": 5}
    found: Any = answerer(**asked, max_answer_len=1)
    assert found and all(len(one["answer"].split()) == 1 for one in found)


def test_words_are_cut_only_if_asked(answerer: QuestionAnswerer) -> None:
    asked: Any = {"question": NAME, "context": "xqzwvk", "max_answer_len": 1}
    whole: Any = answerer(**asked)
    cut: Any = answerer(**asked, align_to_words=False)
    assert whole["answer"] == "xqzwvk" and 0 < len(cut["answer"]) < 6


def test_long_contexts_are_read_in_chunks_of_the_size_asked_for(
    answerer: QuestionAnswerer,
) -> None:
    context = "Nothing is said here. " * 120 + CONTEXT
    choices: list[dict[str, Any]] = [
        {},
        {"max_seq_len": 128, "doc_stride": 16},
        {"doc_stride": 128},
    ]
    for sizes in choices:
        found: Any = answerer(question=LIVE, context=context, **sizes)
        assert found["answer"] == "Berlin" and found["start"] > len("Nothing is said here. ") * 120


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "question= and context="),
        ({"question": LIVE}, "context: expected text, found None"),
        ({"question": 5, "context": CONTEXT}, "question: expected text, found"),
        ({"question": [LIVE, 5], "context": CONTEXT}, r"question\[1\]: expected text, found 5"),
        ({"question": LIVE, "context": CONTEXT, "top_k": "3"}, "top_k must be a whole number"),
        ({"question": LIVE, "context": CONTEXT, "top_k": 2.5}, "top_k must be a whole number"),
        ({"question": "caf\udce9", "context": CONTEXT}, "question: expected UTF-8 text"),
        ({"question": LIVE, "context": "\udcff"}, "context: expected UTF-8 text"),
        ({"data": LIVE}, "expected a dictionary with question and context, .* found 'Where do"),
        ({"data": [LIVE, NAME]}, r"examples\[0\]: expected a dictionary with question and context"),
        ({"question": [LIVE, " "], "context": CONTEXT}, r"examples\[1\]: question: expected some"),
        ({"question": [LIVE] * 2, "context": [CONTEXT, "…"]}, r"examples\[1\]: context: expected"),
        ({"question": " ", "context": CONTEXT}, "question: expected some words"),
        ({"question": LIVE, "context": ""}, "context: expected some words"),
        ({"question": [LIVE], "context": [CONTEXT] * 2}, "as many contexts"),
        ({"question": LIVE, "context": CONTEXT, "top_k": 0}, "top_k"),
        ({"question": LIVE, "context": CONTEXT, "max_answer_len": 0}, "max_answer_len"),
        ({"question": LIVE, "context": CONTEXT, "doc_stride": 300}, "doc_stride"),
        ({"question": LIVE, "context": CONTEXT, "max_seq_len": 60}, "max_seq_len: expected 67"),
        ({"question": LIVE, "context": CONTEXT, "max_seq_len": 10}, "set max_question_len lower"),
        ({"question": LIVE, "context": CONTEXT, "batch_size": 0}, "batch_size"),
        ({"question": LIVE, "context": CONTEXT, "max_question_len": 3.5}, "max_question_len must"),
        ({"question": LIVE, "context": CONTEXT, "max_seq_len": "384"}, "max_seq_len must be a"),
        ({"question": LIVE, "context": CONTEXT, "doc_stride": 1.5}, "doc_stride must be a whole"),
        ({"question": LIVE, "context": "\u200b\u2060"}, "context: expected some words"),
        ({"question": "\u200b", "context": CONTEXT}, "question: expected some words"),
        ({"data": [{"question": LIVE}]}, "context: expected text, found None"),
        ({"question": LIVE, "context": CONTEXT, "max_seq_len": 4096}, "window_length"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    answerer: QuestionAnswerer, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(PrereadError, match=said):
        answerer(**asked)


def test_upper_layers_are_laid_out_once_for_all_calls(default_reader: Reader) -> None:
    answerer = QuestionAnswerer(default_reader)
    assert answerer._laid_out(None, 200, 20).runtime is answerer.reader.runtime


def test_sentences_of_contexts_are_highlighted_pruned_and_quoted(
    answerer: QuestionAnswerer,
) -> None:
    contexts = ["Paris is far. Nobody lives there.", "My name is Wolfgang. I live in Berlin."]
    best = answerer.highlight(LIVE, contexts)[0]
    assert (best.place, best.sentence) == (1, "I live in Berlin.") and best.score > 0.5
    assert answerer.highlight(LIVE, contexts[1])[0].place == 0
    pruned = answerer.prune(LIVE, contexts, max_tokens=8)
    assert [(one.place, one.text) for one in pruned.contexts] == [(1, "I live in Berlin.")]
    (match,) = answerer.check_quote("i live in  Berlin", contexts, question=LIVE)
    assert match.is_exact and match.place == 1 and match.answer == "Berlin"
    with pytest.raises(PrereadError, match="question: expected some words"):
        answerer.highlight(" ", contexts)


def test_what_has_no_sentences_to_read_is_refused(answerer: QuestionAnswerer) -> None:
    odd = "a b \udcff c"
    for work in (
        lambda: answerer.highlight(LIVE, odd),
        lambda: answerer.prune(LIVE, [CONTEXT, odd]),
        lambda: answerer.check_quote("a b", odd, question=LIVE),
    ):
        with pytest.raises(PrereadError, match=r"context(\[1\])?: expected UTF-8 text"):
            work()
    counters: list[tuple[Any, str]] = [
        (lambda text: None, "the result of count_tokens must be a whole number .* found None"),
        (3, "count_tokens: expected a function .* found 3"),
    ]
    for count, said in counters:
        with pytest.raises(PrereadError, match=said):
            answerer.prune(LIVE, CONTEXT, count_tokens=count)


@pytest.mark.parametrize("model", [None, 3, b"default"])
def test_a_model_of_another_type_is_refused(model: Any) -> None:
    with pytest.raises(PrereadError, match="model: expected a Reader, or the name .*, found"):
        QuestionAnswerer(model)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_process_answers(tmp_path: Path) -> None:
    """With two threads: those of the parent do not exist in the child."""
    script = tmp_path / "script.py"
    script.write_text(
        "import os\n"
        "from preread.pipeline import QuestionAnswerer\n"
        "asked = {'question': 'Who lives in Rome?', 'context': 'John lives in Rome.'}\n"
        "qa = QuestionAnswerer()\n"
        "print(qa(**asked)['answer'], flush=True)\n"
        "if not os.fork():\n"
        "    print(qa(**asked)['answer'], QuestionAnswerer()(**asked)['answer'], flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n",
        "utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split() == ["John"] * 3, done.stderr
