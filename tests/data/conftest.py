"""Fixtures for the data room: real files, plain and gzip, and a page of Natural Questions."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WriteFile = Callable[[str, str | bytes], Path]


@pytest.fixture
def write_file(tmp_path: Path) -> WriteFile:
    """Write text or bytes below a fresh folder; a name that ends in ``.gz`` is compressed."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = content.encode("utf-8") if isinstance(content, str) else content
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return path

    return write


NQ_HTML = (
    "<html><body><H1>Zoë</H1><P>Zoë 🙂 met Ann in Åre.</P>"
    '<Table><Tr><Th colspan="2">Winners</Th></Tr><Tr><Td>1998</Td><Td>Bob</Td></Tr></Table>'
    "<Ul><Li>Larry</Li><Li>Sergey</Li></Ul></body></html>"
)
"""Its tokens, ``html`` and ``body`` aside, are 0 to 34::

    <H1> Zoë </H1>  <P> Zoë 🙂 met Ann in Åre .  </P>
    0    1   2      3   4   5  6   7   8  9   10 11
    <Table> <Tr> <Th…> Winners </Th> </Tr> <Tr> <Td> 1998 </Td> <Td> Bob </Td> </Tr> </Table>
    12      13   14    15      16    17    18   19   20   21    22   23  24    25    26
    <Ul> <Li> Larry </Li> <Li> Sergey </Li> </Ul>
    27   28   29    30    31   32     33    34
"""
_NQ_TOKEN = re.compile(r"</?(?:html|body)>|(<[^>]+>|\w+|[^\w\s])")
_NQ_CANDIDATES = [(3, 12, True), (12, 27, True), (18, 26, False), (27, 35, True), (28, 31, False)]
"""The paragraph, the table, its second row, the list, its first item."""

MakeNq = Callable[..., dict[str, Any]]


def nq_tokens() -> list[dict[str, Any]]:
    """The page's tokens with their places in its UTF-8 bytes."""
    found = (match for match in _NQ_TOKEN.finditer(NQ_HTML) if match[1])
    return [
        {
            "token": match[1],
            "html_token": match[1].startswith("<"),
            "start_byte": len(NQ_HTML[: match.start()].encode()),
            "end_byte": len(NQ_HTML[: match.end()].encode()),
        }
        for match in found
    ]


@pytest.fixture
def make_nq() -> MakeNq:
    """Make a record of Natural Questions, original or simplified.

    Annotations are ``(long, shorts, yes_no)``: a pair of tokens or None, a list of pairs, a word.
    """
    tokens = nq_tokens()

    def span(ends: tuple[int, int], simplified: bool) -> dict[str, int]:
        start, end = ends
        made = {"start_token": start, "end_token": end}
        if simplified:
            return made
        if start < 0:
            return made | {"start_byte": -1, "end_byte": -1}
        first, last = tokens[start], tokens[end - 1]
        return made | {"start_byte": first["start_byte"], "end_byte": last["end_byte"]}

    def make(*annotations: Any, simplified: bool = False, **changes: Any) -> dict[str, Any]:
        record: dict[str, Any] = {
            "example_id": -7,
            "question_text": "who met ann",
            "document_url": "https://en.wikipedia.org//w/index.php?title=Zo%C3%AB_(name)&amp;oldid=1",
            "long_answer_candidates": [
                span((start, end), simplified) | {"top_level": top}
                for start, end, top in _NQ_CANDIDATES
            ],
            "annotations": [
                {
                    "long_answer": span(long or (-1, -1), simplified),
                    "short_answers": [span(short, simplified) for short in shorts],
                    "yes_no_answer": yes_no,
                }
                for long, shorts, yes_no in annotations
            ],
        }
        if simplified:
            record["document_text"] = " ".join(t["token"].replace(" ", "_") for t in tokens)
        else:
            record |= {"document_html": NQ_HTML, "document_tokens": nq_tokens()}
        return {name: v for name, v in (record | changes).items() if v is not None}

    return make
