"""Networks split where the heat map is taken: first the activations, then the logit.

The verdict and the heat map share one forward pass. No hooks, which are not safe between threads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torchvision.models import VGG, EfficientNet

from bonefx.errors import WeightsError
from bonefx.models.cell_grid import CellGrid, known_cell_grid
from bonefx.models.preprocess import PreprocessSpec, to_batch
from bonefx.records import Radiograph

CLASSES = ("no_fracture", "fracture")  # order of the network's two outputs
NO_FRACTURE_INDEX, FRACTURE_INDEX = range(2)
QUARTER_TURNS = 4
ROWS_AND_COLUMNS = (2, 3)


class StageOutputs(NamedTuple):
    """Result of the first step.

    Attributes:
        activations: (N, C, h, w).
        signature: Channel means of late stages, (N, D); the scope check compares them.
    """

    activations: torch.Tensor
    signature: torch.Tensor


class SplitNetwork(nn.Module, ABC):
    """A classifier with two outputs, run in two steps: activations, then the logit.

    The weights belong to `backbone`, which computes both outputs when it is called by itself.
    """

    linear_head = False

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    @property
    def _features(self) -> nn.Sequential:
        features = self.backbone.features
        assert isinstance(features, nn.Sequential)
        return features

    @property
    def last_layer(self) -> nn.Linear:
        """The linear layer with the two outputs."""
        assert isinstance(self.backbone.classifier, nn.Sequential)
        last = list(self.backbone.classifier.children())[-1]
        assert isinstance(last, nn.Linear)
        return last

    @abstractmethod
    def staged(self, batch: torch.Tensor) -> StageOutputs:
        """Run (N, 3, S, S) up to the layer of the heat map."""

    def activations(self, batch: torch.Tensor) -> torch.Tensor:
        """Run (N, 3, S, S) up to the layer of the heat map; returns (N, C, h, w)."""
        return self.staged(batch).activations

    @abstractmethod
    def logit(self, activations: torch.Tensor) -> torch.Tensor:
        """Run the head on (N, C, h, w); returns the log-odds of fracture, (N,).

        With two softmax outputs the log-odds of fracture is the difference of the two.
        """

    def grid(self) -> CellGrid:
        """Return the grid of the activations on the input; see cell_grid."""
        return self._grid

    @cached_property
    def _grid(self) -> CellGrid:
        return known_cell_grid(self._layers_before_cells())

    @abstractmethod
    def _layers_before_cells(self) -> nn.Module:
        """Return the layers that determine where the cells of the activations lie."""

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Run (N, 3, S, S); returns logits (N,) and activations (N, C, h, w)."""
        activations = self.activations(batch)
        return self.logit(activations), activations

    def evidence(self, activations: torch.Tensor) -> torch.Tensor:
        """Compute the share of each cell in the logit, before pooling, (N, h, w).

        Its positive part is Grad-CAM; see bonefx.heatmaps.methods.

        Raises:
            WeightsError: The head is not linear.

        Source:
            Zhou et al. (2016), "Learning deep features for discriminative localization", eq. 2.
        """
        if not self.linear_head:
            raise WeightsError("evidence per cell needs a linear head; use Grad-CAM instead")
        weight = self.last_layer.weight[FRACTURE_INDEX] - self.last_layer.weight[NO_FRACTURE_INDEX]
        return torch.einsum("c,nchw->nhw", weight, activations)

    def frozen_part(self, layers: int) -> nn.Sequential:
        """Return the first layers of `features`, which a recipe leaves untrained."""
        return self._features[:layers]


class CutNetwork(SplitNetwork):
    """A torchvision classifier, split after one layer of its features."""

    backbone: EfficientNet | VGG

    def __init__(
        self,
        backbone: EfficientNet | VGG,
        *,
        cut: int,
        linear_head: bool,
        signature_layers: Sequence[int],
    ) -> None:
        """Split a network.

        Args:
            backbone: torchvision network with two outputs.
            cut: Number of layers of `features` before the heat map, activation included.
            linear_head: Whether the head is a mean over all cells and one linear layer.
            signature_layers: Indices of layers of `features` before the cut; their channel means
                are the signature.
        """
        super().__init__(backbone)
        self.cut = cut
        self.linear_head = linear_head
        self.signature_layers = tuple(signature_layers)

    def staged(self, batch: torch.Tensor) -> StageOutputs:
        """See SplitNetwork."""
        *_, activations = stages = staged_features(
            self._features, batch, (*self.signature_layers, self.cut - 1)
        )
        return StageOutputs(activations, pool_signature(stages[:-1]))

    def logit(self, activations: torch.Tensor) -> torch.Tensor:
        """See SplitNetwork."""
        pooled = self.backbone.avgpool(self._features[self.cut :](activations))
        outputs = self.backbone.classifier(torch.flatten(pooled, 1))  # (N, 2)
        return log_odds(outputs)

    def _layers_before_cells(self) -> nn.Module:
        """See SplitNetwork."""
        return self._features[: self.cut]


class AllOrientations(SplitNetwork):
    """A network that is run on the four quarter turns of a film; its logit is their mean.

    A network that learned from upright films finds other fractures on a film that lies on its side.
    The mean over the four quarter turns is the same however a film was put down. The activations of
    all orientations are turned back onto the film and put side by side, so that heat maps, their
    checks and the scope see one network: Grad-CAM of the mean logit is the mean of the four maps.

    Source:
        Cohen and Welling (2016), "Group equivariant convolutional networks", for the group of
        quarter turns; here its orbit is averaged for a network that was trained as usual.
    """

    def __init__(self, single: SplitNetwork) -> None:
        """Wrap a network.

        Args:
            single: Reads one orientation.
        """
        super().__init__(single.backbone)
        self.linear_head = single.linear_head
        self.single = single

    def staged(self, batch: torch.Tensor) -> StageOutputs:
        """Run (N, 3, S, S) in each orientation; see SplitNetwork.

        Returns:
            Activations (N, 4 C, h, w): C channels of each orientation, turned back onto the film;
            and the mean of the signatures, (N, D).
        """
        stages = [self.single.staged(_turned(batch, turns)) for turns in range(QUARTER_TURNS)]
        back = [_turned(stage.activations, -turns) for turns, stage in enumerate(stages)]
        signatures = torch.stack([stage.signature for stage in stages])
        return StageOutputs(torch.cat(back, dim=1), signatures.mean(dim=0))

    def logit(self, activations: torch.Tensor) -> torch.Tensor:
        """Return the mean logit, (N,), of activations (N, 4 C, h, w) as `staged` gives them."""
        return torch.stack([
            self.single.logit(_turned(part, turns))
            for turns, part in enumerate(activations.chunk(QUARTER_TURNS, dim=1))
        ]).mean(dim=0)  # fmt: skip

    def evidence(self, activations: torch.Tensor) -> torch.Tensor:
        """See SplitNetwork; the mean over the orientations."""
        parts = activations.chunk(QUARTER_TURNS, dim=1)
        return torch.stack([self.single.evidence(part) for part in parts]).mean(dim=0)

    def grid(self) -> CellGrid:
        """Return the grid of the mean map.

        Cells that lie off the middle of their stride by some pixels lie off by as many on the other
        side once the film is turned by 180 degrees, so that on average they lie in the middle.
        """
        stride = self.single.grid().stride_px
        return CellGrid(stride_px=stride, offset_px=(stride - 1) / 2)

    def _layers_before_cells(self) -> nn.Module:
        """See SplitNetwork."""
        return self.single._layers_before_cells()


def in_orientations(network: SplitNetwork, count: int) -> SplitNetwork:
    """Return a network that reads films as they are (1) or in all orientations (4).

    Args:
        network: Of either kind.
        count: Number of orientations.

    Raises:
        WeightsError: It is another number.
    """
    if count not in (1, QUARTER_TURNS):
        raise WeightsError(
            f"a network reads a film in 1 or {QUARTER_TURNS} orientations, not in {count}"
        )
    single = single_orientation(network)
    return AllOrientations(single) if count == QUARTER_TURNS else single


def single_orientation(network: SplitNetwork) -> SplitNetwork:
    """Return the network that reads one orientation."""
    return network.single if isinstance(network, AllOrientations) else network


def _turned(values: torch.Tensor, quarter_turns: int) -> torch.Tensor:
    """Turn (N, C, h, w) clockwise, in the memory format that it has."""
    if quarter_turns % QUARTER_TURNS == 0:
        return values
    turned = torch.rot90(values, -quarter_turns, ROWS_AND_COLUMNS)
    return turned.contiguous(memory_format=torch.channels_last)


def staged_features(
    features: nn.Sequential, batch: torch.Tensor, layers: Sequence[int]
) -> list[torch.Tensor]:
    """Run (N, 3, S, S) through the features; return the outputs of the given layers, ascending."""
    stages, after = [], 0
    for layer in layers:
        batch = features[after : layer + 1](batch)
        stages.append(batch)
        after = layer + 1
    return stages


def pool_signature(stages: Sequence[torch.Tensor]) -> torch.Tensor:
    """Average stages (N, C_i, h_i, w_i) over their cells; return (N, sum of C_i)."""
    return torch.cat([stage.mean((2, 3)) for stage in stages], dim=1)


def log_odds(outputs: torch.Tensor) -> torch.Tensor:
    """Compute the log-odds of fracture, (...), from two softmax outputs, (..., 2)."""
    return outputs[..., FRACTURE_INDEX] - outputs[..., NO_FRACTURE_INDEX]


@torch.inference_mode()
def compute_signatures(
    network: SplitNetwork, films: Sequence[Radiograph], spec: PreprocessSpec
) -> NDArray[np.float32]:
    """Compute the signatures of N films, (N, D), without the head."""
    device = next(network.parameters()).device
    batch = to_batch(list(films), spec).to(device, memory_format=torch.channels_last)
    signatures: NDArray[np.float32] = network.staged(batch).signature.float().cpu().numpy()
    return signatures
