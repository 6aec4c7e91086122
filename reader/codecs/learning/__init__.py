"""Fitting a quantised codec to the states of a sample of passages."""
