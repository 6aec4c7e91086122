"""Answers compared with gold answers: EM, F1, matching in passages, bootstrap intervals."""
