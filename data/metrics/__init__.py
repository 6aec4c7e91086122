"""Metrics: exact match, F1, answers found in passages, top-k accuracy, bootstrap intervals."""
