"""Heat maps against annotations, against those of another model, and the limits of their checks."""
