"""The moving parts of training: a network, its optimiser and schedule, and one step of them."""

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
    """A network under training; it knows no data, no epochs and no files."""

    def __init__(
        self,
        network: SplitNetwork,
        recipe: Recipe,
        *,
        accelerator: Accelerator,
        steps: int,
        teacher: LoadedModel | None = None,
    ) -> None:
        """Make a network ready to be trained.

        Args:
            network: With its initial weights.
            recipe: Says what is trained, and how.
            accelerator: Knows the device and the processes.
            steps: Of an epoch.
            teacher: That the recipe learns from, on the accelerator's device.
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
        """The network that is validated and exported: the average, or the last weights."""
        if self._average is None:
            return self._objective.network
        network: SplitNetwork = self._average.module  # type: ignore[assignment]
        return network

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return self._schedule.learning_rate

    def train(self) -> None:
        """Switch to training."""
        self._prepared.train()

    def train_micro_batch(self, sample: Sample, *, weight: float) -> TrainingLosses:
        """Add a part's gradient, and make a step after the last part.

        Args:
            sample: N films.
            weight: Multiplier of the loss; see loader.Shares.weight.

        Returns:
            The part's losses, without gradient.
        """
        with self._accelerator.accumulate(self._prepared):
            with self._accelerator.autocast():
                losses = TrainingLosses(*self._prepared(sample))
            loss = losses.image + losses.evidence + losses.distilled
            self._accelerator.backward(loss * weight)
            self._step()
        return TrainingLosses(*(loss.detach() for loss in losses))

    def _step(self) -> None:
        """Step, where the accelerator says that the part was the last."""
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
        """Tell that an epoch ended with this validation loss."""
        self._schedule.after_epoch(val_loss)

    def state_dict(self) -> dict[str, Any]:
        """What load_state_dict needs to go on from here."""
        return {
            "objective": self._objective.state_dict(),
            "average": self._average.state_dict() if self._average is not None else None,
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where state_dict was taken."""
        self._objective.load_state_dict(state["objective"])
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._schedule.load_state_dict(state["schedule"])


def _build_average(network: SplitNetwork, decay: float) -> AveragedModel | None:
    """Start a moving average of the weights and statistics; None where the recipe wants none."""
    if not decay:
        return None
    return AveragedModel(
        network,
        multi_avg_fn=get_ema_multi_avg_fn(decay),  # type: ignore[no-untyped-call]
        use_buffers=True,
    )
