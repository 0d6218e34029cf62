"""Leakage audit of any folder of films: what repeats, what crosses splits, what it hides."""
