"""BM25 by Lucene: the Java virtual machine, indexing, searching, global statistics."""
