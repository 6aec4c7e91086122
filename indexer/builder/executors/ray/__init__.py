"""Encoding shards on a Ray cluster; needs the extra ``ray``."""
