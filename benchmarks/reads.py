"""Reads of readers that an index was made with, and of others, which read the passages' texts."""

from collections.abc import Sequence
from pathlib import Path

from preread.data import Question
from preread.indexer import PassageIndex
from preread.pipeline import OpenDomainQA
from preread.pipeline.answering import Answerer, ReadOff
from preread.pipeline.ranking import AnswerRule
from preread.pipeline.reads import UNWEIGHED, Reads, ReadSettings, collect_reads, keep_reads
from preread.pipeline.retrievers import Retriever
from preread.reader import Reader
from preread.reader.window_table import window_table


def read_all(
    index: PassageIndex,
    retriever: Retriever,
    reader: Reader,
    questions: Sequence[Question],
    top_k: int,
    path: Path,
) -> list[Reads]:
    """Read all questions, but for those that the file holds already.

    Args:
        index: Where the passages are.
        retriever: What finds them.
        reader: What reads them: their states, or their texts where it has other lower layers than
            the index's reader.
        questions: What is asked.
        top_k: Passages that are read for each question.
        path: File that keeps what is read.
    """
    if reader.fingerprint == index.manifest.plan.fingerprint:
        qa = OpenDomainQA(index, reader, retriever)
        return collect_reads(qa, questions, top_k, path, show_progress=True)
    plain = reader.with_ranking(UNWEIGHED)
    answerer = Answerer(plain, AnswerRule.of(UNWEIGHED))

    def read(question: Question) -> Reads:
        hits = retriever.search(question.question, top_k)
        if not hits:
            return Reads.of(question, hits, ReadOff(), index)
        passages = [index.passage(hit.ordinal) for hit in hits]
        encoded = plain.encoder.encode_passages(
            [p.text for p in passages], [p.title for p in passages]
        )
        flat = [(n, window) for n, windows in enumerate(encoded) for window in windows]
        table = window_table([(len(w.token_ids), w.n_prefix, w.first_token, n) for n, w in flat])
        states = plain.window_states([window for _, window in flat])
        logits = plain.logits(plain.question_states(question.question), states)
        found = answerer.read_off(logits, table, [0.0] * len(hits), passages.__getitem__)
        return Reads.of(question, hits, found, index)

    settings = ReadSettings.of(index, reader, retriever, questions, top_k)
    return keep_reads(questions, read, settings, path, show_progress=True)
