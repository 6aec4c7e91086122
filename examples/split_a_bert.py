"""Split any BERT checkpoint, store a passage's lower states, and read them with a question later.

    python examples/split_a_bert.py bert-base-uncased 9

Without fine-tuning the answer is arbitrary. The example shows that stored states give the same
logits.
"""

import sys

import torch
from preread.reader import Reader
from preread.reader.inference.window_table import window_table

PASSAGE = "The ceiling of the Sistine Chapel was painted by Michelangelo between 1508 and 1512."
QUESTION = "who painted the ceiling?"


def main() -> None:
    """Split, store, read."""
    reader = Reader.load(sys.argv[1], num_lower_layers=int(sys.argv[2]))
    (windows,) = reader.encoder.encode_passages([PASSAGE])

    states = reader.window_states(windows)  # offline: the lower layers, once
    stored = states.with_rows(states.rows.half())

    question = reader.question_states(QUESTION)  # online: the question, and the upper layers
    on_the_spot = reader.logits(question, states).start
    from_store = reader.logits(question, stored).start
    print(f"largest difference of a logit: {(on_the_spot - from_store).abs().max():.1e}")

    table = window_table([(len(w.token_ids), w.n_prefix, w.first_token, 0) for w in windows])
    (span,) = reader.read(question, stored, table, n_best=1)
    start, end = reader.encoder.token_map(PASSAGE).char_span(span.first_token, span.last_token)
    print(f"{QUESTION} {PASSAGE[start:end]}")


if __name__ == "__main__":
    torch.manual_seed(0)  # a checkpoint without a span head gets a random one
    main()
