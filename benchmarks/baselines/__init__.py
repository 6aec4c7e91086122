"""Other ways to read the same passages, which `speed.py` compares with ours."""
