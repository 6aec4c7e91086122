"""Checkpoints from one form to another: what is asked, done, measured and warned of."""

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
    """A checkpoint as a reader, split where it is wanted."""

    model: DeformerForQuestionAnswering
    trained_at: int | None
    """How many lower layers it was trained with; None for an ordinary model."""
    left_out: UnusedVariables | None = None
    """Of a TensorFlow checkpoint."""
    ranking: Ranking | None = None
    """How answers are ranked; None where the source does not say."""


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
    """Write a checkpoint in another form.

    Args:
        source: A reader, an ordinary Hugging Face model with a span head, or a TensorFlow
            checkpoint of the code published with the paper; see `find_source`.
        target: Folder to be made.
        to: What it shall hold.
        num_lower_layers: Where the model is split; by default where the source is. An ordinary
            Hugging Face model has to be told.
        num_attention_heads: Of a TensorFlow checkpoint, which does not say; by default heads are 64
            wide.
        tokenizer: Instead of the source's own: a folder, hub name, file of wordpieces or
            ``default``.
        examples: Questions with contexts and answers, on which the model is measured unsplit and
            split.
        force: Replace a checkpoint at ``target``.
        show_progress: Draw progress bars on standard error.

    Returns:
        ``source``, ``source_kind``, ``target``, ``target_kind``, ``base``, ``num_hidden_layers``,
        ``num_lower_layers``, ``warnings``; ``left_out`` where the source is TensorFlow's;
        ``full``, ``decomposed`` (see `evaluate_reader`) and ``f1_loss`` where there are examples.

    Raises:
        PrereadError: If the source cannot be read, the target is taken, or they do not go together.
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
    """The source as a reader, split where it is wanted."""
    if heads is not None and source.kind is not CheckpointKind.TENSORFLOW:
        raise PrereadError(
            f"{source.name}: --num-attention-heads is for TensorFlow checkpoints; this one's "
            "configuration says it."
        )
    if source.kind is to and (to is CheckpointKind.HUGGING_FACE or num_lower_layers is None):
        raise PrereadError(
            f"{source.name}: it is a checkpoint of kind {to.value} already. Name another kind with "
            "--to" + ("." if to is CheckpointKind.HUGGING_FACE else ", or --num-lower-layers.")
        )
    if to is CheckpointKind.HUGGING_FACE and num_lower_layers is not None:
        raise PrereadError(
            "--num-lower-layers: an ordinary model is not split. Leave it out with --to "
            "huggingface."
        )
    if source.kind is CheckpointKind.HUGGING_FACE:
        if num_lower_layers is None:
            raise PrereadError(
                f"{source.name}: an ordinary model is not split yet. Say where with "
                "--num-lower-layers."
            )
        return _Loaded(split_vanilla(source.location, num_lower_layers), None)
    if source.kind is CheckpointKind.TENSORFLOW:
        model, scopes, left_out = read_tensorflow(Path(source.location), num_attention_heads=heads)
        loaded = _Loaded(model, scopes.num_lower_layers, left_out)
    else:
        reader = Reader.load(source.name)
        model = reader.model
        loaded = _Loaded(model, model.config.num_lower_layers, ranking=reader.ranking)
    if num_lower_layers in (None, model.config.num_lower_layers):
        return loaded
    model.config.num_lower_layers = num_lower_layers
    model.config.codec = "float16"  # a learned one is of the states of the old split
    model.config.check()
    ranking = loaded.ranking and loaded.ranking.handed_on(is_split_alike=False)
    return replace(loaded, ranking=ranking)


def _check_target(target: Path, source: Source, force: bool) -> None:
    """Refuse a place that is taken, before the work."""
    if not target.absolute().parent.is_dir():
        raise PrereadError(f"{target}: expected its folder to be there. Make the folder first.")
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
            f"{target}: the source lies there, and would be gone. Name another folder."
        )


def _warnings(loaded: _Loaded, to: CheckpointKind) -> list[str]:
    """What a person has to know of the result."""
    config = loaded.model.config
    k, trained_at = config.num_lower_layers, loaded.trained_at
    said = []
    if to is CheckpointKind.HUGGING_FACE:
        if trained_at:
            said.append(
                f"layers 0 to {trained_at - 1} were trained to see question and passage apart; in "
                "an ordinary model they see both, so that its answers differ from the reader's"
            )
        if trained_at is not None and config.max_position_embeddings is not None:
            said.append(
                "the reader was trained with passage positions from 0; an ordinary model's go on "
                "from the question's"
            )
    elif trained_at is None and (k or config.max_position_embeddings is not None):
        said.append(
            "these are an ordinary model's weights, split and not trained since: fine-tune the "
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
    """EM and F1 of a model, unsplit and split."""
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
    """Write all files of a checkpoint."""
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


def parse_kind(name: str) -> CheckpointKind:
    """A kind of checkpoint by its name.

    Raises:
        PrereadError: If there is none of that name.
    """
    try:
        return CheckpointKind(name)
    except ValueError:
        raise PrereadError(
            f"to: expected one of {', '.join(CheckpointKind)}, found {name!r}."
        ) from None
