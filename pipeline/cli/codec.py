"""``preread learn-codec``."""

from pathlib import Path
from typing import Annotated

import typer

from ...data import CorpusFormat, OnError
from ...data.io.atomic import atomic_path
from .options import Device, Limit


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("learn-codec")(learn_codec)


def learn_codec(
    reader: Annotated[
        str, typer.Argument(metavar="READER", help="'default', a folder, or a hub name.")
    ],
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS", help="Passages to learn from.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File to write (.safetensors).")],
    codec: Annotated[str, typer.Option(help="pqN or rpqN, N bytes a token.")] = "rpq9",
    format: Annotated[CorpusFormat, typer.Option(help="Form of the corpus.")] = CorpusFormat.AUTO,
    limit: Limit = None,
    on_error: Annotated[OnError, typer.Option(help="What a bad record does.")] = OnError.FAIL,
    device: Device = "cpu",
) -> None:
    """Learn how READER's states are written as few bytes, from a sample of CORPUS."""
    from ...data import PrereadError, read_corpus
    from ...indexer.builder.scan import scan_corpus
    from ...indexer.storage.files import check_new_file
    from ...reader import Reader
    from ...reader.codecs import CodecName, sample_states, save_codec
    from ...reader.codecs import learn_codec as learn

    if out.suffix != ".safetensors":
        raise PrereadError(f"{out}: expected a name that ends in .safetensors. Give it that end.")
    check_new_file(out)
    name = CodecName.parse(codec)
    passages = read_corpus(corpus, format=format, on_error=on_error, limit=limit)
    sample = scan_corpus(passages, show_progress=True).sample
    loaded = Reader.load(reader, device=device)
    states = sample_states(loaded, sample, show_progress=True)
    learned = learn(name, loaded, states, show_progress=True)
    with atomic_path(out) as temporary:
        save_codec(learned, loaded, temporary)
