"""What a trained model makes of the same films, for a network to learn beside labels and boxes.

Source:
    Hinton, Vinyals and Dean (2015), "Distilling the knowledge in a neural network", for the answer;
    Romero et al. (2015), "FitNets: hints for thin deep nets", for the activations.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from bonefx.errors import RecipeError, WeightsError
from bonefx.models.networks import SplitNetwork
from bonefx.models.preprocess import normalise
from bonefx.models.registry import LoadedModel, load_model, weights_folder
from train.data import DataSet
from train.data.augment import Sample
from train.recipe import Distillation, Recipe


def load_teacher(recipe: Recipe, data_set: DataSet, device: torch.device) -> LoadedModel | None:
    """Load the model that a recipe learns from; None where it learns from none.

    Raises:
        RecipeError: There is no such model, it is damaged, or it was trained on another split, so
            that it may have met the films that its student is measured on.
    """
    if recipe.distillation is None:
        return None
    name = recipe.distillation.teacher
    try:
        teacher = load_model(weights_folder() / name, device=device)
    except WeightsError as error:
        raise RecipeError(f"the teacher {name} cannot be loaded: {error}") from error
    trained_on = teacher.manifest.training_data
    if (trained_on.name, trained_on.split_sha256) != (data_set.name, data_set.split_sha256):
        raise RecipeError(
            f"the teacher {name} was trained on another split than this, so it may know the films "
            "that are held out here; take a model of the same split"
        )
    return teacher


class Distiller(nn.Module):
    """A teacher, and the translation of a student's activations into the teacher's.

    The teacher's weights are not part of this module, so that they are neither trained nor saved.
    """

    def __init__(self, teacher: LoadedModel, settings: Distillation, *, channels: int) -> None:
        """Make the translation.

        Args:
            teacher: On the device of the training.
            settings: How much each part counts.
            channels: Of the student's activations.
        """
        super().__init__()
        self._teacher = [teacher]
        self._settings = settings
        self.translation = nn.Conv2d(
            channels, count_activation_channels(teacher.network), kernel_size=1
        )

    def forward(
        self, sample: Sample, logits: torch.Tensor, activations: torch.Tensor
    ) -> torch.Tensor:
        """Measure how far a student is from its teacher.

        Args:
            sample: N films; the teacher sees them as the student does, at the student's size.
            logits: The student's, (N,).
            activations: The student's, (N, C, h, w).

        Returns:
            Scalar: the cross-entropy with the sigmoid of the teacher's logits, and the squared
            error of the translated activations in the variance of the teacher's, each times its
            weight. Cells are matched by their place in the grid: the two networks' cells look at
            most half a cell of the coarser one apart.
        """
        (teacher,) = self._teacher
        with torch.no_grad():
            batch = normalise(sample.square, teacher.manifest.preprocess)
            taught, cells = teacher.network(batch.contiguous(memory_format=torch.channels_last))
            rows, columns = activations.shape[-2:]
            target = functional.adaptive_avg_pool2d(cells.float(), (rows, columns))
        answer = functional.binary_cross_entropy_with_logits(logits, taught.float().sigmoid())
        error = (self.translation(activations).float() - target).square().mean()
        hint = error / target.var().clamp(min=1e-6)
        loss: torch.Tensor = self._settings.logits * answer + self._settings.activations * hint
        return loss


@torch.no_grad()
def count_activation_channels(network: SplitNetwork) -> int:
    """Count the channels where a network's heat map is taken; its statistics stay as they are."""
    training = network.training
    weight = next(network.parameters())
    channels = int(network.eval().activations(weight.new_zeros(1, 3, 64, 64)).shape[1])
    network.train(training)
    return channels
