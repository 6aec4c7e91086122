"""The files of an index: manifest, shards, lookup, snapshots, and their writing."""
