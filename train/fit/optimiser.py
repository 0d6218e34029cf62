"""Optimiser and learning rate schedule of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

from bonefx.errors import RecipeError
from train.recipe import Recipe
from train.recipe_sections import TRAINING_ONLY_PARTS, OneCycleAdamW, PlateauSgd


class LearningRateSchedule:
    """Learning rate schedule: per step (one cycle) or per epoch (plateau)."""

    def __init__(self, optimiser: torch.optim.Optimizer, recipe: Recipe, total_steps: int) -> None:
        self._optimiser = optimiser
        self._by_step: OneCycleLR | None = None
        self._by_epoch: ReduceLROnPlateau | None = None
        if isinstance(recipe.optimiser, OneCycleAdamW):
            self._by_step = _one_cycle(optimiser, recipe.optimiser, total_steps)
        else:
            self._by_epoch = ReduceLROnPlateau(
                optimiser,
                mode="min",
                factor=recipe.optimiser.factor,
                patience=recipe.optimiser.patience,
            )

    @property
    def learning_rate(self) -> float:
        """Learning rate of the next step."""
        return float(self._optimiser.param_groups[0]["lr"])

    def after_step(self) -> None:
        """Update the schedule after an optimiser step."""
        if self._by_step is not None:
            self._by_step.step()

    def after_epoch(self, val_loss: float) -> None:
        """Update the schedule after an epoch with its validation loss."""
        if self._by_epoch is not None:
            self._by_epoch.step(val_loss)

    def state_dict(self) -> dict[str, Any]:
        """Return the state for load_state_dict."""
        return (self._by_step or self._by_epoch).state_dict()  # type: ignore[union-attr]

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state of state_dict."""
        (self._by_step or self._by_epoch).load_state_dict(state)  # type: ignore[union-attr]


def build_optimiser(module: torch.nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Build the recipe's optimiser for all trainable weights of a module."""
    trained = [value for value in module.parameters() if value.requires_grad]
    settings = recipe.optimiser
    if isinstance(settings, PlateauSgd):
        return torch.optim.SGD(
            trained,
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
    return torch.optim.AdamW(
        _parameter_groups(module, settings),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
    )


def _parameter_groups(module: torch.nn.Module, settings: OneCycleAdamW) -> list[dict[str, Any]]:
    """Group the trainable weights by learning rate multiplier; those without one come first.

    Raises:
        RecipeError: A multiplier names a module that the network does not have.
    """
    parts = {part for name, _ in module.named_parameters() for part in name.split(".")}
    unknown = sorted(set(settings.rates) - parts - set(TRAINING_ONLY_PARTS))
    if unknown:
        raise RecipeError(
            f"rates name {', '.join(unknown)}, which this network does not have; "
            "correct [optimiser]"
        )
    groups: dict[float, list[torch.nn.Parameter]] = {1.0: []}
    for name, value in module.named_parameters():
        if value.requires_grad:
            groups.setdefault(_rate_multiplier(name, settings.rates), []).append(value)
    return [
        {"params": values, "lr": settings.learning_rate * rate} for rate, values in groups.items()
    ]


def _rate_multiplier(name: str, rates: Mapping[str, float]) -> float:
    parts = name.split(".")
    return next((rate for part, rate in rates.items() if part in parts), 1.0)


def _one_cycle(
    optimiser: torch.optim.Optimizer, settings: OneCycleAdamW, total_steps: int
) -> OneCycleLR:
    return OneCycleLR(
        optimiser,
        max_lr=[group["lr"] for group in optimiser.param_groups],
        total_steps=total_steps + 1,
        pct_start=max(settings.warm_up, 2 / (total_steps + 1)),  # rises over at least one step
    )
