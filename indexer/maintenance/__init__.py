"""Changing a finished index: add, delete, compact, split, merge, verify."""
