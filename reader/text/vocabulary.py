"""The vocabulary of a tokenizer that somebody else may have made."""

from tokenizers import Tokenizer

from ...data import PrereadError

_MOST_IDS = 1 << 24
"""Tables by token id have as many rows as the highest id says, however few tokens there are."""


def vocabulary_of(tokenizer: Tokenizer) -> dict[str, int]:
    """The tokens of a tokenizer and their ids.

    Args:
        tokenizer: The tokenizer of a reader.

    Raises:
        PrereadError: If an id is higher than any vocabulary has.
    """
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    highest = max(vocabulary.values(), default=-1)
    if highest >= _MOST_IDS:
        raise PrereadError(
            f"tokenizer.json: expected token ids below {_MOST_IDS:,}, found {highest:,}. The file "
            "is damaged: fetch the reader again."
        )
    return vocabulary
