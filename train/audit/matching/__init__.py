"""Match films: fingerprints, near-duplicates and groups."""
