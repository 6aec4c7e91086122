"""Text to token ids: tokenizer, windows of a passage, and offsets back to characters."""
