"""Serving an index in partitions on a Ray cluster; needs the extra ``ray``."""
