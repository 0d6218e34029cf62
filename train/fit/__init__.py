"""Training: engine, objective, optimiser, distillation, initial weights and the run folder."""
