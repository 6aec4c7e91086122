"""Giving an index to another reader with the same lower layers."""

from dataclasses import replace
from pathlib import Path

from ...reader import Reader
from ..dense.build import load_encoder
from ..dense.kinds import READER
from ..index import PassageIndex
from ..storage.manifest import Manifest
from ..storage.snapshots import publish
from ..storage.writing import writing


def change_reader(index: str | Path, reader: Reader) -> Manifest:
    """Make another reader the one that an index is read with.

    The reader must have the lower layers that made the states, as a reader has whose upper layers
    were trained on. The states stay as they are. A process that has the index open keeps its
    reader; a server switches to the new one.

    Args:
        index: The index folder.
        reader: The new reader. The index stores its name, by which it is loaded from now on.

    Returns:
        The new manifest, or the present one if the index has this reader already.

    Raises:
        IndexFormatError: If there is no index.
        IndexMismatchError: If other lower layers made the states, or another retrieval head than
            the reader's made the vectors.
        PrereadError: If the reader's retrieval head is damaged.
    """
    index = Path(index)
    with writing(index):
        base = Manifest.load(index)
        with PassageIndex(index) as opened:
            opened.codec(reader)
        if base.dense is not None and base.dense.encoder == READER:
            load_encoder(index, base.dense, reader=reader)
        if base.plan.reader == reader.name:
            return base
        plan = replace(base.plan, reader=reader.name)
        manifest = replace(base, generation=base.generation + 1, plan=plan)
        publish(index, manifest)
        return manifest
