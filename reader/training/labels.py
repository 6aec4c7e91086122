"""A teacher's logits, computed once and stored, so that no training step runs the teacher.

The teacher may have another number of layers, another width and other special tokens than the
student. Its vocabulary must have every word piece of the student's. Its input is the student's,
piece by piece, so that each of its logits belongs to one row of the student's window.

Files of a folder of labels::

    labels.json                what was labelled, and by what; written last
    part-00000.safetensors     of 256 features: ``start`` and ``end`` (float16, a number a row) and
                               ``null`` (float16, two numbers a pair), in the order of the pairs

The pairs of a feature are ordered as `batches.collate` orders them: each question with each window.

Source: Hinton et al. 2015 (https://arxiv.org/abs/1503.02531).
"""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from tqdm import tqdm
from transformers import PreTrainedTokenizerFast

from ...data import PrereadError
from ...data.io.atomic import atomic_path
from ...data.io.system_errors import advice_on, reason_of
from ..inference.mixed_precision import MixedPrecision, uses_bfloat16
from ..modeling.fingerprint import weights_sha256
from ..modeling.question_answering import DeformerForQuestionAnswering, SpanLogits
from ..packing import Packed
from ..reader import Reader
from .batches import make_batches
from .features import Feature, Taught
from .piece_map import PieceMap

FEATURES_PER_PART = 256
_MANIFEST = "labels.json"
_ROWS_AT_ONCE = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelReport:
    """The contents of a folder of labels."""

    teacher: str
    """The teacher's name or folder."""
    weights_sha256: str
    """SHA-256 of the teacher's weights, hexadecimal."""
    features_sha256: str
    """SHA-256 of the labelled features (`features_sha256`), hexadecimal."""
    n_features: int
    n_pairs: int
    n_rows: int
    n_bytes: int
    """Size of all parts."""
    seconds_per_1000_pairs: float | None
    """Of the run that finished; None where all parts were there before it."""


def labelled(features: Sequence[Feature]) -> list[Feature]:
    """The features that a teacher labels: those with an answer. Of others "no answer" is known.

    Args:
        features: All features of a training, in their order.
    """
    return [feature for feature in features if feature.has_answer]


def features_sha256(features: Sequence[Feature]) -> str:
    """SHA-256 of token ids and gold spans of features, hexadecimal.

    Args:
        features: In their order.
    """
    digest = hashlib.sha256()
    for feature in features:
        windows = [window.token_ids for window in feature.windows]
        questions = [(q.token_ids, q.window, q.start, q.end) for q in feature.questions]
        digest.update(repr((windows, questions)).encode())
    return digest.hexdigest()


def label_features(
    features: Sequence[Feature],
    student: PreTrainedTokenizerFast,
    teacher: Reader,
    folder: str | Path,
    *,
    precision: MixedPrecision = MixedPrecision.AUTO,
    show_progress: bool = False,
) -> LabelReport:
    """Write a teacher's logits for every pair of question and window.

    Parts that are there already are not made again, so that a run that was stopped goes on.

    Args:
        features: The features that the student is trained on. Those without an answer are left out
            (`labelled`).
        student: The student's tokenizer, which made their token ids.
        teacher: The reader whose logits are stored.
        folder: Folder for the labels; it is made if it does not exist.
        precision: Number format of the teacher's matrix products.
        show_progress: Draw a progress bar on standard error.

    Raises:
        PrereadError: If the teacher lacks word pieces, or the folder has labels of other features
            or of another teacher.
    """
    folder = Path(folder)
    features = labelled(features)
    pieces = PieceMap(
        student,
        teacher.tokenizer,
        begins_with_separator=teacher.config.begins_with_separator,
    )
    identity = {
        "teacher": teacher.name,
        "weights_sha256": weights_sha256(teacher.model),
        "features_sha256": features_sha256(features),
    }
    folder.mkdir(parents=True, exist_ok=True)
    _check_same(folder / _MANIFEST, identity)
    _write_json(folder / _MANIFEST, identity)
    sizes = [len(feature.questions) * len(feature.windows) for feature in features]
    bar = tqdm(total=sum(sizes), desc="labelling", unit=" pairs", disable=not show_progress)
    began, n_labelled, n_bytes = time.monotonic(), 0, 0
    with bar:
        for number, first in enumerate(range(0, len(features), FEATURES_PER_PART)):
            path = _part(folder, number)
            n_pairs = sum(sizes[first : first + FEATURES_PER_PART])
            if not path.is_file():
                some = features[first : first + FEATURES_PER_PART]
                _write_part(path, _logits(some, pieces, teacher.model, precision))
                n_labelled += n_pairs
            n_bytes += path.stat().st_size
            bar.update(n_pairs)
    spent = time.monotonic() - began
    report = LabelReport(
        **identity,
        n_features=len(features),
        n_pairs=sum(sizes),
        n_rows=sum(_n_rows(feature) for feature in features),
        n_bytes=n_bytes,
        seconds_per_1000_pairs=1000 * spent / n_labelled if n_labelled else None,
    )
    _write_json(folder / _MANIFEST, asdict(report))
    return report


def load_labels(folder: Path, features: Sequence[Feature]) -> list[Taught]:
    """Read what `label_features` wrote.

    Args:
        folder: Folder of labels.
        features: The features of the training, in their order.

    Returns:
        The logits of each feature's pairs, float16; none for a feature without an answer.

    Raises:
        PrereadError: If labels are missing, damaged, or of other features than these.
    """
    found = _read_json(folder / _MANIFEST)
    if "n_features" not in found:
        raise PrereadError(
            f"{folder}: expected finished labels, found some that `preread label` was still "
            "writing. Run that command again; it goes on where it stopped."
        )
    asked = labelled(features)
    wanted = features_sha256(asked)
    if found["features_sha256"] != wanted:
        raise PrereadError(
            f"{folder}: expected labels of the recipe's features ({wanted[:12]}), found labels "
            f"of others ({found['features_sha256'][:12]}). Data sets, seed, base or sources have "
            "changed since; label again with `preread label`."
        )
    labels: list[Taught] = []
    for number, first in enumerate(range(0, len(asked), FEATURES_PER_PART)):
        labels += _read_part(_part(folder, number), asked[first : first + FEATURES_PER_PART])
    of_answered = iter(labels)
    return [next(of_answered) if f.has_answer else Taught.nothing() for f in features]


def _logits(
    features: Sequence[Feature],
    pieces: PieceMap,
    teacher: DeformerForQuestionAnswering,
    precision: MixedPrecision,
) -> list[Taught]:
    """The teacher's logits of some features, in their order."""
    labels: dict[int, Taught] = {}
    batches = make_batches(features, _ROWS_AT_ONCE, seed=0, sorted_together=len(features))
    device = teacher.device
    half = uses_bfloat16(precision, device)
    for batch in batches:
        asked: list[list[int]] = []
        read: list[list[int]] = []
        pairs: list[tuple[int, int]] = []
        extra: list[int] = []
        for number in batch:
            feature = features[number]
            first_question, first_window = len(asked), len(read)
            asked += [pieces.question(q.token_ids) for q in feature.questions]
            windows = [pieces.window(w.token_ids) for w in feature.windows]
            read += [token_ids for token_ids, _ in windows]
            for q in range(len(feature.questions)):
                pairs += [(first_question + q, first_window + w) for w in range(len(windows))]
                extra += [n_more for _, n_more in windows]
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, half):
            logits: SpanLogits = teacher(
                Packed.from_lists(asked).to(device), Packed.from_lists(read).to(device), pairs
            )
        lengths = [len(read[window]) for _, window in pairs]
        starts, ends = (torch.split(x.cpu(), lengths) for x in (logits.start, logits.end))
        nulls = logits.null.cpu()
        first = 0
        for number in batch:
            n = len(features[number].questions) * len(features[number].windows)
            of = range(first, first + n)
            labels[number] = Taught(
                torch.cat([starts[p][extra[p] :] for p in of]).half(),
                torch.cat([ends[p][extra[p] :] for p in of]).half(),
                nulls[first : first + n].half(),
            )
            first += n
    return [labels[number] for number in range(len(features))]


def _n_rows(feature: Feature) -> int:
    """Window rows of all pairs of a feature."""
    return len(feature.questions) * sum(len(window.token_ids) for window in feature.windows)


def _part(folder: Path, number: int) -> Path:
    return folder / f"part-{number:05d}.safetensors"


def _write_part(path: Path, labels: Sequence[Taught]) -> None:
    """Write one part to a temporary file, then rename it."""
    columns = {
        name: torch.cat([getattr(one, name) for one in labels]) for name in ("start", "end", "null")
    }
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(columns))


def _read_part(path: Path, features: Sequence[Feature]) -> Iterator[Taught]:
    rows = [_n_rows(feature) for feature in features]
    pairs = [len(feature.questions) * len(feature.windows) for feature in features]
    try:
        stored = load_file(path)
        start, end = (torch.split(stored[name], rows) for name in ("start", "end"))
        null = torch.split(stored["null"], pairs)
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        remedy = advice_on(error) or (
            " Delete the file and run `preread label` again; it makes what is missing."
        )
        raise PrereadError(
            f"{path}: expected the labels of {sum(pairs)} pairs, which could not be read: "
            f"{error}.{remedy}"
        ) from error
    return (Taught(*columns) for columns in zip(start, end, null, strict=True))


def _check_same(path: Path, identity: dict[str, str]) -> None:
    """Refuse to mix labels in one folder."""
    if not path.exists():
        return
    found = _read_json(path)
    for name, wanted in identity.items():
        if found.get(name) != wanted:
            raise PrereadError(
                f"{path.parent}: expected labels with {name} {wanted!r}, found {name} "
                f"{found.get(name)!r}. Name another folder, or delete this one."
            )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PrereadError(
            f"{path}: expected labels that `preread label` wrote: {reason_of(error)}"
        ) from error
    except ValueError as error:
        raise PrereadError(f"{path}: expected JSON, found something else ({error}).") from error
    if not isinstance(content, dict):
        raise PrereadError(f"{path}: expected a JSON object, found {type(content).__name__}.")
    return content


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
