"""The training module of bonefx: from a folder of films to weights with a card."""
