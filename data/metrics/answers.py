"""How answers are compared, scored and found in passages, as SQuAD and DPR define it.

Sources: SQuAD's evaluation scripts (https://rajpurkar.github.io/SQuAD-explorer/) and DPR
(https://github.com/facebookresearch/DPR). NQ-open answers are normalised by the same function:
DPR's own is SQuAD v1.1's.
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate

import regex

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_TOKENS = regex.compile(
    r"[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]", regex.IGNORECASE | regex.UNICODE | regex.MULTILINE
)
_TOKEN_END = "\0"
"""Stands between tokens; a control character is never part of one."""


def normalize_answer(text: str) -> str:
    """Lower the text, and take out punctuation, English articles and superfluous white space.

    Source: ``normalize_answer`` of SQuAD's evaluate-v1.1.py
    (https://rajpurkar.github.io/SQuAD-explorer/). Only ASCII punctuation is taken out.
    """
    without_punctuation = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", without_punctuation).split())


def exact_match_score(prediction: str, answer: str) -> float:
    """1.0 where both are equal once normalised, else 0.0.

    Source: evaluate-v1.1.py (https://rajpurkar.github.io/SQuAD-explorer/).
    """
    return float(normalize_answer(prediction) == normalize_answer(answer))


def nq_open_match_score(prediction: str, answer: str) -> float:
    """1.0 where both are equal once decomposed and normalised, else 0.0.

    NQ-open's and EfficientQA's script takes accents apart first (NFD), so that an answer is equal
    to itself however its accents are encoded. SQuAD's and DPR's do not.

    Source: ``exact_match_score`` of https://github.com/google-research/language,
    language/orqa/utils/eval_utils.py.
    """
    both = (unicodedata.normalize("NFD", text) for text in (prediction, answer))
    return exact_match_score(*both)


def f1_score(prediction: str, answer: str) -> float:
    """Harmonic mean of precision and recall of the normalised words, from 0.0 to 1.0.

    Where either has no words, 1.0 if both have none and else 0.0; this is SQuAD 2.0's rule, v1.1
    gives 0.0 to both.

    Source: evaluate-v1.1.py and evaluate-v2.0.py (https://rajpurkar.github.io/SQuAD-explorer/).
    """
    prediction_words = normalize_answer(prediction).split()
    answer_words = normalize_answer(answer).split()
    if not prediction_words or not answer_words:
        return float(prediction_words == answer_words)
    n_common = (Counter(prediction_words) & Counter(answer_words)).total()
    if n_common == 0:
        return 0.0
    precision = n_common / len(prediction_words)
    recall = n_common / len(answer_words)
    return 2 * precision * recall / (precision + recall)


def metric_max_over_answers(
    metric: Callable[[str, str], float], prediction: str, answers: Sequence[str]
) -> float:
    """The best score of a prediction against any gold answer.

    A question without gold answers is one that cannot be answered: the empty prediction is right,
    as in SQuAD 2.0.
    """
    return max(metric(prediction, answer) for answer in answers or [""])


def score_answer(prediction: str, answers: Sequence[str]) -> tuple[float, float]:
    """Exact match and F1 of a prediction, each from 0.0 to 1.0, the best over the gold answers."""
    return (
        metric_max_over_answers(exact_match_score, prediction, answers),
        metric_max_over_answers(f1_score, prediction, answers),
    )


def _ended_tokens(text: str) -> str:
    """The text's tokens in lower case, each with ``_TOKEN_END`` after it."""
    tokens = _TOKENS.findall(unicodedata.normalize("NFD", text))
    return "".join(token.lower() + _TOKEN_END for token in tokens)


@lru_cache(maxsize=1024)
def _token_string(text: str) -> str:
    """The text's tokens in lower case, each with ``_TOKEN_END`` before and after it."""
    return _TOKEN_END + _ended_tokens(text)


def has_answer(passage_text: str, answers: Sequence[str]) -> bool:
    """Whether the tokens of any answer stand in the passage, one after another, case aside.

    An answer without tokens is in no passage (DPR's code finds it in every one).

    Source: ``has_answer`` with string matching and ``SimpleTokenizer``
    (https://github.com/facebookresearch/DPR, dpr/data/qa_validation.py, dpr/utils/tokenizers.py).
    """
    passage_tokens = _token_string(passage_text)
    found = (_token_string(answer) for answer in answers)
    return any(tokens != _TOKEN_END and tokens in passage_tokens for tokens in found)


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> "regex.Pattern[str] | None":
    """A TREC answer pattern, decomposed (NFD); None where it is no regular expression.

    Source: ``regex_match`` of https://github.com/facebookresearch/DPR, dpr/data/qa_validation.py.
    """
    try:
        return regex.compile(
            unicodedata.normalize("NFD", pattern),
            regex.IGNORECASE | regex.UNICODE | regex.MULTILINE,
        )
    except regex.error:
        return None


def has_pattern(passage_text: str, patterns: Sequence[str]) -> bool:
    """Whether any pattern matches somewhere in the passage; a faulty one matches nowhere.

    Source: ``has_answer`` with regular expressions (https://github.com/facebookresearch/DPR,
    dpr/data/qa_validation.py).
    """
    text = unicodedata.normalize("NFD", passage_text)
    compiled = (compile_pattern(pattern) for pattern in patterns)
    return any(pattern is not None and pattern.search(text) for pattern in compiled)


def find_pattern(passage_text: str, patterns: Sequence[str]) -> tuple[int, int] | None:
    """Where a pattern matches in a passage, by the matching of ``has_pattern``.

    Args:
        passage_text: The text that is searched.
        patterns: TREC's answer patterns; a faulty one matches nowhere.

    Returns:
        Start and end (exclusive) of the first match, white space around it left out, in code points
        of ``passage_text``; None where there is none, or all are empty or begin or end within a
        character (a mark that only decomposition sets free).
    """
    pieces = [unicodedata.normalize("NFD", character) for character in passage_text]
    places = [0, *accumulate(map(len, pieces))]
    place_in_passage = {place: number for number, place in enumerate(places)}
    text = unicodedata.normalize("NFD", passage_text)
    found = []
    for pattern in filter(None, map(compile_pattern, patterns)):
        for match in pattern.finditer(text):
            matched = match[0]
            start = match.start() + len(matched) - len(matched.lstrip())
            end = match.end() - len(matched) + len(matched.rstrip())
            if start < end and start in place_in_passage and end in place_in_passage:
                found.append((place_in_passage[start], place_in_passage[end]))
                break
    return min(found, default=None)


def pattern_match_score(prediction: str, pattern: str) -> float:
    """1.0 where the pattern matches from the prediction's start on, else 0.0.

    What follows the match does not count; DrQA's and ORQA's scripts score CuratedTREC so.

    Source: ``regex_match_score`` of https://github.com/facebookresearch/DrQA, drqa/reader/utils.py,
    and of https://github.com/google-research/language, language/orqa/utils/eval_utils.py.
    """
    compiled = compile_pattern(pattern)
    text = unicodedata.normalize("NFD", prediction)
    return float(compiled is not None and compiled.match(text) is not None)


def find_answer(passage_text: str, answers: Sequence[str]) -> tuple[int, int] | None:
    """Where an answer stands in a passage, by the matching of ``has_answer``.

    The first occurrence that is written exactly as an answer is; where there is none, the first
    that differs in case, accents' encoding or white space ("may" before "May" is not the month).

    Args:
        passage_text: The text that is searched.
        answers: Gold answers; of two that begin at one place, the earlier in the list is taken.

    Returns:
        Start and end (exclusive), in code points of ``passage_text``; None where there is no
        answer, or it begins or ends within a character (a mark that only decomposition sets free).
    """
    starts, ends, pieces, length = {}, {}, [_TOKEN_END], len(_TOKEN_END)
    for match in _TOKENS.finditer(passage_text):
        piece = _ended_tokens(match[0])
        starts[length] = match.start()
        length += len(piece)
        ends[length] = match.end()
        pieces.append(piece)
    tokens = "".join(pieces)
    found = [
        (starts[first], ends[end])
        for answer in answers
        for first, end in _occurrences(_token_string(answer), tokens)
        if first in starts and end in ends
    ]

    def rank(span: tuple[int, int]) -> tuple[bool, int]:
        return passage_text[slice(*span)] not in answers, span[0]

    return min(found, key=rank, default=None)


def _occurrences(wanted: str, tokens: str) -> Iterator[tuple[int, int]]:
    """Where a token string stands in another: past the mark before it, past the mark after it."""
    position = tokens.find(wanted) if wanted != _TOKEN_END else -1
    while position >= 0:
        yield position + len(_TOKEN_END), position + len(wanted)
        position = tokens.find(wanted, position + 1)


def top_k_accuracy(hits: Sequence[Sequence[bool]], cutoffs: Sequence[int]) -> dict[int, float]:
    """Percentage of questions with an answer in their first k passages, for each cutoff k.

    Args:
        hits: For each question, whether each retrieved passage has an answer, best passage first.
        cutoffs: The values of k.

    Returns:
        The percentage, 0.0 to 100.0, by cutoff.

    Raises:
        ValueError: If there are no questions, or a cutoff is below 1.

    Source: DPR (https://github.com/facebookresearch/DPR), dense_retriever.py.
    """
    if not hits:
        raise ValueError("expected the hits of at least one question, found none")
    if any(cutoff < 1 for cutoff in cutoffs):
        raise ValueError(f"expected cutoffs of at least 1, found {list(cutoffs)}")
    return {
        cutoff: 100.0 * sum(any(found[:cutoff]) for found in hits) / len(hits) for cutoff in cutoffs
    }
