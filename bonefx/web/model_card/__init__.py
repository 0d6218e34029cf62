"""The Model card screen."""
