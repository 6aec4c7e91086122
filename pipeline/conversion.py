"""Converting checkpoints: reader, Hugging Face model, TensorFlow checkpoint."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerFast

from ..data import PrereadError, ReadingExample
from ..data.modes import give_usual_mode
from ..indexer.storage.files import atomic_folder
from ..reader import DeformerConfig, DeformerForQuestionAnswering, Ranking, Reader
from ..reader.conversion import (
    CheckpointKind,
    Source,
    UnusedVariables,
    find_source,
    find_tokenizer,
    read_tensorflow,
    split_vanilla,
    vanilla_model,
    write_tensorflow,
)
from ..reader.conversion.tensorflow_model import activation_differs
from ..reader.conversion.vocabulary import write_vocabulary
from .evaluation.comprehension import ReadMode, evaluate_reader

_TENSORFLOW_NAME = "model.ckpt"


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A checkpoint as a split model."""

    model: DeformerForQuestionAnswering
    trained_at: int | None
    """Number of lower layers in training; None for a full model."""
    left_out: UnusedVariables | None = None
    """Variables of a TensorFlow checkpoint that have no use in a reader."""
    ranking: Ranking | None = None
    """Ranking of the source; None if it has none."""


def convert(
    source: str | Path,
    target: str | Path,
    *,
    to: CheckpointKind = CheckpointKind.READER,
    num_lower_layers: int | None = None,
    num_attention_heads: int | None = None,
    tokenizer: str | Path | None = None,
    examples: Sequence[ReadingExample] | None = None,
    force: bool = False,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Convert a checkpoint to another kind.

    Args:
        source: A reader, a Hugging Face model with a span head, or a TensorFlow checkpoint of the
            code published with the paper: ``default``, a folder, a hub name, or the path of a
            TensorFlow checkpoint.
        target: Folder to make.
        to: Kind of the new checkpoint.
        num_lower_layers: Number of lower layers; by default that of the source. It is required for
            a Hugging Face model.
        num_attention_heads: Number of heads of a TensorFlow checkpoint, which does not record it;
            by default the hidden size divided by 64.
        tokenizer: Replaces the tokenizer of the source: a folder, a hub name, a WordPiece
            vocabulary file, or ``default``.
        examples: Questions with contexts and answers, on which the full and the split model are
            measured.
        force: Replace a checkpoint at ``target``.
        show_progress: Draw progress bars on standard error.

    Returns:
        ``source``, ``source_kind``, ``target``, ``target_kind``, ``base``, ``num_hidden_layers``,
        ``num_lower_layers``, ``warnings``; ``left_out`` for a TensorFlow checkpoint; ``full``,
        ``decomposed`` (the results of `evaluate_reader`) and ``f1_loss`` with examples.

    Raises:
        PrereadError: If the source cannot be read, the target exists, or the arguments do not suit
            the source.
    """
    source, target = str(source), Path(target)
    found = find_source(source)
    _check_target(target, found, force)
    loaded = _load(found, to, num_lower_layers, num_attention_heads)
    config = loaded.model.config
    chosen = None if tokenizer is None else str(tokenizer)
    words = find_tokenizer(found, chosen, config.vocab_size)
    content: dict[str, Any] = {
        "source": source,
        "source_kind": found.kind.value,
        "target": str(target),
        "target_kind": to.value,
        "base": config.base,
        "num_hidden_layers": config.num_hidden_layers,
        "num_lower_layers": config.num_lower_layers,
        "warnings": _warnings(loaded, to),
    }
    if loaded.left_out is not None:
        content["left_out"] = asdict(loaded.left_out)
    if examples is not None:
        content |= _measure(loaded, words, examples, source, show_progress)
    with atomic_folder(target, replaces=force) as folder:
        _write(loaded, words, to, folder)
    return content


def _load(
    source: Source, to: CheckpointKind, num_lower_layers: int | None, heads: int | None
) -> _Loaded:
    """The source as a model with the wanted split."""
    if heads is not None and source.kind is not CheckpointKind.TENSORFLOW:
        raise PrereadError(
            f"{source.name}: --num-attention-heads is for TensorFlow checkpoints; the "
            "configuration of this one records it. Leave the option out."
        )
    if source.kind is to and (to is CheckpointKind.HUGGING_FACE or num_lower_layers is None):
        raise PrereadError(
            f"{source.name}: it is a checkpoint of kind {to.value} already. Name another kind with "
            "--to" + ("." if to is CheckpointKind.HUGGING_FACE else ", or --num-lower-layers.")
        )
    if to is CheckpointKind.HUGGING_FACE and num_lower_layers is not None:
        raise PrereadError(
            "--num-lower-layers: a full model is not split. Leave it out with --to huggingface."
        )
    if source.kind is CheckpointKind.HUGGING_FACE:
        if num_lower_layers is None:
            raise PrereadError(
                f"{source.name}: a full model has no split. Choose one with --num-lower-layers."
            )
        return _Loaded(split_vanilla(source.location, num_lower_layers), None)
    if source.kind is CheckpointKind.TENSORFLOW:
        model, scopes, left_out = read_tensorflow(Path(source.location), num_attention_heads=heads)
        loaded = _Loaded(model, scopes.num_lower_layers, left_out)
    else:
        reader = Reader.load(source.name)
        model = reader.model
        if num_lower_layers == model.config.num_lower_layers:
            raise PrereadError(
                f"{source.name}: it is split after {num_lower_layers} layers already. Name another "
                "number with --num-lower-layers, or copy its folder."
            )
        loaded = _Loaded(model, model.config.num_lower_layers, ranking=reader.ranking)
    if num_lower_layers in (None, model.config.num_lower_layers):
        return loaded
    model.config.num_lower_layers = num_lower_layers
    model.config.codec = "float16"  # a learned codec is one for the states of the old split
    model.config.check()
    ranking = loaded.ranking and loaded.ranking.handed_on(is_split_alike=False)
    return replace(loaded, ranking=ranking)


def _check_target(target: Path, source: Source, force: bool) -> None:
    """Check, before the work, that the target can be written."""
    if not target.absolute().parent.is_dir():
        raise PrereadError(f"{target}: expected its folder to exist. Make the folder first.")
    if not target.exists():
        return
    if not force:
        raise PrereadError(
            f"{target}: expected nothing there, found a {'folder' if target.is_dir() else 'file'}. "
            "Name another folder, or replace it with --force."
        )
    is_checkpoint = target.is_dir() and (
        (target / "config.json").is_file()
        or any(target.glob("*.index"))
        or not any(target.iterdir())
    )
    if not is_checkpoint:
        raise PrereadError(
            f"{target}: --force replaces a checkpoint or an empty folder, and found something "
            "else. Name another folder."
        )
    if source.folder.resolve().is_relative_to(target.resolve()):
        raise PrereadError(
            f"{target}: the source is inside it and would be lost. Name another folder."
        )


def _warnings(loaded: _Loaded, to: CheckpointKind) -> list[str]:
    """Warnings about the answers of the new checkpoint."""
    config = loaded.model.config
    k, trained_at = config.num_lower_layers, loaded.trained_at
    said = []
    if to is CheckpointKind.HUGGING_FACE:
        if trained_at:
            said.append(
                f"layers 0 to {trained_at - 1} were trained to see question and passage apart; in "
                "a full model they see both, so that its answers differ from the reader's"
            )
        if trained_at is not None and config.max_position_embeddings is not None:
            said.append(
                "the reader was trained with positions of passages from 0; in a full model they "
                "continue those of the question"
            )
    elif trained_at is None and (k or config.max_position_embeddings is not None):
        said.append(
            "these are the weights of a full model, split without further training: fine-tune the "
            "reader before use (docs/guide/training.md)"
        )
    elif trained_at is not None and k != trained_at:
        said.append(
            f"the reader was trained with {trained_at} lower layers, not {k}: fine-tune it before "
            "use (docs/guide/training.md)"
        )
    if to is CheckpointKind.TENSORFLOW and activation_differs(config):
        said.append(
            f"the reader was trained with {config.hidden_act}; the authors' code computes "
            "gelu_new, so that logits differ a little"
        )
    return said


def _measure(
    loaded: _Loaded,
    tokenizer: PreTrainedTokenizerFast,
    examples: Sequence[ReadingExample],
    name: str,
    show_progress: bool,
) -> dict[str, Any]:
    """EM and F1 of the full and the split model."""
    model = loaded.model
    whole_config = DeformerConfig(**{**model.config.to_dict(), "num_lower_layers": 0})
    whole = DeformerForQuestionAnswering(whole_config)
    whole.load_state_dict(model.state_dict(), assign=True)
    scores = {
        mode.value: evaluate_reader(
            Reader(of, tokenizer, name=name, ranking=loaded.ranking),
            examples,
            mode=mode,
            show_progress=show_progress,
        )
        for mode, of in ((ReadMode.FULL, whole), (ReadMode.DECOMPOSED, model))
    }
    full, split = scores.values()
    return {**scores, "f1_loss": round(full["f1"] - split["f1"], 2)}


def _write(
    loaded: _Loaded,
    tokenizer: PreTrainedTokenizerFast,
    to: CheckpointKind,
    folder: Path,
) -> None:
    model = loaded.model
    tokenizer.save_pretrained(folder)
    if to is CheckpointKind.READER:
        model.save_pretrained(folder)
        if loaded.ranking is not None:
            loaded.ranking.save(folder)
    elif to is CheckpointKind.HUGGING_FACE:
        vanilla_model(model).save_pretrained(folder)
    else:
        write_tensorflow(model, folder / _TENSORFLOW_NAME)
        write_vocabulary(tokenizer, folder)
    for path in folder.iterdir():
        give_usual_mode(path)
