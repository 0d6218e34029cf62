"""Adapters of data-set layouts, one per file."""
