"""Training questions generated from unlabelled text."""
