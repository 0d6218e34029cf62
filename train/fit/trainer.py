"""Training steps: a network with its losses, optimiser, schedule and weight average."""

from __future__ import annotations

from typing import Any

import torch
from accelerate import Accelerator
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from bonefx.models.networks import SplitNetwork
from bonefx.models.registry import LoadedModel
from train.data.augment import Sample
from train.fit.objective import Objective, TrainingLosses
from train.fit.optimiser import LearningRateSchedule, build_optimiser
from train.recipe import Recipe


class Trainer:
    """Training steps of one network; data, epochs and files are handled elsewhere."""

    def __init__(
        self,
        network: SplitNetwork,
        recipe: Recipe,
        *,
        accelerator: Accelerator,
        steps: int,
        teacher: LoadedModel | None = None,
    ) -> None:
        """Prepare a network for training.

        Args:
            network: Network with initial weights.
            recipe: Training settings.
            accelerator: Device and processes.
            steps: Optimiser steps per epoch.
            teacher: Teacher of the distillation loss, on the accelerator's device.
        """
        self._recipe = recipe
        self._accelerator = accelerator
        self._objective = Objective(network, recipe, teacher).to(memory_format=torch.channels_last)
        network.frozen_part(recipe.frozen_layers).requires_grad_(False)
        optimiser = build_optimiser(self._objective, recipe)
        self._schedule = LearningRateSchedule(optimiser, recipe, recipe.epochs * steps)
        self._prepared, self._optimiser = accelerator.prepare(self._objective, optimiser)
        self._average = _build_average(network, recipe.average_decay)

    @property
    def exported_network(self) -> SplitNetwork:
        """The network that is validated and exported: the averaged or the current weights."""
        if self._average is None:
            return self._objective.network
        network: SplitNetwork = self._average.module  # type: ignore[assignment]
        return network

    @property
    def learning_rate(self) -> float:
        """Learning rate of the next step."""
        return self._schedule.learning_rate

    def train(self) -> None:
        """Set the training mode."""
        self._prepared.train()

    def train_micro_batch(self, sample: Sample, *, weight: float) -> TrainingLosses:
        """Accumulate the gradient of a micro-batch; after the last one, make an optimiser step.

        Args:
            sample: N films.
            weight: Multiplier of the loss; see train.data.loader.BatchSharding.loss_weight.

        Returns:
            The losses of the micro-batch, detached.
        """
        with self._accelerator.accumulate(self._prepared):
            with self._accelerator.autocast():
                losses = TrainingLosses(*self._prepared(sample))
            loss = losses.image + losses.evidence + losses.distilled
            self._accelerator.backward(loss * weight)
            self._step()
        return TrainingLosses(*(loss.detach() for loss in losses))

    def _step(self) -> None:
        """Make an optimiser step; the accelerator skips it before the last micro-batch."""
        last = self._accelerator.sync_gradients
        if last and self._recipe.clip_norm:
            self._accelerator.clip_grad_norm_(self._prepared.parameters(), self._recipe.clip_norm)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        if last:
            self._schedule.after_step()
            if self._average is not None:
                self._average.update_parameters(self._objective.network)

    def after_epoch(self, val_loss: float) -> None:
        """Update the schedule after an epoch with its validation loss."""
        self._schedule.after_epoch(val_loss)

    def state_dict(self) -> dict[str, Any]:
        """Return the state for load_state_dict."""
        return {
            "objective": self._objective.state_dict(),
            "average": self._average.state_dict() if self._average is not None else None,
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state of state_dict."""
        self._objective.load_state_dict(state["objective"])
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._schedule.load_state_dict(state["schedule"])


def _build_average(network: SplitNetwork, decay: float) -> AveragedModel | None:
    """Build the moving average of weights and statistics; None for a decay of 0."""
    if not decay:
        return None
    return AveragedModel(
        network,
        multi_avg_fn=get_ema_multi_avg_fn(decay),  # type: ignore[no-untyped-call]
        use_buffers=True,
    )
