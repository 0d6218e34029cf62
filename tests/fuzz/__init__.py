"""Spoilt and contradictory files, made from a seed; each is decoded in a decoding process."""
