"""Benchmarks: one script a question; results as JSON."""
