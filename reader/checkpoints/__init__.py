"""The readers that ship with the package, one folder each."""

from pathlib import Path

DEFAULT_READER = "deformer-minilm-l6"


def shipped_reader_path(name: str) -> Path | None:
    """Folder of a shipped reader; None if the name is not that of one.

    Args:
        name: ``default`` or the name of a folder.
    """
    folder = Path(__file__).parent / (DEFAULT_READER if name == "default" else name)
    return folder if folder.parent == Path(__file__).parent and folder.is_dir() else None


def is_shipped(folder: str | Path) -> bool:
    """Whether a folder is that of a shipped reader, inside the installed package."""
    folder = Path(folder)
    here = Path(__file__)
    # In an editable installation this file may be a link into the sources, but its folder is not.
    return folder.resolve().parent in (here.parent.resolve(), here.resolve().parent)
