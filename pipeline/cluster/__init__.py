"""Serving an index in parts on a Ray cluster; needs the extra ``ray``."""
