"""Fit and measure the scope, by which a model refuses pictures that are not bone radiographs."""
