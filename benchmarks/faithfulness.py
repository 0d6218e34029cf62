"""Does a map tell what the network looks at? Tests that need no annotation.

A batch is the network's input, (N, 3, S, S); maps are the cells of explain.logits_and_maps.
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
    """Mean probability of fracture while a film is taken apart or put together, in [0, 1].

    Attributes:
        deletion: The hottest places are blurred first; low is good.
        insertion: The hottest places appear first on a blurred film; high is good.
    """

    deletion: float
    insertion: float


@torch.inference_mode()
def curves(network: SplitNetwork, film: torch.Tensor, heat: NDArray[np.float32]) -> Curves:
    """Take one film apart and put it together, hottest places first.

    Args:
        network: In evaluation mode.
        film: (1, 3, S, S).
        heat: (S, S).

    Source:
        Petsiuk, Das and Saenko (2018), "RISE: randomized input sampling for explanation of
        black-box models", section 4.2.
    """
    order = torch.from_numpy(np.argsort(np.argsort(-heat, axis=None)).reshape(heat.shape))
    limits = torch.linspace(0, heat.size, CURVE_STEPS + 1)
    taken = (order[None] < limits[:, None, None])[:, None].to(film.device)
    soft = blur_batch(film)
    means = [
        float(network(torch.where(taken, first, last))[0].sigmoid().mean())
        for first, last in ((soft, film), (film, soft))
    ]
    return Curves(deletion=means[0], insertion=means[1])


def similarity(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Compare two maps by the ranks of their cells, in [-1, 1]; 0 where one of them is flat.

    Source:
        Spearman's rank correlation, as in Adebayo et al. (2018), section 4.
    """
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(spearmanr(first, second, axis=None).statistic)


def randomised(network: SplitNetwork, first: str) -> SplitNetwork:
    """Copy a network with all layers from `first` to the end drawn anew.

    Args:
        network: That stays as it is.
        first: Prefix of the names of the earliest layer that is drawn anew; "" draws all.

    Source:
        Adebayo et al. (2018), "Sanity checks for saliency maps", cascading randomisation.
    """
    other = copy.deepcopy(network)
    torch.manual_seed(0)
    reached = False
    for name, layer in other.backbone.named_modules():
        reached = reached or name.startswith(first)
        if reached and hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return other.eval()


def stability(network: SplitNetwork, batch: torch.Tensor, explain: Explain) -> dict[str, float]:
    """Compare each film's map with the map of the film changed a little; means over films.

    Args:
        network: In evaluation mode.
        batch: (N, 3, S, S).
        explain: Gives the maps, (N, h, w).

    Returns:
        Mean rank correlation by change; the rotated film's map is turned back first.
    """
    before = explain(network, batch)
    turned = explain(
        network, changes.rotate(batch, ROTATION_DEG, changes.InterpolationMode.BILINEAR)
    )
    back = changes.rotate(
        torch.from_numpy(turned), -ROTATION_DEG, changes.InterpolationMode.BILINEAR
    ).numpy()
    brighter = explain(network, batch * CONTRAST)
    return {
        "rotated": _mean_similarity(before, back),
        "contrast": _mean_similarity(before, brighter),
    }


def _mean_similarity(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    return float(np.mean([similarity(a, b) for a, b in zip(first, second, strict=True)]))


def sanity(
    network: SplitNetwork, batch: torch.Tensor, explain: Explain, *, layers: tuple[str, ...]
) -> dict[str, float]:
    """Compare each film's map with that of the network randomised from a layer on; means.

    Args:
        network: In evaluation mode.
        batch: (N, 3, S, S).
        explain: Gives the maps, (N, h, w).
        layers: Where randomisation begins; see randomised.
    """
    before = explain(network, batch)
    return {
        name or "all": _mean_similarity(before, explain(randomised(network, name), batch))
        for name in layers
    }
