"""Example questions about an index, made from the titles and first sentences of its passages."""

import random
import re
from collections.abc import Iterator
from itertools import chain, islice, zip_longest

from ...data import Passage
from ...indexer import PassageIndex

_PASSAGES_READ = 300
"""Passages that are looked at; the first access to a page waits for them."""
_LONGEST_TITLE = 40
"""Characters of the longest title that a question mentions."""
_VERB = r"(?P<verb>[a-z]+ed|born|built|made|written|won|held|begun|drawn|led|sung|taught)"
_DATED = re.compile(rf"(?P<be>was|were) (?:first )?{_VERB}\b.*\b(?:in|on) [^.]*?\b\d{{3,4}}\b")
_BY_SOMEONE = re.compile(rf"(?P<be>was|were) (?:first )?{_VERB}\b[^.]*? by [A-Z]")
_DEFINED = re.compile(r"(?P<be>is|are) (?:an? |the |[a-z]+ of )")
_IN_BRACKETS = re.compile(r"\(([^)]*)\) ")
_LIFE = re.compile(r"\bborn\b|\d{4} ?[–-] ?(?:\w+ ){0,2}\d{4}$")
"""What brackets after a person's name contain."""
_LIVED = re.compile(r"(?P<be>is|was) an? ")


def example_questions(index: PassageIndex, n: int) -> list[str]:
    """Make questions that the passages of an index should answer.

    A question is made from a passage whose first sentence begins with its title: "The Eiffel Tower
    was completed in 1889" gives "When was the Eiffel Tower completed?". The same index always gives
    the same questions.

    Args:
        index: The index.
        n: Maximum number of questions.

    Returns:
        The questions; none if the passages have no titles or are not in English.
    """
    ordinals = index.ordinals()
    some = random.Random(0).sample(range(len(ordinals)), min(_PASSAGES_READ, len(ordinals)))
    found: dict[str, tuple[int, str]] = {}
    for place in some:
        passage = index.passage(int(ordinals[place]))
        best = min(_questions(passage), default=None)
        if best is not None:
            found.setdefault(passage.title, best)
    of_kinds: dict[int, list[str]] = {}
    for kind, question in sorted(found.values(), key=lambda one: one[0]):
        of_kinds.setdefault(kind, []).append(question)
    in_turns = chain.from_iterable(zip_longest(*of_kinds.values()))
    return list(islice(filter(None, in_turns), n))


def _questions(passage: Passage) -> Iterator[tuple[int, str]]:
    """Questions that the first sentence of a passage answers; 0 for the most specific kind."""
    title, text = passage.title.strip(), passage.text.strip()
    if not 2 < len(title) <= _LONGEST_TITLE or not text.startswith(f"{title} "):
        return
    sentence = text.removeprefix(f"{title} ")
    brackets = _IN_BRACKETS.match(sentence)
    if brackets:
        sentence = sentence[brackets.end() :]
    sentence = sentence.partition(". ")[0]
    subject = f"the {title[4:]}" if title.startswith("The ") else title
    if dated := _DATED.match(sentence):
        yield 0, f"When {dated['be']} {subject} {dated['verb']}?"
    if by := _BY_SOMEONE.match(sentence):
        yield 1, f"By whom {by['be']} {subject} {by['verb']}?"
    if brackets and _LIFE.search(brackets[1]):
        if lived := _LIVED.match(sentence):
            yield 2, f"Who {lived['be']} {subject}?"
    elif defined := _DEFINED.match(sentence):
        yield 2, f"What {defined['be']} {subject}?"
