"""Batches of questions with their passages, and the vectors that a sentence encoder gives them."""

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from ....data import (
    OnError,
    OpenDomainExample,
    Passage,
    PrereadError,
    Question,
    ReadReport,
    read_corpus,
    read_open_domain_examples,
    read_questions,
)
from ....data.io.atomic import atomic_path
from ...packing import Movable, Packed
from ...text.windows import TextEncoder
from ..batches import BatchDataset
from ..datasets import repeat, warn_of_skipped
from .recipe import HeadRecipe, HeadSource

_Record = TypeVar("_Record", OpenDomainExample, Question)
Vectors = npt.NDArray[np.float32]
_TEXTS_AT_ONCE = 1024
"""Texts that are encoded before their vectors are written."""


class VectorTeacher(Protocol):
    """A sentence encoder."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides a vector, hexadecimal."""

    @property
    def width(self) -> int:
        """Numbers in a vector."""

    def encode_passages(self, passages: Sequence[Passage]) -> Vectors:
        """Vectors of passages. Shape ``(n_passages, width)``, of length 1."""

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Vectors of questions. Shape ``(n_queries, width)``, of length 1."""


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes of a training run, which share the work of encoding texts."""

    index: int = 0
    """Number of this process, from 0."""
    count: int = 1
    wait: Callable[[], None] = lambda: None
    """Returns when every process has called it."""


@dataclass(frozen=True, slots=True)
class HeadFeature:
    """A question, its passages, and the encoder's vectors of all of them."""

    question: str
    passages: tuple[Passage, ...]
    question_vector: npt.NDArray[np.float16]
    """Shape ``(width,)``."""
    passage_vectors: npt.NDArray[np.float16]
    """Shape ``(n_passages, width)``."""


@dataclass(frozen=True, slots=True)
class HeadBatch(Movable):
    """The inputs of a retrieval head, and the vectors that it is to come near."""

    questions: Packed
    """Token ids."""
    windows: Packed
    """Token ids of all windows of all passages."""
    owners: tuple[int, ...]
    """Number of the passage that each window belongs to."""
    question_vectors: Tensor
    """The encoder's. Shape ``(n_questions, width)``, float32."""
    passage_vectors: Tensor
    """The encoder's. Shape ``(n_passages, width)``, float32."""


@dataclass(frozen=True, slots=True)
class HeadCollator:
    """Packs features into a batch."""

    encoder: TextEncoder
    """The reader's; makes windows and token ids."""

    def __call__(self, features: Sequence[HeadFeature]) -> HeadBatch:
        """Pack the features of one batch. A passage that occurs twice is taken once.

        Args:
            features: At least one.
        """
        vectors = {
            passage: vector
            for feature in features
            for passage, vector in zip(feature.passages, feature.passage_vectors, strict=True)
        }
        passages = list(vectors)
        windows = self.encoder.windows_of(passages)
        questions = self.encoder.encode_questions([feature.question for feature in features])
        return HeadBatch(
            Packed.from_lists(questions),
            Packed.from_lists([window.token_ids for some in windows for window in some]),
            tuple(number for number, some in enumerate(windows) for _ in some),
            torch.from_numpy(np.stack([f.question_vector for f in features]).astype(np.float32)),
            torch.from_numpy(np.stack([vectors[p] for p in passages]).astype(np.float32)),
        )


def load_batches(
    recipe: HeadRecipe,
    data: Path,
    work: Path,
    encoder: TextEncoder,
    teacher: VectorTeacher,
    *,
    processes: Processes = Processes(),
    on_error: OnError = OnError.FAIL,
    show_progress: bool = False,
) -> BatchDataset[HeadFeature, HeadBatch]:
    """Read the examples of a recipe, encode their texts with the teacher, and lay out the batches.

    The teacher's vectors are kept in files, so that a run that was stopped goes on. Each process
    encodes its share of the texts.

    Args:
        recipe: Names the files.
        data: Folder of the files.
        work: Folder for the teacher's vectors.
        encoder: The reader's; makes windows and token ids.
        teacher: The sentence encoder.
        processes: The processes of the run, all of which call this function with the same recipe
            and folders.
        on_error: What a bad record does.
        show_progress: Draw progress bars on standard error.

    Raises:
        DataError: If a file cannot be read, or has a bad record and ``on_error`` is ``FAIL``.
        PrereadError: If the files hold no example.
    """
    draw = random.Random(recipe.seed)

    def read(
        sources: Sequence[HeadSource], records: Callable[..., Iterator[_Record]]
    ) -> list[_Record]:
        found: list[_Record] = []
        for source in sources:
            report = ReadReport()
            whole = list(records(data / source.file, on_error=on_error, report=report))
            warn_of_skipped(report)
            found += repeat(whole, source.weight, draw)
        return found

    asked: list[OpenDomainExample | Question] = [
        *read(recipe.sources, read_open_domain_examples),
        *read(recipe.question_lists, read_questions),
    ]
    if not asked:
        raise PrereadError("training: no example is left to learn from. Raise a source's weight.")
    others = _corpus_passages(recipe, data, draw, on_error)
    chosen: list[tuple[str, tuple[Passage, ...]]] = []
    for _ in range(recipe.epochs):
        draw.shuffle(asked)
        for one in asked:
            passages = _own_passages(one, recipe.negatives, draw)
            passages += tuple(next(others) for _ in range(recipe.corpus_passages))
            chosen.append((one.question, passages))
    features = _with_vectors(chosen, work, teacher, processes, show_progress)
    size = recipe.questions
    batches = [
        list(range(first, min(first + size, len(chosen)))) for first in range(0, len(chosen), size)
    ]
    return BatchDataset(features, batches, HeadCollator(encoder))


def _own_passages(
    one: OpenDomainExample | Question, n_negatives: int, draw: random.Random
) -> tuple[Passage, ...]:
    """The positive of a mined example and some of its negatives; nothing for a question alone."""
    if isinstance(one, Question):
        return ()
    negatives = draw.sample(one.negatives, min(n_negatives, len(one.negatives)))
    return (one.positive, *negatives)


def _corpus_passages(
    recipe: HeadRecipe, data: Path, draw: random.Random, on_error: OnError
) -> Iterator[Passage]:
    """The passages of the recipe's corpus in random order, again and again; nothing without one."""
    if not recipe.corpus:
        return
    report = ReadReport()
    passages = list(read_corpus(data / recipe.corpus, on_error=on_error, report=report))
    warn_of_skipped(report)
    while True:
        draw.shuffle(passages)
        yield from passages


def _with_vectors(
    chosen: Sequence[tuple[str, tuple[Passage, ...]]],
    work: Path,
    teacher: VectorTeacher,
    processes: Processes,
    show_progress: bool,
) -> list[HeadFeature]:
    """Features, with the teacher's vectors of each text made once."""
    questions = list(dict.fromkeys(question for question, _ in chosen))
    passages = list(dict.fromkeys(passage for _, some in chosen for passage in some))
    # Passages of like length are encoded together: their batches hold little padding.
    passages.sort(key=lambda passage: len(passage.text))
    chunks = [*_chunks(questions, teacher, work), *_chunks(passages, teacher, work)]
    work.mkdir(parents=True, exist_ok=True)
    total = len(questions) + len(passages)
    with tqdm(total=total, desc="teacher", unit=" texts", disable=not show_progress) as bar:
        for number, (texts, path) in enumerate(chunks):
            if number % processes.count == processes.index and not path.exists():
                _write_vectors(texts, path, teacher)
            bar.update(len(texts))
    processes.wait()
    vector = {
        text: row for texts, path in chunks for text, row in zip(texts, np.load(path), strict=True)
    }
    return [
        HeadFeature(question, some, vector[question], np.stack([vector[one] for one in some]))
        for question, some in chosen
    ]


def _chunks(
    texts: Sequence[str] | Sequence[Passage], teacher: VectorTeacher, work: Path
) -> Iterator[tuple[Sequence[str] | Sequence[Passage], Path]]:
    """Texts that are encoded together, and the file of their vectors."""
    for first in range(0, len(texts), _TEXTS_AT_ONCE):
        some = texts[first : first + _TEXTS_AT_ONCE]
        digest = hashlib.sha256(f"{teacher.fingerprint} {some!r}".encode()).hexdigest()
        yield some, work / f"vectors-{digest[:32]}.npy"


def _write_vectors(
    texts: Sequence[str] | Sequence[Passage], path: Path, teacher: VectorTeacher
) -> None:
    """Encode texts, and write their vectors in float16."""
    passages = [text for text in texts if isinstance(text, Passage)]
    queries = [text for text in texts if isinstance(text, str)]
    made = teacher.encode_passages(passages) if passages else teacher.encode_queries(queries)
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, made.astype("<f2"))
