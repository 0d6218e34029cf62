"""Evaluation: metrics on validation, test and outside films, operating points and figures."""
