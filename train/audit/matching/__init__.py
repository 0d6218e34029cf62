"""Find films that show the same: fingerprints, near-duplicates and groups."""
