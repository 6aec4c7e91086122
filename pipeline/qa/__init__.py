"""A question's way to its answers: find passages, read them, rank what was read."""
