"""Plain text: characters, letters, words and sentences."""
