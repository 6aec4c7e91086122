"""Fitting how answers are ranked, and how sure a reader is, to known answers."""
