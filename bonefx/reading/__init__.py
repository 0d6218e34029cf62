"""Read radiographs with models: one film, several models, many films."""
