"""Benchmarks: each script answers one question and prints its figures as JSON."""
