"""The reader's own answers about films, before or after the model's."""
