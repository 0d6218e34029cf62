"""Heat-map methods: pytorch-grad-cam's own weighting rules, without its hooks.

The library's classes keep hooks on a shared network. Only their rules are used here: functions of
the activations and of the gradient of the log-odds with respect to them.

Source:
    Gildenblat et al. (2021), pytorch-grad-cam; the methods' own papers are named there.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from bonefx.errors import SettingsError

GRAD_CAM = "grad_cam"
EIGEN_CAM = "eigen_cam"
HEATMAP_METHODS = {
    GRAD_CAM: "GradCAM",
    "grad_cam_plus_plus": "GradCAMPlusPlus",
    "hires_cam": "HiResCAM",
    "layer_cam": "LayerCAM",
    "xgrad_cam": "XGradCAM",
    EIGEN_CAM: "EigenCAM",
}  # name -> class of the library


class _Rule(Protocol):
    """What is used of the library's classes."""

    def get_cam_image(
        self, *arguments: Any, activations: Any, grads: Any, eigen_smooth: bool
    ) -> NDArray[np.float32]: ...


def check_heatmap_method(method: str) -> str:
    """Return a known method's name.

    Raises:
        SettingsError: There is no such method.
    """
    if method not in HEATMAP_METHODS:
        raise SettingsError(
            f"unknown heat-map method {method!r}; use one of {', '.join(HEATMAP_METHODS)}"
        )
    return method


def class_activation_map(
    method: str, activations: torch.Tensor, gradients: torch.Tensor
) -> torch.Tensor:
    """Weigh activations by a method's rule.

    Args:
        method: A key of METHODS.
        activations: (N, C, h, w).
        gradients: Of the log-odds of fracture, (N, C, h, w).

    Returns:
        (N, h, w) float32 >= 0 on the activations' device, times the number of cells: with
        Grad-CAM and a linear head a cell's value is its own rating, in logits.

    Raises:
        SettingsError: There is no such method.
    """
    found = _rule(check_heatmap_method(method)).get_cam_image(
        None, None, None, activations=_array(activations), grads=_array(gradients),
        eigen_smooth=False,
    )  # fmt: skip
    maps = torch.from_numpy(np.ascontiguousarray(found, dtype=np.float32))
    return torch.relu(maps * maps[0].numel()).to(activations.device)


def _array(values: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = values.detach().float().cpu().numpy()
    return array


@cache
def _rule(method: str) -> _Rule:
    """Make an object of the library's class without its network, its hooks and their removal."""
    import pytorch_grad_cam

    if method == EIGEN_CAM:
        return _PrincipalAxis()
    theirs = getattr(pytorch_grad_cam, HEATMAP_METHODS[method])
    ours = type(theirs.__name__, (theirs,), {"__init__": _nothing, "__del__": _nothing})
    rule: _Rule = ours()
    return rule


class _PrincipalAxis:
    """The library's Eigen-CAM by a thin decomposition: its full one takes seconds a film."""

    def get_cam_image(self, *_: Any, activations: Any, **__: Any) -> NDArray[np.float32]:
        """Project the cells of (N, C, h, w) on their first principal axis, (N, h, w)."""
        return np.stack([self._projected(film) for film in activations]).astype(np.float32)

    def _projected(self, film: NDArray[np.float32]) -> NDArray[np.float32]:
        cells = film.reshape(len(film), -1).T
        centred = cells - cells.mean(axis=0)
        _, _, axes = np.linalg.svd(centred, full_matrices=False)
        projected: NDArray[np.float32] = centred @ axes[0]
        return projected.reshape(film.shape[1:])


def _nothing(_: object) -> None:
    """Neither hook nor unhook."""
