"""Leakage audit of a folder of films: duplicates, leakage between splits, and baselines."""
