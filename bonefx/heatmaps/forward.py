"""One forward pass -> logits, activations, gradients and heat maps, without hooks."""

from __future__ import annotations

from typing import NamedTuple

import torch

from bonefx.heatmaps.methods import GRAD_CAM, class_activation_map
from bonefx.models.networks import SplitNetwork


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
    passed = run_with_gradients(network, batch)
    return passed.logits, class_activation_map(method, passed.activations, passed.gradients)


class ForwardPass(NamedTuple):
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


def run_with_gradients(network: SplitNetwork, batch: torch.Tensor) -> ForwardPass:
    """Run (N, 3, S, S) once: up to the cut without gradient, the head with it."""
    with torch.no_grad():
        staged = network.staged(batch)
    with torch.enable_grad():
        activations = staged.activations.detach().requires_grad_(True)
        logits = network.logit(activations)
        (gradients,) = torch.autograd.grad(logits.sum(), activations)
    return ForwardPass(logits.detach(), staged.activations, gradients, staged.signature)
