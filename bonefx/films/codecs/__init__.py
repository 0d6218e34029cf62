"""Decoders of picture formats, and checks of what they pass over."""
