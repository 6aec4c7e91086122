"""Pairs of texts: classification and multiple choice, the paper's other tasks."""
