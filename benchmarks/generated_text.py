"""Text with the vocabulary of a corpus, for more passages than the corpus has.

Words are drawn one by one with the frequencies that they have in the counted passages. With the
probability of a new word (Good and Turing: the share of words that were seen once), a word is drawn
from the tail that continues Zipf's law. The vocabulary therefore grows with the text, like a real
one.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
from preread.data import Passage

WORDS_A_PASSAGE = 100
"""As in the passages of Wikipedia that DPR cut."""
_TITLE_WORDS = 2
_LONGEST_TAIL = 100
"""The tail ends at so many times the words that were seen."""
_AT_ONCE = 10_000
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]


class Vocabulary:
    """Words and how often they come."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Count the words of some texts."""
        counts = Counter(word for text in texts for word in text.split())
        self.words = np.array(list(counts), dtype=object)
        frequencies = np.array(list(counts.values()), dtype=np.float64)
        self.p_unseen = float((frequencies == 1).sum() / frequencies.sum())
        self._cumulated = np.cumsum(frequencies / frequencies.sum())

    def draw(self, n: int, random: np.random.Generator) -> np.ndarray:
        """Draw words. Shape ``(n,)``, of `str`."""
        places = np.searchsorted(self._cumulated, random.random(n), side="right")
        found: np.ndarray = self.words[np.minimum(places, len(self.words) - 1)]
        unseen = np.flatnonzero(random.random(n) < self.p_unseen)
        # Zipf's tail: a rank's chance falls as one over it, so that the rank's logarithm is even.
        ranks = len(self.words) * np.exp(random.random(len(unseen)) * math.log(_LONGEST_TAIL))
        found[unseen] = [spelled(int(rank)) for rank in ranks]
        return found


def spelled(number: int) -> str:
    """A word for a number, the same for the same."""
    syllables = []
    while number:
        number, place = divmod(number, len(_SYLLABLES))
        syllables.append(_SYLLABLES[place])
    return "".join(syllables)


def generated_passages(vocabulary: Vocabulary, n: int, *, seed: int) -> Iterator[Passage]:
    """Passages of drawn words.

    Args:
        vocabulary: What is drawn from.
        n: How many.
        seed: The same passages for the same.
    """
    random = np.random.default_rng(seed)
    length = _TITLE_WORDS + WORDS_A_PASSAGE
    for first in range(0, n, _AT_ONCE):
        some = min(_AT_ONCE, n - first)
        for number, words in enumerate(vocabulary.draw(some * length, random).reshape(some, -1)):
            title, text = " ".join(words[:_TITLE_WORDS]), " ".join(words[_TITLE_WORDS:])
            yield Passage(f"generated-{first + number:08d}", text, title)
