"""``preread download | cloze | mine``, and reading labelled questions."""

from collections.abc import Iterable
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from tqdm import tqdm

from ...data import (
    AnswerMatch,
    OnError,
    PrereadError,
    Question,
    QuestionFormat,
    ReadingExample,
    ReadReport,
    cloze_examples,
    read_corpus,
    read_examples,
    read_gold,
    statement_examples,
    write_examples,
)
from .options import (
    Device,
    Json,
    Limit,
    OnBadRecord,
    Precision,
    Retriever,
    print_json,
    print_table,
)

if TYPE_CHECKING:
    from ...data.download import RemoteFile
    from ..mining import Search

Questions = Annotated[Path, typer.Argument(metavar="QUESTIONS", help="Questions with answers.")]
Format = Annotated[QuestionFormat, typer.Option(help="Format of the questions.")]
Match = Annotated[
    AnswerMatch | None,
    typer.Option(help="How predictions are compared with answers; default: usual for the format."),
]
Patterns = Annotated[
    Path | None, typer.Option(help="TREC answer patterns, which replace the answers of topics.")
]
Output = Annotated[
    Path, typer.Argument(metavar="OUTPUT", help="JSON Lines file to write; .gz compresses it.")
]
LeaveOut = Annotated[
    list[Path] | None,
    typer.Option(help="Data set whose contexts are not used; may be given more than once."),
]


class ClozeKind(StrEnum):
    """What a question is made of."""

    RECURRING = "recurring"
    """One sentence asks for a span that another sentence of the passage contains."""
    STATEMENT = "statement"
    """A sentence, with words dropped and shuffled, asks for one of its own spans."""


def read_labelled(
    path: Path,
    format: QuestionFormat,
    match: AnswerMatch | None,
    patterns: Path | None,
    on_error: OnError,
    limit: int | None,
) -> list[Question]:
    """Read questions with answers, and report on standard error what was left out.

    Args:
        path: The file.
        format: Its format.
        match: How predictions are compared with the answers; None: usual for the format.
        patterns: A file of answer patterns, which replace the answers.
        on_error: What happens at a bad record.
        limit: Number of questions after which to stop.
    """
    report = ReadReport()
    gold = read_gold(
        path,
        format=format,
        match=match,
        patterns=patterns,
        on_error=on_error,
        report=report,
        limit=limit,
    )
    print_skipped(report)
    return gold


def print_skipped(report: ReadReport) -> None:
    """Report on standard error how many records were skipped or left out, if any.

    Args:
        report: What one reading of a file met.
    """
    if not report.is_complete:
        typer.echo(report.summary(), err=True)


def download(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A name that --list shows.")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder for the file; default: ~/.cache/preread/downloads"
        ),
    ] = None,
    list_all: Annotated[bool, typer.Option("--list", help="List the data sets.")] = False,
    registry: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Another list of data sets, such as that of a mirror."),
    ] = None,
    unverified: Annotated[
        bool,
        typer.Option("--unverified", help="Fetch it although no SHA-256 of it is published."),
    ] = False,
    json: Json = False,
) -> None:
    """Download the data set NAME, or check the copy that is there, and print its path."""
    from tqdm.contrib.logging import logging_redirect_tqdm

    from ...data.download import DownloadError, find_remote_file, load_registry
    from ...data.download import download as fetch

    known = load_registry(registry)
    if list_all:
        _print_remote_files(list(known.values()), json)
        return
    if name is None:
        raise DownloadError(
            f"expected the name of a download ({', '.join(known)}), found none. "
            "`preread download --list` describes each."
        )
    remote = find_remote_file(name, known)
    with logging_redirect_tqdm():
        here = fetch(remote, to, unverified=unverified, show_progress=True)
    typer.echo(
        f"{'It was there' if here.was_there else 'Fetched'}: {here.size_bytes:,} bytes, "
        f"SHA-256 {here.sha256}\n"
        f"compared with: {here.checked_against.explanation}\n"
        f"licence: {remote.licence}\ncite: {remote.citation}",
        err=True,
    )
    print_json({"name": name} | here.to_dict()) if json else typer.echo(here.path)


def _print_remote_files(known: "list[RemoteFile]", json: bool) -> None:
    """A line for each data set that can be downloaded."""
    from rich.console import Console
    from rich.table import Table

    if json:
        for remote in known:
            print_json(asdict(remote) | {"url": remote.shown_url})
        return
    table = Table("name", "size", "what it is", "licence", box=None, pad_edge=False)
    for remote in known:
        size = tqdm.format_sizeof(remote.size_bytes, "B") if remote.size_bytes else "unknown"
        table.add_row(remote.name, size, remote.description, remote.licence)
    Console().print(table)


def cloze(
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS", help="Passages.")],
    output: Output,
    kind: Annotated[
        ClozeKind,
        typer.Option(help="Ask for a span that recurs, or turn a statement into a question."),
    ] = ClozeKind.RECURRING,
    per_passage: Annotated[
        int, typer.Option(min=1, help="Maximum number of questions per passage.")
    ] = 2,
    max_words: Annotated[
        int | None,
        typer.Option(min=1, help="With --kind statement: maximum length of a context in words."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random choices.")] = 0,
    leave_out: LeaveOut = None,
    on_error: OnBadRecord = OnError.FAIL,
    limit: Limit = None,
    json: Json = False,
) -> None:
    """Make training questions from CORPUS, which needs no labels."""
    from ...data.io.atomic import atomic_path
    from ...indexer.storage.files import check_new_file

    check_new_file(output)
    report = ReadReport()
    contexts = {e.context for path in leave_out or () for e in read_examples(path)}
    passages = read_corpus(corpus, on_error=on_error, report=report, limit=limit)
    bar = tqdm(passages, desc="asking", unit=" passages")
    with atomic_path(output) as temporary:
        examples: Iterable[ReadingExample]
        if kind is ClozeKind.RECURRING:
            examples = cloze_examples(bar, per_passage=per_passage, seed=seed, leave_out=contexts)
        else:
            examples = statement_examples(
                bar, per_passage=per_passage, max_words=max_words, seed=seed, leave_out=contexts
            )
        n_written = write_examples(temporary, examples, compress=output.suffix == ".gz")
    print_skipped(report)
    content = {"n_passages": bar.n, "n_written": n_written}
    print_json(content) if json else print_table(content)


def mine(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="An index, or a corpus.")],
    questions: Questions,
    output: Output,
    negatives: Annotated[int, typer.Option(help="Negatives per question.")] = 20,
    depth: Annotated[int, typer.Option(help="Passages examined per question.")] = 100,
    leave_out: LeaveOut = None,
    confirm: Annotated[
        str | None,
        typer.Option(
            metavar="READER",
            help="A reader that chooses the positive: it must give the known answer from it.",
        ),
    ] = None,
    candidates: Annotated[
        int, typer.Option(help="Passages with the answer that --confirm chooses from.")
    ] = 4,
    device: Device = "cpu",
    precision: Precision = "float32",
    retriever: Retriever = "bm25",
    format: Format = QuestionFormat.AUTO,
    on_error: OnBadRecord = OnError.FAIL,
    limit: Limit = None,
    json: Json = False,
) -> None:
    """Make training examples from QUESTIONS: passages found for them that hold no answer."""
    from ..mining import mine_negatives

    search = _open_search(source, retriever, on_error)
    judge = None
    if confirm is not None:
        from ...reader import Reader
        from ..confirmation import Confirmer

        judge = Confirmer(Reader.load(confirm, device=device, precision=precision))
    report = ReadReport()
    content = mine_negatives(
        search,
        questions,
        output,
        negatives=negatives,
        depth=depth,
        leave_out=leave_out or (),
        confirm=judge,
        candidates=candidates,
        format=format,
        on_error=on_error,
        report=report,
        limit=limit,
        show_progress=True,
    )
    print_skipped(report)
    print_json(content) if json else print_table(content)


def _open_search(source: Path, retriever: str, on_error: OnError) -> "Search":
    """What finds passages: any retriever for an index, BM25 in memory for a corpus."""
    from ...data.io.redaction import redacted
    from ...indexer import PassageIndex
    from ...indexer.storage.manifest import MANIFEST_FILE, STATES_FOLDER
    from ..retrievers import RetrieverName, open_retriever
    from ..retrievers.search import CorpusSearch, search_passages

    if any((source / name).exists() for name in (MANIFEST_FILE, STATES_FOLDER)):
        index = PassageIndex(source)
        return partial(search_passages, index, retriever=open_retriever(index, retriever))
    if retriever not in (RetrieverName.AUTO, RetrieverName.BM25):
        raise PrereadError(
            f"{source}: expected an index, which --retriever {redacted(retriever)} "
            "searches; found none. Name an index, or leave out --retriever."
        )
    return CorpusSearch(read_corpus(source, on_error=on_error))
