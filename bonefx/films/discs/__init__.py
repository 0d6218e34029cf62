"""Folders, zip archives and discs: which of their files are films."""
