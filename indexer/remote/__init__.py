"""Indexes on object stores, read through a local cache."""
