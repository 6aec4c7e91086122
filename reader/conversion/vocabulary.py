"""The tokenizer of a checkpoint."""

from pathlib import Path

from transformers import BertTokenizer, PreTrainedTokenizerFast

from ...data import PrereadError
from ..hub import find_checkpoint
from ..text.windows import load_tokenizer
from .sources import CheckpointKind, Source

_VOCABULARIES = ("vocab.txt", "bert.vocab")
"""Names of a file of wordpieces: Google's, and that of DeFormer's authors."""


def find_tokenizer(source: Source, chosen: str | None, vocab_size: int) -> PreTrainedTokenizerFast:
    """Load the tokenizer of a checkpoint, or another one that the user chose.

    Args:
        source: The checkpoint. A TensorFlow checkpoint contains no tokenizer; one in its folder is
            used.
        chosen: Folder, hub name, ``default`` (BERT's uncased tokenizer, from the shipped reader),
            or a file of wordpieces of lower-case text, one on each line. None for the checkpoint's
            own.
        vocab_size: Number of rows of the model's word table.

    Raises:
        PrereadError: If there is no tokenizer, or it does not fit the model.
    """
    place, tokenizer = _load(source, chosen)
    is_apart = chosen is not None or source.kind is CheckpointKind.TENSORFLOW
    if len(tokenizer) > vocab_size or (is_apart and len(tokenizer) != vocab_size):
        raise PrereadError(
            f"{place}: expected a tokenizer of {vocab_size} pieces, as many as {source.name} has "
            f"word embeddings, found {len(tokenizer)}. Name the model's own tokenizer with "
            "--tokenizer."
        )
    return tokenizer


def write_vocabulary(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write the wordpieces, one on each line, as the authors' code reads them.

    Args:
        tokenizer: Tokenizer of the reader.
        folder: Folder of the checkpoint.
    """
    pieces = sorted(tokenizer.get_vocab().items(), key=lambda piece: piece[1])
    text = "".join(f"{piece}\n" for piece, _ in pieces)
    (folder / _VOCABULARIES[-1]).write_text(text, "utf-8")


def _load(source: Source, chosen: str | None) -> tuple[str, PreTrainedTokenizerFast]:
    if chosen is None and source.kind is CheckpointKind.TENSORFLOW:
        chosen = _beside(source)
    name = find_checkpoint(chosen) if chosen else source.location
    if Path(name).is_file():
        return name, _of_wordpieces(Path(name))
    return name, load_tokenizer(name)


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
    """BERT's tokenizer of lower-case text, from a file of wordpieces."""
    try:
        pieces = path.read_text("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise PrereadError(
            f"{path}: expected wordpieces in UTF-8, one on each line; found other bytes: {error}"
        ) from None
    return BertTokenizer(vocab={piece: number for number, piece in enumerate(pieces)})
