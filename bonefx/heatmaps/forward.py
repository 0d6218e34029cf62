"""One forward pass with the gradients that heat maps need, without hooks.

The layers up to the map's layer run without gradient, the head with gradient. Nothing is kept on
the shared network, so that threads do not disturb each other.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from bonefx.heatmaps.methods import GRAD_CAM, class_activation_map
from bonefx.models.networks import SplitNetwork


def logits_and_maps(
    network: SplitNetwork, batch: torch.Tensor, *, method: str = GRAD_CAM
) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the logits and heat maps of a batch in one forward pass.

    Args:
        network: In evaluation mode, with frozen parameters.
        batch: (N, 3, S, S).
        method: A key of HEATMAP_METHODS.

    Returns:
        Logits, (N,), and maps, (N, h, w) >= 0, one value a cell; Grad-CAM's are in logits.

    Source:
        Selvaraju et al. (2017), "Grad-CAM", eq. 1 and 2, for the log-odds of fracture.
    """
    passed = run_with_gradients(network, batch)
    return passed.logits, class_activation_map(method, passed.activations, passed.gradients)


class ForwardPass(NamedTuple):
    """Result of one forward pass: everything that a heat-map method needs.

    Attributes:
        logits: (N,).
        activations: (N, C, h, w).
        gradients: Of each logit with respect to its activations, (N, C, h, w).
        signature: Means of deep activations, (N, D), for the scope gate.
    """

    logits: torch.Tensor
    activations: torch.Tensor
    gradients: torch.Tensor
    signature: torch.Tensor


def run_with_gradients(network: SplitNetwork, batch: torch.Tensor) -> ForwardPass:
    """Run a batch, (N, 3, S, S), through the network, with gradients of the head alone."""
    with torch.no_grad():
        staged = network.staged(batch)
    with torch.enable_grad():
        activations = staged.activations.detach().requires_grad_(True)
        logits = network.logit(activations)
        (gradients,) = torch.autograd.grad(logits.sum(), activations)
    return ForwardPass(logits.detach(), staged.activations, gradients, staged.signature)
