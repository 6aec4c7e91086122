"""No candidate consists of punctuation, markup and space alone, however it is read."""

import pytest
from preread.data import Passage
from preread.pipeline.qa.reading import PassageReader
from preread.pipeline.qa.types import ReadRequest, RequestedPassage
from preread.reader import Reader
from preread.reader.text.meaning import has_meaning

TEXTS = [
    "( river ) -- | --- | *** | ...",
    "... !!! ??? --- ( ) [ ] { } | | |",
    "« Amazon » : 6,400 km ; « Nile » — 6,650 km .",
    "",
    "⸺ ⁂ ⸺ ⁂ \u0301 \u200b •",
    "⸺ ⁂ $ 5 ⸺",
]


@pytest.mark.parametrize("stop_margin", [None, -10.0, 0.0])
def test_candidates_of_a_batch_carry_meaning(
    tiny_reader: Reader, stop_margin: float | None
) -> None:
    passages = [
        RequestedPassage(None, Passage(str(number), text)) for number, text in enumerate(TEXTS * 3)
    ]
    requests = [
        ReadRequest("which river is longest ?", passages, [0.0] * len(passages)),
        ReadRequest("how long ?", passages[::-1], [0.0] * len(passages)),
        ReadRequest("how long ?", passages[1:2], [0.0]),
    ]
    first, second, third = PassageReader(tiny_reader).read(requests, stop_margin=stop_margin)
    assert third.candidates == [] and third.n_read == 1
    for read, request in ((first, requests[0]), (second, requests[1])):
        assert all(has_meaning(candidate.text) for candidate in read.candidates)
        texts = [p.passage.text for p in request.passages[: read.n_read] if p.passage]
        answering = {n for n, text in enumerate(texts) if has_meaning(text)}
        assert {candidate.passage for candidate in read.candidates} == answering
