"""Where the cells of activations lie on the input of a network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.func import functional_call

from bonefx.errors import WeightsError

GRID_CHECK_SIDE_PX = 512
_known_grids: dict[str, CellGrid] = {}  # by the settings of the layers; a check takes 0.1 s


@dataclass(frozen=True, slots=True, kw_only=True)
class CellGrid:
    """Place of the cells on the input: cell i is centred on pixel offset_px + i * stride_px."""

    stride_px: int
    offset_px: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowGeometry:
    """How a convolution or a pooling moves over its input, the same along both axes.

    Attributes:
        extent: Cells of the input that one cell of the output sees, dilation included.
        stride: Cells of the input from one cell of the output to the next.
        padding: Cells added at each side.
        ceil_mode: Whether an incomplete last window counts.
    """

    extent: int
    stride: int
    padding: int
    ceil_mode: bool

    def output_side(self, side: int) -> int:
        """Return how many cells an input of so many cells gives."""
        steps = side + 2 * self.padding - self.extent
        return (-(-steps // self.stride) if self.ceil_mode else steps // self.stride) + 1


def known_cell_grid(layers: nn.Module) -> CellGrid:
    """Return cell_grid of the layers; layers of the same settings are derived and checked once."""
    settings = repr(layers)
    if settings not in _known_grids:
        _known_grids[settings] = cell_grid(layers)
    return _known_grids[settings]


def cell_grid(layers: nn.Module) -> CellGrid:
    """Derive stride and offset from convolutions and poolings, and check them by a forward pass.

    Args:
        layers: The layers in the order in which they run. Branches that rejoin may not stride or
            shift.

    Raises:
        WeightsError: A layer strides in a way that is not known here, or the forward pass gives
            another number of cells than the strides do.

    Source:
        Araujo, Norris and Sim (2019), "Computing receptive fields of convolutional neural
        networks", Distill, eq. 3 and 4, for the middle of the receptive field.
    """
    stride, offset, side = 1, 0.0, GRID_CHECK_SIDE_PX
    for layer in layers.modules():
        window = _window_geometry(layer)
        if window is not None:
            offset += stride * ((window.extent - 1) / 2 - window.padding)
            stride *= window.stride
            side = window.output_side(side)
    measured = _output_shape(layers, GRID_CHECK_SIDE_PX)
    if measured != (side, side):
        raise WeightsError(
            f"an input of {GRID_CHECK_SIDE_PX} px gives {measured[0]} x {measured[1]} cells, but "
            f"the strides of the layers give {side} x {side}; a branch strides, or a layer "
            "resizes: extend cell_grid for this network"
        )
    return CellGrid(stride_px=stride, offset_px=offset)


def _window_geometry(layer: nn.Module) -> WindowGeometry | None:
    """Return how a layer moves over its input; None if it keeps each cell in its place."""
    if not isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        is_leaf = next(layer.children(), None) is None  # a block's stride is that of its layers
        if is_leaf and _both_axes(layer, "stride", default=1) != 1:
            raise WeightsError(
                f"the stride of a {type(layer).__name__} layer is not known; extend cell_grid"
            )
        return None
    dilation = _both_axes(layer, "dilation", default=1)
    return WindowGeometry(
        extent=dilation * (_both_axes(layer, "kernel_size") - 1) + 1,
        stride=_both_axes(layer, "stride"),
        padding=_both_axes(layer, "padding"),
        ceil_mode=bool(getattr(layer, "ceil_mode", False)),
    )


def _both_axes(layer: nn.Module, name: str, *, default: int = 0) -> int:
    """Return a setting of a layer that is the same for rows and columns."""
    value: object = getattr(layer, name, default)
    sides = {value} if not isinstance(value, tuple) else set(value)
    if len(sides) == 1 and isinstance(side := sides.pop(), int):
        return side
    raise WeightsError(
        f"a {type(layer).__name__} layer has {name} {value!r}; cell_grid needs one number for "
        "rows and columns"
    )


@torch.no_grad()
def _output_shape(layers: nn.Module, side_px: int) -> tuple[int, int]:
    """Compute the rows and columns of a forward pass on the meta device, which holds no values."""
    tensors = (*layers.named_parameters(), *layers.named_buffers())
    on_meta = {name: tensor.to("meta") for name, tensor in tensors}
    batch = torch.empty(1, 3, side_px, side_px, device="meta")
    output: torch.Tensor = functional_call(layers, on_meta, (batch,))
    rows, columns = output.shape[-2:]
    return rows, columns
