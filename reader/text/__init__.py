"""Text to token ids: tokenizer, windows of a passage, offsets back to characters."""
