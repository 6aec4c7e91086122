"""Fitting a quantised codec to the states of sample passages."""
