"""Training the retrieval head: it learns the similarities that a sentence encoder finds."""
