"""Executors that encode shards: processes of one machine, or Ray."""
