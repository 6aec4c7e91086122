"""Words and sentences of plain English text, found by regular expressions."""

import re

WORD = re.compile(r"\w+(?:['’.,-]\w+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”’']?\s+(?=[\"“‘'(]?[A-Z0-9])")
STOPWORDS = frozenset(
    """a about after all also an and any are as at be been before being between both but by can
    could did do does during each first for from had has have he her him his how however i if in
    into is it its many may more most no not of on one only or other our out over s same she so
    some such than that the their them then there these they this those through to two under until
    up used was we were what when where which while who will with would you""".split()
)


def sentence_ranges(text: str) -> list[tuple[int, int]]:
    """Split a text into sentences, at sentence ends followed by a capital letter or a digit.

    Args:
        text: The text.

    Returns:
        Start and end (exclusive) of each sentence, in code points.
    """
    cuts = [match.span() for match in _SENTENCE_END.finditer(text)]
    starts = [0, *(after for _, after in cuts)]
    ends = [*(before for before, _ in cuts), len(text)]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if start < end]
