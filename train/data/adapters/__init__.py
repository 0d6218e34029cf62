"""Adapters: one published layout of a data set each."""
