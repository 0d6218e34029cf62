"""The Worklist screen: many films, sorted by urgency."""
