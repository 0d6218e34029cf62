"""Measures of a heat map's faithfulness to its network; they need no annotation.

A batch is the network's input, (N, 3, S, S); maps are as logits_and_maps returns them, (N, h, w).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torchvision.transforms.v2 import functional as changes

from bonefx.heatmaps.trust import blur_batch
from bonefx.models.networks import SplitNetwork

CURVE_STEPS = 12  # points of a deletion or insertion curve
ROTATION_DEG = 2.0
CONTRAST = 1.05
Explain = Callable[[SplitNetwork, torch.Tensor], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """Areas under the deletion and insertion curves: mean probability of fracture, in [0, 1].

    Attributes:
        deletion: The hottest pixels are blurred first; lower is better.
        insertion: The hottest pixels are restored first on a blurred film; higher is better.
    """

    deletion: float
    insertion: float


@torch.inference_mode()
def deletion_and_insertion(
    network: SplitNetwork, film: torch.Tensor, heat: NDArray[np.float32]
) -> Curves:
    """Compute the deletion and insertion curves of one film.

    Args:
        network: In evaluation mode.
        film: (1, 3, S, S).
        heat: Map on the network's input, (S, S).

    Source:
        Petsiuk, Das and Saenko (2018), "RISE: randomized input sampling for explanation of
        black-box models", section 4.2.
    """
    order = torch.from_numpy(np.argsort(np.argsort(-heat, axis=None)).reshape(heat.shape))
    limits = torch.linspace(0, heat.size, CURVE_STEPS + 1)
    hottest = (order[None] < limits[:, None, None])[:, None].to(film.device)
    blurred = blur_batch(film)
    means = [
        float(network(torch.where(hottest, first, last))[0].sigmoid().mean())
        for first, last in ((blurred, film), (film, blurred))
    ]
    return Curves(deletion=means[0], insertion=means[1])


def rank_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Compute the rank correlation of two maps, in [-1, 1]; 0 if one of them is constant.

    Source:
        Spearman's rank correlation, as in Adebayo et al. (2018), section 4.
    """
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(spearmanr(first, second, axis=None).statistic)


def randomise_weights(network: SplitNetwork, first: str) -> SplitNetwork:
    """Return a copy of a network with its layers from `first` to the last randomised.

    Args:
        network: Not changed.
        first: Name prefix of the first layer to randomise; "" randomises all.

    Source:
        Adebayo et al. (2018), "Sanity checks for saliency maps", cascading randomisation.
    """
    randomised = copy.deepcopy(network)
    torch.manual_seed(0)
    reached = False
    for name, layer in randomised.backbone.named_modules():
        reached = reached or name.startswith(first)
        if reached and hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return randomised.eval()


def measure_stability(
    network: SplitNetwork, batch: torch.Tensor, explain: Explain
) -> dict[str, float]:
    """Compare each film's map with the map of a slightly rotated or brightened film.

    Args:
        network: In evaluation mode.
        batch: (N, 3, S, S).
        explain: Computes the maps, (N, h, w).

    Returns:
        Mean rank correlation by change; the map of the rotated film is rotated back first.
    """
    before = explain(network, batch)
    rotated = explain(
        network, changes.rotate(batch, ROTATION_DEG, changes.InterpolationMode.BILINEAR)
    )
    back = changes.rotate(
        torch.from_numpy(rotated), -ROTATION_DEG, changes.InterpolationMode.BILINEAR
    ).numpy()
    brighter = explain(network, batch * CONTRAST)
    return {
        "rotated": _mean_rank_correlation(before, back),
        "contrast": _mean_rank_correlation(before, brighter),
    }


def _mean_rank_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    return float(np.mean([rank_correlation(a, b) for a, b in zip(first, second, strict=True)]))


def measure_weight_sensitivity(
    network: SplitNetwork, batch: torch.Tensor, explain: Explain, *, layers: tuple[str, ...]
) -> dict[str, float]:
    """Compare each film's map with the map of the network with randomised layers.

    Args:
        network: In evaluation mode.
        batch: (N, 3, S, S).
        explain: Computes the maps, (N, h, w).
        layers: First layers to randomise; see randomise_weights.
    """
    before = explain(network, batch)
    return {
        name or "all": _mean_rank_correlation(
            before, explain(randomise_weights(network, name), batch)
        )
        for name in layers
    }
