"""A network that reads each film in several orientations and answers with the mean of its logits.

A network that learned from upright films finds other fractures on a film that lies on its side. The
mean over the four quarter turns is the same however a film was put down. The activations of all
orientations are turned back onto the film and put side by side, so that heat maps, their checks and
the scope see one network: Grad-CAM of the mean logit is the mean of the four maps.

Source:
    Cohen and Welling (2016), "Group equivariant convolutional networks", section 6.3, for pooling
    over quarter turns; here on the logits of a network that was trained as usual.
"""

from __future__ import annotations

import torch
from torch import nn

from bonefx.errors import WeightsError
from bonefx.models.cell_grid import CellGrid
from bonefx.models.networks import SplitNetwork, StageOutputs

ALL = 4  # quarter turns
ROWS_AND_COLUMNS = (2, 3)


class AllOrientations(SplitNetwork):
    """A network that is run on the four quarter turns of a film; its logit is their mean."""

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
        stages = [self.single.staged(_turned(batch, turns)) for turns in range(ALL)]
        back = [_turned(stage.activations, -turns) for turns, stage in enumerate(stages)]
        signatures = torch.stack([stage.signature for stage in stages])
        return StageOutputs(torch.cat(back, dim=1), signatures.mean(dim=0))

    def logit(self, activations: torch.Tensor) -> torch.Tensor:
        """Return the mean logit, (N,), of activations (N, 4 C, h, w) as `staged` gives them."""
        return torch.stack([
            self.single.logit(_turned(part, turns))
            for turns, part in enumerate(activations.chunk(ALL, dim=1))
        ]).mean(dim=0)  # fmt: skip

    def evidence(self, activations: torch.Tensor) -> torch.Tensor:
        """See SplitNetwork; the mean over the orientations."""
        parts = activations.chunk(ALL, dim=1)
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

    Raises:
        WeightsError: It is another number.
    """
    if count not in (1, ALL):
        raise WeightsError(f"a network reads a film in 1 or {ALL} orientations, not in {count}")
    return AllOrientations(network) if count == ALL else network


def single_orientation(network: SplitNetwork) -> SplitNetwork:
    """Return the network that reads one orientation."""
    return network.single if isinstance(network, AllOrientations) else network


def _turned(values: torch.Tensor, quarter_turns: int) -> torch.Tensor:
    """Turn (N, C, h, w) clockwise, in the memory format that it has."""
    if quarter_turns % ALL == 0:
        return values
    turned = torch.rot90(values, -quarter_turns, ROWS_AND_COLUMNS)
    return turned.contiguous(memory_format=torch.channels_last)
