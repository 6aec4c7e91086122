"""Reads of readers that share the index's lower layers, and of others, which read the texts."""

from collections.abc import Sequence
from pathlib import Path

from preread.data import Question
from preread.indexer import PassageIndex
from preread.pipeline import OpenDomainQA
from preread.pipeline.calibration.reads import Reads, ReadSettings, collect_reads, keep_reads
from preread.pipeline.qa.reading import PassageReader
from preread.pipeline.qa.types import ReadRequest, RequestedPassage
from preread.pipeline.retrievers import Retriever
from preread.reader import Reader


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
    plain = PassageReader(reader)

    def read(question: Question) -> Reads:
        hits = retriever.search(question.question, top_k)
        passages = [RequestedPassage(None, index.passage(hit.ordinal)) for hit in hits]
        request = ReadRequest(question.question, passages, [0.0] * len(hits))
        (found,) = plain.read([request])
        return Reads.of(question, hits, found, index)

    settings = ReadSettings.of(index, reader, retriever, questions, top_k)
    return keep_reads(questions, read, settings, path, show_progress=True)
