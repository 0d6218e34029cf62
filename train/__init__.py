"""Training for bonefx: data sets, training, evaluation, and export with a model card."""
