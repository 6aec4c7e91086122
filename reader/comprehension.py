"""Reading comprehension: each question comes with the one context that answers it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from ..data import ReadingExample
from .inference.spans import Span
from .inference.window_table import table_of_passages
from .packing import Packed
from .reader import Reader
from .text.token_map import TokenMap

_QUESTIONS_AT_ONCE = 16


def answer_examples(
    reader: Reader,
    examples: Iterable[ReadingExample],
    through: Callable[[Packed, Packed], Packed] = lambda states, token_ids: states,
) -> Iterator[tuple[ReadingExample, str]]:
    """Answer each question from its context. Questions of one context share its lower states.

    Args:
        reader: The reader.
        examples: Questions with contexts. A title that is not empty is read too.
        through: Applied to the lower states of a context and its token ids before the context is
            read, for example the round trip through a codec.

    Yields:
        Each example with its answer, grouped by context. The answer is empty if the context holds
        nothing but punctuation, markup and space.
    """
    by_passage: dict[tuple[str, str], list[ReadingExample]] = defaultdict(list)
    for example in examples:
        by_passage[example.title, example.context].append(example)
    for (title, context), group in by_passage.items():
        (windows,) = reader.encoder.encode_passages([context], [title])
        token_ids = Packed.from_lists([w.token_ids for w in windows])
        passage = through(reader.window_states(windows), token_ids)
        table = table_of_passages([windows])
        tokens = reader.encoder.token_map(context)
        for first in range(0, len(group), _QUESTIONS_AT_ONCE):
            some = group[first : first + _QUESTIONS_AT_ONCE]
            questions = reader.question_states(*(example.question for example in some))
            to_read = [(number, [0]) for number in range(len(some))]
            read = reader.logits_batch(questions, passage, table, to_read)
            for example, (logits, of_context) in zip(some, read, strict=True):
                best = reader.spans.best(logits, of_context, n_best=1, tokens=[tokens].__getitem__)
                yield example, _text(tokens, best[0]) if best else ""


def _text(tokens: TokenMap, span: Span) -> str:
    start, end = tokens.char_span(span.first_token, span.last_token)
    return tokens.text[start:end]
