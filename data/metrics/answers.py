"""Comparison of answers, and search for answers in passages, as SQuAD and DPR define them.

Sources: SQuAD's evaluation scripts (https://rajpurkar.github.io/SQuAD-explorer/) and DPR
(https://github.com/facebookresearch/DPR), which normalises answers as SQuAD 1.1 does.
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
"""Separates tokens; a control character is never part of a token."""


def normalize_answer(text: str) -> str:
    """Lower the text, and remove ASCII punctuation, English articles and excess white space.

    Args:
        text: An answer.

    Source: ``normalize_answer`` of SQuAD's evaluate-v1.1.py
    (https://rajpurkar.github.io/SQuAD-explorer/).
    """
    without_punctuation = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", without_punctuation).split())


def exact_match_score(prediction: str, answer: str) -> float:
    """Return 1.0 where prediction and answer are equal after normalisation, else 0.0.

    Args:
        prediction: The predicted answer.
        answer: One gold answer.

    Source: evaluate-v1.1.py (https://rajpurkar.github.io/SQuAD-explorer/).
    """
    return float(normalize_answer(prediction) == normalize_answer(answer))


def nq_open_match_score(prediction: str, answer: str) -> float:
    """Return 1.0 where both are equal after decomposition (NFD) and normalisation, else 0.0.

    The script of NQ-open and EfficientQA decomposes accents, so that equal answers match however
    their accents are encoded. The scripts of SQuAD and DPR do not.

    Args:
        prediction: The predicted answer.
        answer: One gold answer.

    Source: ``exact_match_score`` of https://github.com/google-research/language,
    language/orqa/utils/eval_utils.py.
    """
    both = (unicodedata.normalize("NFD", text) for text in (prediction, answer))
    return exact_match_score(*both)


def f1_score(prediction: str, answer: str) -> float:
    """Return the harmonic mean of precision and recall of the normalised words, 0.0 to 1.0.

    Where one of the two has no words, the score is 1.0 if the other has none either, and else 0.0.
    This is the rule of SQuAD 2.0; SQuAD 1.1 gives 0.0 in both cases.

    Args:
        prediction: The predicted answer.
        answer: One gold answer.

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
    """Return the best score of a prediction against any gold answer.

    Args:
        metric: Scores a prediction against one gold answer.
        prediction: The predicted answer.
        answers: The gold answers. Without any, the question has no answer and the empty prediction
            is correct, as in SQuAD 2.0.
    """
    return max(metric(prediction, answer) for answer in answers or [""])


def score_answer(prediction: str, answers: Sequence[str]) -> tuple[float, float]:
    """Score a prediction against the gold answers.

    Args:
        prediction: The predicted answer.
        answers: The gold answers. Without any, the empty prediction is correct.

    Returns:
        Exact match and F1, each from 0.0 to 1.0, each the best over the gold answers.
    """
    return (
        metric_max_over_answers(exact_match_score, prediction, answers),
        metric_max_over_answers(f1_score, prediction, answers),
    )


def _ended_tokens(text: str) -> str:
    """Return the text's tokens in lower case, each followed by ``_TOKEN_END``."""
    tokens = _TOKENS.findall(unicodedata.normalize("NFD", text))
    return "".join(token.lower() + _TOKEN_END for token in tokens)


@lru_cache(maxsize=1024)
def _token_string(text: str) -> str:
    """Return the text's tokens in lower case, ``_TOKEN_END`` before, between and after them."""
    return _TOKEN_END + _ended_tokens(text)


def has_answer(passage_text: str, answers: Sequence[str]) -> bool:
    """Decide whether a passage contains the tokens of an answer, in order and ignoring case.

    An answer without tokens is in no passage; DPR's code finds it in every passage.

    Args:
        passage_text: The passage's text.
        answers: The gold answers, any of which counts.

    Source: ``has_answer`` with string matching and ``SimpleTokenizer``
    (https://github.com/facebookresearch/DPR, dpr/data/qa_validation.py, dpr/utils/tokenizers.py).
    """
    passage_tokens = _token_string(passage_text)
    found = (_token_string(answer) for answer in answers)
    return any(tokens != _TOKEN_END and tokens in passage_tokens for tokens in found)


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> "regex.Pattern[str] | None":
    """Compile a TREC answer pattern after decomposition (NFD); None if it is not valid.

    Args:
        pattern: The regular expression.

    Source: ``regex_match`` of https://github.com/facebookresearch/DPR, dpr/data/qa_validation.py.
    """
    try:
        return regex.compile(
            unicodedata.normalize("NFD", pattern),
            regex.IGNORECASE | regex.UNICODE | regex.MULTILINE,
        )
    except (regex.error, RecursionError):
        return None


def has_pattern(passage_text: str, patterns: Sequence[str]) -> bool:
    """Decide whether a pattern matches somewhere in a passage.

    Args:
        passage_text: The passage's text.
        patterns: TREC's answer patterns, any of which counts; an invalid one matches nothing.

    Source: ``has_answer`` with regular expressions (https://github.com/facebookresearch/DPR,
    dpr/data/qa_validation.py).
    """
    text = unicodedata.normalize("NFD", passage_text)
    compiled = (compile_pattern(pattern) for pattern in patterns)
    return any(pattern is not None and pattern.search(text) for pattern in compiled)


def find_pattern(passage_text: str, patterns: Sequence[str]) -> tuple[int, int] | None:
    """Find the first match of any pattern in a passage.

    Matches are those of ``has_pattern``, on the decomposed text. A match that begins or ends inside
    a character of the passage, between a letter and its accent, is ignored.

    Args:
        passage_text: The passage's text.
        patterns: TREC's answer patterns; an invalid one matches nothing.

    Returns:
        Start and end (exclusive) of the match without white space around it, in code points of
        ``passage_text``; None where there is no match that is not empty.
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
    """Return 1.0 where the pattern matches at the prediction's start, else 0.0.

    Text after the match does not matter, as in the scripts of DrQA and ORQA for CuratedTREC.

    Args:
        prediction: The predicted answer.
        pattern: One of TREC's answer patterns; an invalid one matches nothing.

    Source: ``regex_match_score`` of https://github.com/facebookresearch/DrQA, drqa/reader/utils.py,
    and of https://github.com/google-research/language, language/orqa/utils/eval_utils.py.
    """
    compiled = compile_pattern(pattern)
    text = unicodedata.normalize("NFD", prediction)
    return float(compiled is not None and compiled.match(text) is not None)


def find_answer(passage_text: str, answers: Sequence[str]) -> tuple[int, int] | None:
    """Find the first occurrence of any answer in a passage.

    Occurrences are those of ``has_answer``. One that is written exactly like an answer is preferred
    to an earlier one that differs in case, in the encoding of accents or in white space: for the
    answer "May", the month is preferred to the verb. An occurrence that begins or ends inside a
    character of the passage, between a letter and its accent, is ignored.

    Args:
        passage_text: The passage's text.
        answers: The gold answers; of two that start at the same offset, the earlier in the list
            wins.

    Returns:
        Start and end (exclusive), in code points of ``passage_text``; None where there is no
        occurrence.
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
    """Yield where a token string occurs in another: offsets of its first token and of its end."""
    position = tokens.find(wanted) if wanted != _TOKEN_END else -1
    while position >= 0:
        yield position + len(_TOKEN_END), position + len(wanted)
        position = tokens.find(wanted, position + 1)


def top_k_accuracy(hits: Sequence[Sequence[bool]], cutoffs: Sequence[int]) -> dict[int, float]:
    """Compute the percentage of questions with an answer in their first k passages, by k.

    Args:
        hits: For each question, whether each retrieved passage has an answer, best passage first.
        cutoffs: The values of k.

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
