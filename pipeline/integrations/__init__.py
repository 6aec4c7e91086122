"""Other libraries' components: import the module of the library that you have.

Each needs the package it is named after, which is an extra of ours: ``haystack``, ``langchain``,
``pyterrier``.
"""
