"""Training on pairs of texts."""
