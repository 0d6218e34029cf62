"""Heat-map methods: the weighting rules of pytorch-grad-cam, without its hooks.

The library's classes attach hooks to a shared network. Only their rules are used here, which are
functions of the activations and of the gradient of the log-odds with respect to them.

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
}  # our name: class of the library


class _Rule(Protocol):
    """The one method of the library's classes that is used here."""

    def get_cam_image(
        self, *arguments: Any, activations: Any, grads: Any, eigen_smooth: bool
    ) -> NDArray[np.float32]: ...


def check_heatmap_method(method: str) -> str:
    """Check the name of a method, and return it.

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
    """Weight activations by a method's rule.

    Args:
        method: A key of HEATMAP_METHODS.
        activations: (N, C, h, w).
        gradients: Of the log-odds of fracture, (N, C, h, w).

    Returns:
        (N, h, w) float32 >= 0 on the activations' device, multiplied by the number of cells: with
        Grad-CAM and a linear head a cell's value is then its own contribution, in logits.

    Raises:
        SettingsError: There is no such method.
    """
    weighted = _rule(check_heatmap_method(method)).get_cam_image(
        None, None, None, activations=_array(activations), grads=_array(gradients),
        eigen_smooth=False,
    )  # fmt: skip
    maps = torch.from_numpy(np.ascontiguousarray(weighted, dtype=np.float32))
    return torch.relu(maps * maps[0].numel()).to(activations.device)


def _array(values: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = values.detach().float().cpu().numpy()
    return array


@cache
def _rule(method: str) -> _Rule:
    """Create an object of the library's class without a network and without hooks."""
    import pytorch_grad_cam

    if method == EIGEN_CAM:
        return _PrincipalAxis()
    base = getattr(pytorch_grad_cam, HEATMAP_METHODS[method])
    rule: _Rule = type(base.__name__, (base,), {"__init__": _no_hooks, "__del__": _no_hooks})()
    return rule


class _PrincipalAxis:
    """Eigen-CAM by a thin SVD; the library's full SVD takes seconds a film."""

    def get_cam_image(self, *_: Any, activations: Any, **__: Any) -> NDArray[np.float32]:
        """Project the cells of (N, C, h, w) on their first principal axis, (N, h, w)."""
        return np.stack([self._project(film) for film in activations]).astype(np.float32)

    def _project(self, film: NDArray[np.float32]) -> NDArray[np.float32]:
        cells = film.reshape(len(film), -1).T
        centred = cells - cells.mean(axis=0)
        _, _, axes = np.linalg.svd(centred, full_matrices=False)
        projected: NDArray[np.float32] = centred @ axes[0]
        return projected.reshape(film.shape[1:])


def _no_hooks(_: object) -> None:
    """Replace the library's constructor and destructor, which add and remove hooks."""
