"""Can a map be believed? Four measurements of one map against what val taught to expect.

A map that fails one of them is not drawn: a wrong place shown with confidence is worse than none.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.transforms.v2 import functional as changes

from bonefx.heatmaps.markers import border_mask, marker_mask
from bonefx.heatmaps.overlay import HOT_SHARE
from bonefx.models.networks import SplitNetwork
from bonefx.records import Trust, TrustLimits

BLUR = 1 / 16  # standard deviation, as a share of the input's side: wipes a fracture out


def measure_trust(
    pixels: NDArray[np.float32],
    heat: NDArray[np.float32],
    *,
    peak: float,
    drop: float,
    limits: TrustLimits,
) -> Trust:
    """Hold a map against its limits.

    Args:
        pixels: The film, (H, W) in [0, 1].
        heat: Its map, (H, W) in [0, 1].
        peak: Raw, in logits.
        drop: See drops.
        limits: Of the model.
    """
    border = heat_share(heat, border_mask(heat.shape))
    markers = heat_share(heat, marker_mask(pixels))
    return Trust(
        peak_rank=float(np.searchsorted(limits.peaks, peak)) / len(limits.peaks),
        border_share=border,
        marker_share=markers,
        drop=drop,
        failures=tuple(_failures(border, markers, drop, limits)),
        limits=limits,
    )


def _failures(border: float, markers: float, drop: float, limits: TrustLimits) -> Iterator[str]:
    if border > limits.border_share:
        yield (
            f"{100 * border:.0f} % of the map lies on the film's border "
            f"(limit {100 * limits.border_share:.0f} %)."
        )
    if markers > limits.marker_share:
        yield (
            f"{100 * markers:.0f} % of the map lies on markers or text "
            f"(limit {100 * limits.marker_share:.0f} %)."
        )
    if drop < limits.drop:
        yield (
            f"Without the hot region the answer changes by {-drop:+.2f} logits "
            f"(limit {-limits.drop:+.2f})."
        )


def heat_share(heat: NDArray[np.float32], region: NDArray[np.bool_]) -> float:
    """Tell which share of a map's sum lies in a region, in [0, 1]; 0 for an empty map.

    Args:
        heat: (H, W) >= 0.
        region: (H, W).

    Source:
        Arras, Osman and Samek (2022), "CLEVR-XAI", relevance mass accuracy.
    """
    total = float(heat.sum())
    return float(heat[region].sum()) / total if total > 0 else 0.0


def blur_batch(batch: torch.Tensor) -> torch.Tensor:
    """Blur (N, 3, S, S) until no fracture is left to see."""
    sigma = BLUR * batch.shape[-1]
    kernel = 2 * round(2 * sigma) + 1
    result: torch.Tensor = changes.gaussian_blur(batch, [kernel, kernel], [sigma, sigma])
    return result


@torch.inference_mode()
def logit_drops(
    network: SplitNetwork, batch: torch.Tensor, heats: NDArray[np.float32]
) -> list[float]:
    """Blur each film's hot region out and tell by how much its log-odds fall.

    Args:
        network: In evaluation mode.
        batch: (N, 3, S, S).
        heats: The maps on the network's input, (N, S, S) in [0, 1].

    Returns:
        N falls, in logits; below 0 where the log-odds rise.
    """
    hot = torch.from_numpy(heats >= HOT_SHARE)[:, None].to(batch.device)
    without, _ = network(torch.where(hot, blur_batch(batch), batch))
    found: list[float] = (network(batch)[0] - without).tolist()
    return found
