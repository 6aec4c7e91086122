"""Scanning a corpus before it is encoded: its size, and the cost of its index."""

import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from ...data import Passage
from ...reader import Reader, Window
from ...reader.codecs import Codec
from ...reader.retrieval.head import RetrievalHead
from ..dense.head_encoder import PassagePooling
from .encode import LowerPass, encode_windows
from .executors.processes import one_thread

_SAMPLE = 5_000
"""Number of passages from which a codec is learned, and on which speed is measured."""
_SECONDS = 2.0
"""Duration of the measurement of speed."""
_SIDE_BYTES = 60
"""Bytes of a passage besides codes, token ids and texts: lengths, checksums, lookup."""
_VECTOR_BYTES = 2
"""Bytes of a number in a vector."""
_LUCENE_SHARE = 0.45
"""Size of the BM25 index relative to the texts."""


@dataclass(frozen=True, slots=True)
class CorpusScan:
    """Size of a corpus, and a sample of it."""

    n_passages: int
    n_characters: int
    """Number of characters in titles and texts."""
    sample: tuple[Passage, ...]
    """Passages drawn at random, in random order."""


@dataclass(frozen=True, slots=True)
class BuildEstimate:
    """Expected cost of an index."""

    n_passages: int
    n_tokens: int
    bytes: int
    """Size of the whole index folder."""
    seconds: float
    """Duration of encoding, which takes most of a build."""

    def __str__(self) -> str:
        """Return a sentence for people."""
        return (
            f"{self.n_passages:,} passages, about {self.n_tokens:,} tokens: about "
            f"{_size(self.bytes)} on disk, {_duration(self.seconds)} to encode."
        )


def _size(n_bytes: int) -> str:
    """A number of bytes with three digits, in kB, MB, GB or TB."""
    size = n_bytes / 1000
    for unit in ("kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} TB"


def _duration(seconds: float) -> str:
    """A time in seconds, in minutes, or in hours and minutes."""
    if seconds < 99.5:
        return f"{max(1, round(seconds))} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def scan_corpus(passages: Iterable[Passage], *, show_progress: bool) -> CorpusScan:
    """Count the passages of a corpus and draw a sample, the same for the same corpus.

    Args:
        passages: All passages of the corpus.
        show_progress: Draw a progress bar on standard error.

    Source: reservoir sampling, algorithm R of Vitter 1985 (https://doi.org/10.1145/3147.3165).
    """
    draw = random.Random(0)
    sample: list[Passage] = []
    n = n_characters = 0
    for passage in tqdm(
        passages, unit=" passages", desc="reading the corpus", disable=not show_progress, delay=1
    ):
        n += 1
        n_characters += len(passage.title) + len(passage.text)
        if len(sample) < _SAMPLE:
            sample.append(passage)
        elif (place := draw.randrange(n)) < _SAMPLE:
            sample[place] = passage
    draw.shuffle(sample)
    return CorpusScan(n, n_characters, tuple(sample))


def estimate(
    scan: CorpusScan,
    reader: Reader,
    codec: Codec,
    lower: LowerPass,
    workers: int,
    head: RetrievalHead | None = None,
) -> BuildEstimate:
    """Estimate the cost of an index by encoding some of the sample.

    Args:
        scan: Size and sample of the corpus.
        reader: Computes the states.
        codec: Turns states into codes.
        lower: How the reader's lower layers run.
        workers: Number of processes that encode, each of which is assumed to be as fast as one
            thread of this process.
        head: Makes vectors of the passages in the same pass; None makes no vectors.
    """
    encoded = reader.encoder.windows_of(scan.sample)
    n_sample_tokens = sum(len(w.token_ids) for of_passage in encoded for w in of_passage)
    n_sample_characters = sum(len(p.title) + len(p.text) for p in scan.sample)
    n_tokens = round(n_sample_tokens * scan.n_characters / max(1, n_sample_characters))
    with one_thread(reader):
        rate = _tokens_per_second(reader, codec, encoded, lower, head)
    seconds = n_tokens / rate / workers
    id_bytes = 2 if reader.config.vocab_size <= 1 << 16 else 4
    width = codec.code_width(reader.config.hidden_size) * codec.dtype.itemsize
    of_text = sum(len((p.title + p.text + p.passage_id).encode()) for p in scan.sample)
    of_text = round(of_text * scan.n_passages / max(1, len(scan.sample)))
    of_passage = _SIDE_BYTES + (0 if head is None else _VECTOR_BYTES * head.shape.width)
    total = n_tokens * (width + id_bytes) + scan.n_passages * of_passage
    return BuildEstimate(
        scan.n_passages, n_tokens, total + round((1 + _LUCENE_SHARE) * of_text), seconds
    )


def _tokens_per_second(
    reader: Reader,
    codec: Codec,
    encoded: Sequence[Sequence[Window]],
    lower: LowerPass,
    head: RetrievalHead | None,
) -> float:
    """Measure speed by encoding windows of passages for a moment, as a worker does."""
    pooling = None if head is None else PassagePooling(head, encoded)
    n_done = 0
    begin = time.perf_counter()
    for _, codes in encode_windows(encoded, reader, codec, lower, pooling):
        n_done += len(codes)
        if time.perf_counter() - begin > _SECONDS:
            break
    return n_done / (time.perf_counter() - begin)
