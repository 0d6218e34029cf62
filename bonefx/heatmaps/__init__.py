"""Heat maps: methods, projection on the film, overlays, trust checks, agreement of models."""
