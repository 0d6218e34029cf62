"""The Read screen: one film, one verdict."""
