"""Check whether a picture is a film that a model was made for."""
