"""The Compare screen: several models on one film."""
