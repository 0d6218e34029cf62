"""Heat maps: methods, place on the film, overlays, trust checks and agreement of two models."""
