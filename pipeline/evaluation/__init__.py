"""Evaluation: outcomes of questions, their files, scores with intervals, reports."""
