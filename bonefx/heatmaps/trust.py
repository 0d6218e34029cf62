"""Checks of one heat map against limits from the maps of validation true positives.

A map that fails a check is not drawn, because a confidently wrong location is worse than none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from bonefx.heatmaps.markers import border_mask, marker_mask
from bonefx.heatmaps.overlay import HOT_SHARE
from bonefx.models.networks import SplitNetwork
from bonefx.records import Reason, ReasonCode, Trust, TrustLimits

BLUR = 1 / 16  # standard deviation as a share of the input's side; removes a fracture line


def measure_trust(
    pixels: NDArray[np.float32],
    heat: NDArray[np.float32],
    *,
    peak: float,
    drop: float,
    limits: TrustLimits,
) -> Trust:
    """Measure a map and check it against the model's limits.

    Args:
        pixels: The film, (H, W) in [0, 1].
        heat: Its map, (H, W) in [0, 1].
        peak: The map's largest value before scaling, in logits.
        drop: Fall of the log-odds without the hot region, in logits; see logit_drops.
        limits: Of the model.
    """
    border = heat_share(heat, border_mask(heat.shape))
    markers = heat_share(heat, marker_mask(pixels))
    return Trust(
        peak_rank=float(np.searchsorted(limits.peaks, peak)) / len(limits.peaks),
        border_share=border,
        marker_share=markers,
        drop=drop,
        failures=map_failures(border=border, markers=markers, drop=drop, limits=limits),
        limits=limits,
    )


def map_failures(
    *, border: float, markers: float, drop: float, limits: TrustLimits
) -> tuple[Reason, ...]:
    """Return the checks that a map fails.

    Args:
        border: Share of the map on the film's border, in [0, 1].
        markers: Share of the map on markers, in [0, 1].
        drop: Fall of the log-odds without the hot region, in logits.
        limits: Of the model.
    """
    return tuple(_failures(border, markers, drop, limits))


def _failures(border: float, markers: float, drop: float, limits: TrustLimits) -> Iterator[Reason]:
    if border > limits.border_share:
        yield Reason(code=ReasonCode.MAP_ON_BORDER, value=border, limit=limits.border_share)
    if markers > limits.marker_share:
        yield Reason(code=ReasonCode.MAP_ON_MARKERS, value=markers, limit=limits.marker_share)
    if drop < limits.drop:
        yield Reason(code=ReasonCode.SMALL_LOGIT_DROP, value=drop, limit=limits.drop)


def heat_share(heat: NDArray[np.float32], region: NDArray[np.bool_]) -> float:
    """Compute the share of a map's sum in a region, in [0, 1]; 0 for an empty map.

    Args:
        heat: (H, W) >= 0.
        region: (H, W).

    Source:
        Arras, Osman and Samek (2022), "CLEVR-XAI", relevance mass accuracy.
    """
    total = float(heat.sum())
    return float(heat[region].sum()) / total if total > 0 else 0.0


def blur_batch(batch: torch.Tensor) -> torch.Tensor:
    """Blur (N, 3, S, S) so strongly that no fracture remains visible; mirrored at the edges."""
    sigma = BLUR * batch.shape[-1]
    kernel = 2 * round(2 * sigma) + 1
    films = batch.detach().float().cpu().permute(0, 2, 3, 1).contiguous().numpy()
    blurred = [
        cv2.GaussianBlur(film, (kernel, kernel), sigma, borderType=cv2.BORDER_REFLECT_101)
        for film in films
    ]
    return torch.from_numpy(np.stack(blurred)).permute(0, 3, 1, 2).to(batch)


@torch.inference_mode()
def logit_drops(
    network: SplitNetwork,
    batch: torch.Tensor,
    heats: NDArray[np.float32],
    *,
    logits: Sequence[float],
) -> list[float]:
    """Compute by how much each film's log-odds fall when its hot region is blurred.

    Args:
        network: In evaluation mode.
        batch: (N, 3, S, S).
        heats: The maps on the network's input, (N, S, S) in [0, 1].
        logits: The log-odds of each film as it is, N.

    Returns:
        N falls, in logits; negative where the log-odds rise.
    """
    hot = torch.from_numpy(heats >= HOT_SHARE)[:, None].to(batch.device)
    logits_without, _ = network(torch.where(hot, blur_batch(batch), batch))
    pairs = zip(logits, logits_without.tolist(), strict=True)
    return [logit - without for logit, without in pairs]
