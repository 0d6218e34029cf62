"""Fit and measure the scope by which a model refuses pictures."""
