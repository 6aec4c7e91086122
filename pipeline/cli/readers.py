"""``preread train | train-retriever | label | convert | learn-codec``: making readers."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from ...data import CorpusFormat, OnError, PrereadError
from .options import (
    Device,
    Json,
    Limit,
    OnBadRecord,
    ReaderName,
    parse_choice,
    print_json,
    print_table,
)

TrainingData = Annotated[Path, typer.Option(help="Folder of the training sets.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue a run that stopped; start one if none is.")
]
TrainingDevice = Annotated[
    str | None, typer.Option(help="cpu or cuda; default: cuda if there is one.")
]


def train(
    recipe: Annotated[
        str | None,
        typer.Argument(metavar="RECIPE", help="A TOML file, or a name that --list shows."),
    ] = None,
    output: Annotated[
        Path | None, typer.Argument(metavar="OUTPUT", help="Folder of the run.")
    ] = None,
    data: TrainingData = Path(),
    base: Annotated[
        str | None, typer.Option(metavar="READER", help="Replaces the base of the recipe.")
    ] = None,
    teacher: Annotated[
        str | None, typer.Option(metavar="READER", help="Replaces the teacher of the recipe.")
    ] = None,
    codec: Annotated[
        str | None, typer.Option(metavar="CODEC", help="Replaces the codec of the recipe.")
    ] = None,
    resume: Resume = False,
    list_all: Annotated[
        bool, typer.Option("--list", help="List the recipes that come with preread.")
    ] = False,
    on_error: OnBadRecord = OnError.FAIL,
    device: TrainingDevice = None,
    json: Json = False,
) -> None:
    """Train a reader by RECIPE. The result is OUTPUT/reader, which any command takes as READER."""
    from ...reader.training import Recipe, recipe_path

    if list_all:
        _print_recipes(json)
        return
    if recipe is None or output is None:
        raise PrereadError(
            f"train: expected RECIPE and OUTPUT, found {'no recipe' if recipe is None else recipe}"
            ". `preread train --list` describes the recipes that come with preread."
        )
    from ...reader.training.run import train as run_training

    chosen = Recipe.load(recipe_path(recipe))
    if base is not None:
        chosen = replace(chosen, base=base)
    if codec is not None:
        chosen = replace(chosen, codec=codec)
    if teacher is not None:
        if chosen.distillation is None:
            raise PrereadError(
                f"--teacher: the recipe {recipe} has no [distillation]. Leave the option out."
            )
        chosen = replace(chosen, distillation=replace(chosen.distillation, teacher=teacher))
    reader = run_training(
        chosen, data=data, output=output, device=device, on_error=on_error, resume=resume
    )
    content = {"reader": str(reader), "num_lower_layers": chosen.num_lower_layers}
    print_json(content) if json else print_table(content)


def _print_recipes(json: bool) -> None:
    """The name of each recipe that comes with preread, and what it trains."""
    from ...reader.training import shipped_recipes

    recipes = shipped_recipes()
    if json:
        for name, about in recipes.items():
            print_json({"name": name, "about": about})
    else:
        print_table(recipes)


def train_retriever(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A TOML file.")],
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Folder of the run.")],
    data: Annotated[Path, typer.Option(help="Folder of the mined files.")] = Path(),
    resume: Resume = False,
    on_error: OnBadRecord = OnError.FAIL,
    device: TrainingDevice = None,
    json: Json = False,
) -> None:
    """Train a head that turns a reader's lower states into vectors for retrieval."""
    from ...indexer.dense import SentenceEncoder
    from ...reader.training.retrieval.recipe import HeadRecipe
    from ...reader.training.retrieval.run import train_head

    chosen = HeadRecipe.load(recipe)
    path = train_head(
        chosen,
        SentenceEncoder.load(chosen.encoder, device=device or "cpu"),
        data=data,
        output=output,
        device=device,
        on_error=on_error,
        resume=resume,
        show_progress=True,
    )
    content = {"head": str(path), "n_layers": chosen.n_layers, "width": chosen.width}
    print_json(content) if json else print_table(content)


def label(
    recipe: Annotated[
        str,
        typer.Argument(metavar="RECIPE", help="A TOML file, or a name that `train --list` shows."),
    ],
    teacher: Annotated[
        str, typer.Argument(metavar="READER", help="The teacher: a folder or a hub name.")
    ],
    output: Annotated[
        Path,
        typer.Argument(
            metavar="OUTPUT", help="Folder of the labels; a run that stopped continues there."
        ),
    ],
    data: TrainingData = Path(),
    on_error: OnBadRecord = OnError.FAIL,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Store a teacher's logits for all training data of RECIPE, which names them as labels."""
    from ...reader import Reader
    from ...reader.training import Recipe, recipe_path
    from ...reader.training.datasets import DataLoader
    from ...reader.training.labels import label_features

    chosen = Recipe.load(recipe_path(recipe))
    student = Reader.load(chosen.base, num_lower_layers=chosen.num_lower_layers)
    features = DataLoader(chosen, data, on_error).load(student.encoder).batches.features
    report = label_features(
        features,
        student.tokenizer,
        Reader.load(teacher, device=device),
        output,
        show_progress=True,
    )
    content = asdict(report)
    print_json(content) if json else print_table(content)


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A reader, a Hugging Face folder or hub name, or a TensorFlow checkpoint.",
        ),
    ],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="Folder to make.")],
    to: Annotated[
        str, typer.Option(help="Kind of checkpoint to make: reader, huggingface or tensorflow.")
    ] = "reader",
    num_lower_layers: Annotated[
        int | None, typer.Option(min=0, help="Split after so many layers; default: as SOURCE.")
    ] = None,
    num_attention_heads: Annotated[
        int | None,
        typer.Option(
            min=1, help="Heads of a TensorFlow checkpoint; default: hidden size divided by 64."
        ),
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(help="A folder, a WordPiece vocabulary file, or default; default: SOURCE's."),
    ] = None,
    dataset: Annotated[
        Path | None,
        typer.Option(
            help="Questions with contexts on which EM and F1 are compared, before and after."
        ),
    ] = None,
    limit: Limit = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the checkpoint at TARGET.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a reader from another checkpoint, or another kind of checkpoint from a reader."""
    from ...data import read_examples
    from ...reader.conversion import CheckpointKind
    from ..conversion import convert as run_conversion

    content = run_conversion(
        source,
        target,
        to=parse_choice(CheckpointKind, to, "--to"),
        num_lower_layers=num_lower_layers,
        num_attention_heads=num_attention_heads,
        tokenizer=tokenizer,
        examples=list(read_examples(dataset, limit=limit)) if dataset else None,
        force=force,
        show_progress=True,
    )
    for warning in content["warnings"]:
        typer.echo(f"warning: {warning}", err=True)
    if json:
        print_json(content)
    else:
        print_table({name: value for name, value in content.items() if name != "warnings"})


def learn_codec(
    reader: ReaderName,
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS", help="Passages to learn from.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File to write, .safetensors.")],
    codec: Annotated[str, typer.Option(help="pqN or rpqN, with N bytes per token.")] = "rpq9",
    format: Annotated[CorpusFormat, typer.Option(help="Format of the corpus.")] = CorpusFormat.AUTO,
    limit: Limit = None,
    on_error: OnBadRecord = OnError.FAIL,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Learn from a sample of CORPUS a codec that stores READER's states in few bytes."""
    from ...data import read_corpus
    from ...data.io.atomic import atomic_path
    from ...indexer.builder.scan import scan_corpus
    from ...indexer.storage.files import check_new_file
    from ...reader import Reader
    from ...reader.codecs import CodecName, sample_states, save_codec
    from ...reader.codecs import learn_codec as learn

    if out.suffix != ".safetensors":
        raise PrereadError(
            f"{out}: expected a name that ends in .safetensors, found {out.suffix or 'no ending'}. "
            "Change the name."
        )
    check_new_file(out)
    name = CodecName.parse(codec)
    passages = read_corpus(corpus, format=format, on_error=on_error, limit=limit)
    scan = scan_corpus(passages, show_progress=True)
    loaded = Reader.load(reader, device=device)
    states = sample_states(loaded, scan.sample, show_progress=True)
    learned = learn(name, loaded, states, show_progress=True)
    with atomic_path(out) as temporary:
        save_codec(learned, loaded, temporary)
    content = {
        "codec": str(name),
        "reader": loaded.name,
        "n_passages": len(scan.sample),
        "file": str(out),
        "bytes": out.stat().st_size,
    }
    print_json(content) if json else print_table(content)
