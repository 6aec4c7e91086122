"""Words of plain English text, and sentences of texts in most scripts, by regular expressions."""

from collections.abc import Iterator
from itertools import pairwise
from re import Match
from typing import Any

import regex

WORD = regex.compile(r"\w+(?:['’.,-]\w+)*")
STOPWORDS = frozenset(
    """a about after all also an and any are as at be been before being between both but by can
    could did do does during each first for from had has have he her him his how however i if in
    into is it its many may more most no not of on one only or other our out over s same she so
    some such than that the their them then there these they this those through to two under until
    up used was we were what when where which while who will with would you""".split()
)
BLOCK_END: Any = regex.compile(r"\n[^\S\n]*\n\s*|(?<=[.!?:;…])[\"'”’)\]]*[^\S\n]*\n\s*")
"""A blank line, or the end of a line where a sentence ends, too: of an item of a list, a row of a
table or a heading. A line that was only wrapped goes on."""
_CLOSING = r"[\p{Pe}\p{Pf}\"'*_]*"
_NO_SMALL_LETTER = r"(?=[\p{Ps}\p{Pi}\"'`¿¡*_–—-]*\s?[\p{Lu}\p{Lt}\p{Lo}\p{N}])"
_SPACED_END = rf"(?<![.!?…．])(?P<stop>[.!?…．]+){_CLOSING}(?: '')?\s+{_NO_SMALL_LETTER}"
"""A stop of European and other scripts, unless a small letter follows. Quotation marks may stand
apart, as in tokenised text."""
_OTHER_END = rf"[\p{{Sentence_Break=STerm}}--[!?]]+{_CLOSING}\s*"
"""A full stop that ends nothing but sentences, with or without a space: 。 । ؟ and others.
Source: Unicode Standard Annex 29 (https://www.unicode.org/reports/tr29), property STerm."""
_END: Any = regex.compile(f"{_SPACED_END}|{_OTHER_END}", regex.V1)
_BEFORE_NAMES = frozenset(
    """mr mrs ms mx dr prof st sen rep gov gen col maj capt lt sgt rev hon pres messrs mme mlle sr
    sra fr hr nr vs cf eg ie mt ft approx ca bzw vgl geb gest""".split()
)
"""Abbreviations that a name or another word of the same sentence follows."""
_BEFORE_NUMBERS = frozenset(
    """no nos fig figs vol vols p pp art sec ch chap eq ver jan feb mar apr jun jul aug sep sept oct
    nov dec""".split()
)
"""Abbreviations that a number of the same sentence follows."""
_ANYWHERE = frozenset("jr inc ltd co corp bros al dept est univ assn ave blvd rd".split())
"""Abbreviations that also end sentences: the next word decides."""
_ABBREVIATED: Any = regex.compile(r"(?:\p{L}\.)*\p{L}+$")
_NEXT_WORD: Any = regex.compile(r"\P{L}*(\p{L}+)")
_LIST_NUMBER: Any = regex.compile(r"\s*[(\[]?(?:\p{N}{1,3}|\p{L})[.)\]]*")


def sentence_ranges(text: str) -> list[tuple[int, int]]:
    """Split a text into sentences: start and end of each, without white space around it.

    A sentence ends at these places:

    - a full stop, question or exclamation mark before a capital letter, a number, or a letter of a
      script without capitals;
    - a stop of other scripts: Chinese, Devanagari, Arabic, Armenian and others;
    - a blank line, and the end of a line that ends with a stop or a colon.

    Common abbreviations, initials and the numbers of list items do not end one. Scripts that
    separate sentences by spaces alone, such as Thai, are not split.

    Args:
        text: The text.
    """
    cuts = [0, *_cuts(text), len(text)]
    found = []
    for start, end in pairwise(sorted(cuts)):
        sentence = text[start:end]
        if stripped := sentence.strip():
            start += len(sentence) - len(sentence.lstrip())
            found.append((start, start + len(stripped)))
    return found


def _cuts(text: str) -> Iterator[int]:
    """Where sentences begin, except for the first."""
    blocks = {match.end() for match in BLOCK_END.finditer(text)} if "\n" in text else set()
    yield from blocks
    begin = 0
    for match in _END.finditer(text):
        end = match.end()
        if match["stop"] == "." and not _ends_sentence(text, begin, match):
            continue
        if end not in blocks:
            yield end
        begin = end


def _ends_sentence(text: str, begin: int, match: "Match[str]") -> bool:
    """Whether a single full stop ends a sentence, and not an abbreviation."""
    stop = match.start()
    if _LIST_NUMBER.fullmatch(text, begin, stop):
        return False
    if match.end("stop") < match.end() and not text[match.end("stop")].isspace():
        return True  # after a closing bracket or quotation mark
    found = _ABBREVIATED.search(text, max(begin, stop - 20), stop)
    if found is None:
        return True
    word = found[0].lower()
    after = _NEXT_WORD.match(text, match.end())
    is_number = text[match.end()].isnumeric()
    if word.replace(".", "") in _BEFORE_NAMES:
        return False
    if word in _BEFORE_NUMBERS:
        return not is_number
    is_initial = "." in word or (len(word) == 1 and found[0].isupper())
    if is_initial or word in _ANYWHERE:
        # "in the U.S. The president" ends one, "the U.S. Congress" does not.
        return after is not None and len(after[1]) > 1 and after[1].lower() in STOPWORDS
    return True
