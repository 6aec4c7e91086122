"""The tokenizer that goes with a checkpoint."""

from pathlib import Path

from transformers import BertTokenizer, PreTrainedTokenizerFast

from ...data import PrereadError
from ..checkpoints import shipped_reader_path
from ..text.windows import load_tokenizer
from .sources import CheckpointKind, Source

_VOCABULARIES = ("vocab.txt", "bert.vocab")
"""What a file of wordpieces is called by Google, and by the authors of DeFormer."""


def find_tokenizer(source: Source, chosen: str | None, vocab_size: int) -> PreTrainedTokenizerFast:
    """The tokenizer of a checkpoint, or one that was chosen.

    Args:
        source: The checkpoint. TensorFlow's knows no tokenizer; one beside its files is taken.
        chosen: A folder, a hub name, ``default`` (the shipped reader's, BERT's uncased one), or a
            file of wordpieces, one a line, which are of lower-case text.
        vocab_size: Rows of the model's table of words.

    Raises:
        PrereadError: If there is none, or it is not the model's.
    """
    place, tokenizer = _load(source, chosen)
    is_apart = chosen is not None or source.kind is CheckpointKind.TENSORFLOW
    if len(tokenizer) > vocab_size or (is_apart and len(tokenizer) != vocab_size):
        raise PrereadError(
            f"{place}: expected a tokenizer of {vocab_size} pieces, as many as {source.name} has "
            f"word embeddings, found {len(tokenizer)}. Name the model's own with --tokenizer."
        )
    return tokenizer


def write_vocabulary(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write the wordpieces, one a line, as the authors' code reads them."""
    pieces = sorted(tokenizer.get_vocab().items(), key=lambda piece: piece[1])
    text = "".join(f"{piece}\n" for piece, _ in pieces)
    (folder / _VOCABULARIES[-1]).write_text(text, "utf-8")


def _load(source: Source, chosen: str | None) -> tuple[str, PreTrainedTokenizerFast]:
    if chosen is None and source.kind is CheckpointKind.TENSORFLOW:
        chosen = _beside(source)
    name = str(shipped_reader_path(chosen) or chosen) if chosen else source.location
    if Path(name).is_file():
        return name, _of_wordpieces(Path(name))
    try:
        return name, load_tokenizer(name)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise PrereadError(f"{name}: tokenizer could not be loaded: {reason}") from error


def _beside(source: Source) -> str:
    """A tokenizer in the folder of a TensorFlow checkpoint."""
    folder = Path(source.location).parent
    if (folder / "tokenizer.json").is_file():
        return str(folder)
    for name in _VOCABULARIES:
        if (folder / name).is_file():
            return str(folder / name)
    raise PrereadError(
        f"{folder}: expected a tokenizer beside the checkpoint (tokenizer.json, "
        f"{' or '.join(_VOCABULARIES)}), found none. Name one with --tokenizer: a folder, a file "
        "of wordpieces, or `default` for BERT's uncased vocabulary."
    )


def _of_wordpieces(path: Path) -> PreTrainedTokenizerFast:
    """BERT's tokenizer of lower-case text, from its pieces."""
    try:
        pieces = path.read_text("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise PrereadError(f"{path}: expected wordpieces, one a line, in UTF-8: {error}") from None
    return BertTokenizer(vocab={piece: number for number, piece in enumerate(pieces)})
