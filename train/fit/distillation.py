"""Knowledge distillation: train a network on the outputs of a trained teacher.

Source:
    Hinton, Vinyals and Dean (2015), "Distilling the knowledge in a neural network", for logits;
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
from train.recipe import Recipe
from train.recipe_sections import Distillation


def load_teacher(recipe: Recipe, data_set: DataSet, device: torch.device) -> LoadedModel | None:
    """Load the teacher that a recipe names; None for a recipe without distillation.

    Raises:
        RecipeError: The model is missing or damaged, has another rule for grey levels, or was
            trained on another split, so that its training films may include validation or test
            films of this one.
    """
    if recipe.distillation is None:
        return None
    name = recipe.distillation.teacher
    try:
        teacher = load_model(weights_folder() / name, device=device)
    except WeightsError as error:
        raise RecipeError(f"the teacher {name} cannot be loaded: {error}") from error
    trained_on = teacher.manifest.training_data
    own = {(data_set.name, data_set.split_sha256)} | {
        (source.title, source.split_sha256) for source in data_set.sources.values()
    }
    if (trained_on.name, trained_on.split_sha256) not in own:
        raise RecipeError(
            f"the teacher {name} was trained on another split, so its training films may include "
            "validation or test films of this split; choose a teacher of the same split"
        )
    rule = teacher.manifest.preprocess.grey_levels
    if rule != recipe.grey_levels:
        raise RecipeError(
            f"the teacher {name} reads films with grey_levels {rule!r}, the recipe has "
            f"{recipe.grey_levels!r}; choose a teacher with the same rule"
        )
    return teacher


class Distiller(nn.Module):
    """A teacher and a 1 x 1 convolution from the student's to the teacher's activations.

    The teacher's weights are not part of this module, so they are neither trained nor saved.
    """

    def __init__(self, teacher: LoadedModel, settings: Distillation, *, channels: int) -> None:
        """Create the convolution.

        Args:
            teacher: Trained model on the training device.
            settings: Multipliers of the loss terms.
            channels: Channels of the student's activations.
        """
        super().__init__()
        self._teacher = [teacher]  # in a list, so that it is not registered as a submodule
        self._settings = settings
        self.translation = nn.Conv2d(
            channels, count_activation_channels(teacher.network), kernel_size=1
        )

    def forward(
        self, sample: Sample, logits: torch.Tensor, activations: torch.Tensor
    ) -> torch.Tensor:
        """Compute the distance of a student from its teacher.

        Args:
            sample: N films; the teacher gets the same augmented films, at the student's size.
            logits: Student's logits, (N,).
            activations: Student's activations, (N, C, h, w).

        Returns:
            Scalar: the cross-entropy with the sigmoid of the teacher's logits, plus the squared
            error of the projected activations divided by the variance of the teacher's, each
            times its multiplier. Cells are matched by their position in the grid; the centres of
            matched cells are at most half a cell of the coarser grid apart.
        """
        (teacher,) = self._teacher
        with torch.no_grad():
            batch = normalise(sample.square, teacher.manifest.preprocess)
            teacher_logits, cells = teacher.network(
                batch.contiguous(memory_format=torch.channels_last)
            )
            rows, columns = activations.shape[-2:]
            target = functional.adaptive_avg_pool2d(cells.float(), (rows, columns))
        logit_loss = functional.binary_cross_entropy_with_logits(
            logits, teacher_logits.float().sigmoid()
        )
        error = (self.translation(activations).float() - target).square().mean()
        activation_loss = error / target.var().clamp(min=1e-6)
        loss: torch.Tensor = (
            self._settings.logits * logit_loss + self._settings.activations * activation_loss
        )
        return loss


@torch.no_grad()
def count_activation_channels(network: SplitNetwork) -> int:
    """Count the channels at the heat-map layer; batch-norm statistics do not change."""
    training = network.training
    weight = next(network.parameters())
    channels = int(network.eval().activations(weight.new_zeros(1, 3, 64, 64)).shape[1])
    network.train(training)
    return channels
