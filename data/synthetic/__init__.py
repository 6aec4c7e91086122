"""Training questions made from plain text, without labels."""
