"""Pictures of an evaluation: curves, histograms and the worst misses."""
