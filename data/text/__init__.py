"""Plain text: whole characters, letters and digits, words and sentences."""
