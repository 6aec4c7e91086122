"""Builds an index: scans the corpus, encodes shards, writes lookup files and the BM25 index."""
