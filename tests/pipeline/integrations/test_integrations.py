"""Components for other libraries, in pipelines of the libraries themselves."""

import os
from pathlib import Path
from typing import Any

import pytest
from preread.pipeline import OpenDomainQA
from preread.pipeline.qa.ranking import AnswerRule

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"  # it would be sent when a pipeline runs

PIANO = "How many keys does a modern piano have?"


@pytest.mark.slow
def test_a_haystack_pipeline_reads_what_its_retriever_found(
    qa: OpenDomainQA, sample_index: Path
) -> None:
    from haystack import Document, Pipeline
    from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from preread.pipeline.integrations.haystack import PrereadReader

    store = InMemoryDocumentStore()
    passages = [qa.index.passage(ordinal) for ordinal in range(len(qa.index))]
    store.write_documents([Document(id=p.passage_id, content=p.text) for p in passages])
    pipeline = Pipeline()
    pipeline.add_component("retriever", InMemoryBM25Retriever(store, top_k=5))
    pipeline.add_component("reader", PrereadReader(str(sample_index), top_k=2))
    pipeline.connect("retriever.documents", "reader.documents")
    ours = ["preread.pipeline.integrations.haystack"]  # Haystack loads no others unless told
    again = Pipeline.from_dict(pipeline.to_dict(), allowed_modules=ours)
    assert again.get_component("reader").top_k == 2
    run = pipeline.run({"retriever": {"query": PIANO}, "reader": {"query": PIANO}})
    first, _ = run["reader"]["answers"]
    assert first.data == "88" and first.document.id == "piano-1" and 0 < first.score <= 1
    span = first.document_offset
    assert first.document.content[span.start : span.end] == "88"
    assert type(first).from_dict(first.to_dict()) == first


@pytest.mark.slow
def test_a_haystack_reader_takes_no_and_empty_documents(sample_index: Path) -> None:
    from haystack import Document
    from preread.pipeline.integrations.haystack import PrereadReader

    reader = PrereadReader(str(sample_index))
    reader.warm_up()
    assert reader.run(query=PIANO, documents=[]) == {"answers": []}
    documents = [Document(id="none"), Document(id="toy", content="25 keys.")]
    (answer,) = reader.run(query=PIANO, documents=documents, top_k=1)["answers"]
    assert answer.document.id == "toy" and answer.data == "25"


@pytest.mark.slow
def test_a_haystack_component_answers_as_the_index(qa: OpenDomainQA, sample_index: Path) -> None:
    from preread.pipeline.integrations.haystack import PrereadAnswerer

    answers = PrereadAnswerer(str(sample_index)).run(query=PIANO, top_k=3)["answers"]
    wanted = qa(PIANO, n_answers=3)
    assert [a.data for a in answers] == [a.answer for a in wanted]
    assert [a.document.id for a in answers] == [a.passage_id for a in wanted]
    filtered = PrereadAnswerer(str(sample_index), filter={"page": 1})
    assert filtered.to_dict()["init_parameters"]["filter"] == {"page": 1}
    assert filtered.run(query=PIANO) == {"answers": []}
    assert filtered.run(query=PIANO, filter={"page": {"ne": 1}}, top_k=3)["answers"] == answers


@pytest.mark.slow
def test_a_langchain_retriever_returns_what_answers_first(qa: OpenDomainQA) -> None:
    from langchain_core.runnables import RunnableLambda
    from preread.pipeline.integrations.langchain import PrereadRetriever

    retriever = PrereadRetriever(qa=qa, k=3)
    documents = retriever.invoke(PIANO)
    spans = OpenDomainQA(qa.index, qa.reader, rule=AnswerRule())  # a document's score is one span's
    best = spans(PIANO)[0]
    first = documents[0].metadata
    assert len(documents) == 3 == len({d.id for d in documents})
    assert (first["answer"], first["docid"]) == (best.answer, best.passage_id)
    assert first["score"] == pytest.approx(best.score, abs=5e-3)  # of 3 passages, not 20
    assert documents[0].page_content[first["start"] : first["end"]] == best.answer
    scores = [d.metadata["score"] for d in documents]
    assert scores == sorted(scores, reverse=True)
    assert retriever.invoke(PIANO, filter={"page": 1}) == []  # the sample has no metadata
    chain = retriever | RunnableLambda(lambda found: found[0].metadata["answer"])
    assert chain.invoke(PIANO) == "88"


def test_pyterrier_transformers_compose(qa: OpenDomainQA) -> None:
    pt: Any = pytest.importorskip("pyterrier", reason="450 MB: an extra of its own")
    from preread.pipeline.integrations.pyterrier import PrereadReader, PrereadRetriever

    questions = pt.new.queries([PIANO, "Where does the Danube rise?"])
    retriever: Any = PrereadRetriever(qa, num_results=20)
    reader: Any = PrereadReader(qa)
    found = retriever.transform(questions)
    assert found["rank"].tolist()[:3] == [0, 1, 2] and found["qid"].nunique() == 2
    pipeline = retriever % 5 >> reader
    answers = pipeline.transform(questions)
    wanted = [qa(question, top_k=5)[0] for question in questions["query"]]
    assert answers["qanswer"].tolist() == [a.answer for a in wanted]
    assert answers["docno"].tolist() == [a.passage_id for a in wanted]
    compiled = pipeline.compile()
    assert compiled[0].num_results == 5
    assert compiled.transform(questions).equals(answers)
    assert reader.transform(found.iloc[:0]).empty
    filtered: Any = PrereadRetriever(qa, filter={"page": 1})  # the sample has no metadata
    assert filtered.fuse_rank_cutoff(5).transform(questions).empty
    assert not pt.java.started()
