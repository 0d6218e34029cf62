"""One forward pass -> logit and heat map; the map's place on the film; the overlay.

The pass runs without hooks: the layers up to the cut without gradient, the head with gradient.
Nothing is kept on the shared network, so threads do not disturb each other.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from bonefx.cam import GRAD_CAM, cam
from bonefx.networks import CellGrid, SplitNetwork
from bonefx.preprocess import letterbox_of

HOT = 0.5  # share of a map's peak from which a place counts as hot


def logits_and_maps(
    network: SplitNetwork, batch: torch.Tensor, *, method: str = GRAD_CAM
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run a batch once for its logits and its heat maps.

    Args:
        network: In evaluation mode, its parameters frozen.
        batch: (N, 3, S, S).
        method: A key of cam.METHODS.

    Returns:
        Logits (N,) and maps (N, h, w) >= 0, one value a cell; those of Grad-CAM are in logits.

    Source:
        Selvaraju et al. (2017), "Grad-CAM", eq. 1 and 2, for the log-odds of fracture.
    """
    passed = pass_of(network, batch)
    return passed.logits, cam(method, passed.activations, passed.gradients)


class Pass(NamedTuple):
    """What one pass over a batch gives: all that any method needs.

    Attributes:
        logits: (N,).
        activations: (N, C, h, w).
        gradients: Of each logit with respect to its activations, (N, C, h, w).
        signature: (N, D); see networks.Staged.
    """

    logits: torch.Tensor
    activations: torch.Tensor
    gradients: torch.Tensor
    signature: torch.Tensor


def pass_of(network: SplitNetwork, batch: torch.Tensor) -> Pass:
    """Run (N, 3, S, S) once: up to the cut without gradient, the head with it."""
    with torch.no_grad():
        staged = network.staged(batch)
    with torch.enable_grad():
        activations = staged.activations.detach().requires_grad_(True)
        logits = network.logit(activations)
        (gradients,) = torch.autograd.grad(logits.sum(), activations)
    return Pass(logits.detach(), staged.activations, gradients, staged.signature)


def peak_on_film(
    cells: NDArray[np.float32], grid: CellGrid, *, shape: tuple[int, int], size_px: int
) -> float:
    """Find a map's largest value on its film; what lies in the letterbox's border does not count.

    Args:
        cells: (h, w) >= 0, in logits.
        grid: Where the cells look, in pixels of the network's input.
        shape: Height and width of the film.
        size_px: Side of the input that the film was letterboxed into.

    Returns:
        The peak over the input's pixels that show the film, in logits.
    """
    place = letterbox_of(*shape, size_px=size_px)
    rows = _cell_weights(np.arange(place.height) + place.top, cells.shape[0], grid)
    columns = _cell_weights(np.arange(place.width) + place.left, cells.shape[1], grid)
    return float((rows @ cells @ columns.T).max())


def heat_on_film(
    cells: NDArray[np.float32], grid: CellGrid, *, shape: tuple[int, int], size_px: int
) -> NDArray[np.float32]:
    """Lay a map over its film, each cell where it looks, linear in between.

    Args:
        cells: (h, w) >= 0.
        grid: Where the cells look, in pixels of the network's input.
        shape: Height and width of the film.
        size_px: Side of the input that the film was letterboxed into.

    Returns:
        (H, W) float32 in [0, 1]: the map divided by peak_on_film; zeros where that is 0.
    """
    place = letterbox_of(*shape, size_px=size_px)
    down = (np.arange(shape[0]) + 0.5) * place.scale_y - 0.5 + place.top
    across = (np.arange(shape[1]) + 0.5) * place.scale_x - 0.5 + place.left
    rows = _cell_weights(down, cells.shape[0], grid)
    columns = _cell_weights(across, cells.shape[1], grid)
    peak = peak_on_film(cells, grid, shape=shape, size_px=size_px)
    scaled = cells / np.float32(peak) if peak > 0 else cells
    heat: NDArray[np.float32] = np.clip(rows @ scaled @ columns.T, 0.0, 1.0)
    return heat.astype(np.float32, copy=False)


def heat_on_input(
    cells: NDArray[np.float32], grid: CellGrid, *, size_px: int
) -> NDArray[np.float32]:
    """Lay a map over the network's whole input, (S, S) in [0, 1]; see heat_on_film."""
    return heat_on_film(cells, grid, shape=(size_px, size_px), size_px=size_px)


def _cell_weights(
    in_input: NDArray[np.floating | np.integer], cells: int, grid: CellGrid
) -> NDArray[np.float32]:
    """Weigh each cell for each place along one axis of the input, (places, cells).

    Linear between cells; beyond the first and the last cell their values go on.
    """
    cell = np.clip((in_input - grid.offset_px) / grid.stride_px, 0, cells - 1)
    return np.clip(1.0 - np.abs(cell[:, None] - np.arange(cells)), 0.0, 1.0).astype(np.float32)


def heat_layer(heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colour a map as a layer to be laid over its film.

    Args:
        heat: (H, W) in [0, 1].

    Returns:
        (H, W, 4) RGBA uint8: a colour map that colour-blind eyes can order; alpha is the heat, so
        that a film keeps its grey levels where there is none.
    """
    levels = np.rint(heat * 255.0).astype(np.uint8)
    colour = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    return np.dstack([colour, levels])


def contour_of(heat: NDArray[np.float32]) -> list[NDArray[np.int32]]:
    """Outline the hottest regions of a map, where it is at least HOT of its peak.

    Args:
        heat: (H, W) in [0, 1].

    Returns:
        Closed lines of (points, 2) x and y in pixels of the film.
    """
    hot = (heat >= HOT).astype(np.uint8)
    lines, _ = cv2.findContours(hot, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_TC89_L1)
    return [np.asarray(line[:, 0, :], np.int32) for line in lines if len(line) > 2]


def overlay(
    pixels: NDArray[np.float32], heat: NDArray[np.float32], *, opacity: float
) -> NDArray[np.uint8]:
    """Lay a map over its film; where heat is 0 the film keeps its grey levels.

    Args:
        pixels: The film, (H, W) in [0, 1].
        heat: (H, W) in [0, 1].
        opacity: Weight of the colour where heat is 1, in [0, 1].

    Returns:
        (H, W, 3) RGB uint8.
    """
    layer = heat_layer(heat)
    weight = opacity * layer[..., 3:] / 255.0
    grey = np.rint(pixels * 255.0)[..., None]
    blended: NDArray[np.float64] = grey * (1.0 - weight) + layer[..., :3] * weight
    return np.rint(blended).astype(np.uint8)
