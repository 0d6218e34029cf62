"""Texts for people: of readings, films, heat maps and reasons; the screens and reports share them.

Programs get codes and values instead; see bonefx.report.tables.
"""
