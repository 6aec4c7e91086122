"""Building an index: scan the corpus, encode shards, write lookup and BM25."""
