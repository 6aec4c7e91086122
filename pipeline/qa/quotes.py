"""Quotations and statements: where they stand, and whether the reader answers with them.

    quotation ──> candidates: passages with all of its words, then the best ones of BM25
              ──> exactly:    but for case, white space, and the form of quotes and dashes
              ──> alignment:  the stretch with the least edit distance, where it is like enough
              ──> the reader: with a question, how likely its answer lies in the stretch

The comparison is of letters, not of meaning: a paraphrase is not found, and "was not built" is like
"was built". Whether a passage supports what a stretch says can be told only where a question is
given, because the reader answers questions. It then agrees if its answer lies in the stretch.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ...data import PrereadError
from ...data.arguments import check_count, check_number
from ...data.io.json_records import shorten
from ...data.io.outside import check_text
from ...data.records import Metadata
from ...data.text.quotation import Stretch, align, find_exactly, folded_quotation
from ...indexer import Bm25Parameters, PassageIndex
from ...indexer.filters import Filter
from ..retrievers.filtered import search_filtered
from .reading import PassageReader
from .sentences import Ranges, read_sentences
from .states import BeforeBlock
from .types import ReadRequest, RequestedPassage

DEFAULT_MIN_SIMILARITY = 0.8
"""Least similarity of a match. One word in five may be another."""
MAX_QUOTE_CHARACTERS = 10_000
"""Longest quotation; the cost of an alignment grows with its length."""
_MOST_WITH_ALL_WORDS = 200
"""Passages with all words of a quotation that are compared with it."""


@dataclass(frozen=True, slots=True)
class QuoteMatch:
    """A stretch of a passage that is, or is like, a quotation."""

    text: str
    """``passage[start:end]``."""
    similarity: float
    """From 0 to 1: 1 less the edits between both, per character of the quotation."""
    is_exact: bool
    """Whether both are alike but for case, white space and typography."""
    passage_id: str
    title: str
    start: int
    """Offset into ``passage``, in code points."""
    end: int
    """Exclusive."""
    passage: str
    place: int
    """Position of the passage among those that were compared, from 0."""
    metadata: Metadata
    """Fields of the passage besides its text."""
    answer: str | None = None
    """What the reader answers to the question from this passage; None without a question, or if the
    passage has no answer."""
    agreement: float | None = None
    """Probability that the answer to the question lies within the stretch, from 0 to 1; "the
    passage does not answer" is one of the outcomes. None without a question."""

    def to_dict(self) -> dict[str, Any]:
        """The keys of ``preread check-quote --json``."""
        return asdict(self)


def quote_text(quote: str) -> str:
    """A quotation as it is compared.

    Args:
        quote: The quotation.

    Raises:
        PrereadError: If it is no Unicode text, is longer than `MAX_QUOTE_CHARACTERS`, or has no
            word.
    """
    if not isinstance(quote, str):
        raise PrereadError(f"quote: expected text, found {shorten(quote)}. Give a string.")
    check_text(quote, "quote")
    if len(quote) > MAX_QUOTE_CHARACTERS:
        raise PrereadError(
            f"quote: expected at most {MAX_QUOTE_CHARACTERS:,} characters, found {len(quote):,}. "
            "Check it in parts."
        )
    wanted = folded_quotation(quote)
    if not any(character.isalnum() for character in wanted):
        raise PrereadError(
            f"quote: expected some words, found {shorten(quote)}. Give the words to find."
        )
    return wanted


def quote_candidates(
    index: PassageIndex,
    quote: str,
    top_k: int,
    filter: Filter | None = None,
    bm25_parameters: Bm25Parameters | None = None,
) -> list[int]:
    """Find the passages that may hold a quotation.

    Args:
        index: An open index.
        quote: What `quote_text` returned.
        top_k: Number of passages that BM25 finds by some of the words.
        filter: Conditions on the metadata of passages; None: no condition.
        bm25_parameters: Parameters of BM25; None: those of the index.

    Returns:
        Ordinals: first the passages that BM25 ranks best, then others with all words.
    """
    bm25 = index.bm25 if bm25_parameters is None else index.bm25.with_parameters(bm25_parameters)
    best = search_filtered(index, bm25, quote, top_k, filter)
    whole = bm25.search_all_words(quote, _MOST_WITH_ALL_WORDS)
    allowed = set(index.matching(filter).tolist()) if filter else None
    others = (hit.ordinal for hit in whole if allowed is None or hit.ordinal in allowed)
    return list(dict.fromkeys([*(hit.ordinal for hit in best), *others]))


def check_quote(
    passage_reader: PassageReader,
    quote: str,
    passages: Sequence[RequestedPassage],
    *,
    question: str | None = None,
    n_aligned: int = 20,
    n_matches: int = 5,
    min_similarity: float = DEFAULT_MIN_SIMILARITY,
    before_block: BeforeBlock | None = None,
) -> list[QuoteMatch]:
    """Find a quotation in passages; the most similar matches come first.

    Args:
        passage_reader: Reads the passages with the question.
        quote: What `quote_text` returned.
        passages: The passages, the most likely ones first.
        question: A question that the quotation is said to answer; None: nothing is read.
        n_aligned: Number of passages, from the first, with which the quotation is aligned.
        n_matches: Maximum number of matches.
        min_similarity: Least similarity of a match, from 0 to 1.
        before_block: Called before each passage is compared, and before each block of tokens is
            read; raises to end the check.

    Raises:
        PrereadError: If a number is out of range.
    """
    check_number("min_similarity", min_similarity, 0, 1)
    check_count("n_matches", n_matches)
    found: list[tuple[int, Stretch]] = []
    for place, requested in enumerate(passages):
        if before_block is not None:
            before_block()
        text = passage_reader.passage_of(requested).text
        stretch = find_exactly(quote, text)
        if stretch is None and place < n_aligned:
            stretch = align(quote, text, min_similarity)
        if stretch is not None and stretch.similarity >= min_similarity:
            found.append((place, stretch))
    found.sort(key=lambda one: (-one[1].is_exact, -one[1].similarity, one[0]))
    found = found[:n_matches]
    matches = [_match(passage_reader, passages[place], place, stretch) for place, stretch in found]
    if question is None or not matches:
        return matches
    return [
        _with_answer(passage_reader, question, passages[one.place], one, before_block)
        for one in matches
    ]


def _match(
    passage_reader: PassageReader, requested: RequestedPassage, place: int, stretch: Stretch
) -> QuoteMatch:
    passage = passage_reader.passage_of(requested)
    return QuoteMatch(
        text=passage.text[stretch.start : stretch.end],
        similarity=stretch.similarity,
        is_exact=stretch.is_exact,
        passage_id=passage.passage_id,
        title=passage.title,
        start=stretch.start,
        end=stretch.end,
        passage=passage.text,
        place=place,
        metadata=passage.shown_metadata(),
    )


def _with_answer(
    passage_reader: PassageReader,
    question: str,
    requested: RequestedPassage,
    match: QuoteMatch,
    before_block: BeforeBlock | None,
) -> QuoteMatch:
    def parts(place: int, text: str) -> Ranges:
        around = ((0, match.start), (match.start, match.end), (match.end, len(text)))
        return [(start, end) for start, end in around if start < end]

    request = ReadRequest(question, [requested], [0.0])
    ((read,),) = read_sentences(
        passage_reader, [request], ranges_of=parts, before_block=before_block
    )
    (within,) = (part for part in read.sentences if part.start == match.start)
    return replace(match, answer=read.answer, agreement=within.score)
