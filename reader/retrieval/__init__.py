"""Vectors for retrieval, made from the reader's lower states."""
