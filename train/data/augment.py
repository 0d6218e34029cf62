"""Augmented training samples from cached films, with masks of the annotated fractures."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset, WeightedRandomSampler
from torchvision import tv_tensors
from torchvision.transforms import v2

from train.data.cache import CachedFilms
from train.recipe import Augmentation


class Sample(NamedTuple):
    """One training film; in a batch each field has a leading dimension N.

    Attributes:
        square: (S, S) uint8.
        mask: (S, S) uint8, 1 inside an annotated fracture.
        fractured: Ground truth, 0 or 1, float32.
        annotated: 1 if the mask is complete, else 0, float32.
    """

    square: torch.Tensor
    mask: torch.Tensor
    fractured: torch.Tensor
    annotated: torch.Tensor


def draw_fracture_mask(cache: CachedFilms, index: int) -> torch.Tensor:
    """Draw a film's boxes on its letterboxed square, (S, S) uint8, 1 inside a box."""
    size_px, place = cache.size_px, cache.place(index)
    mask = torch.zeros((size_px, size_px), dtype=torch.uint8)
    for left, top, right, bottom in cache.films[index].boxes:
        columns = slice(max(0, math.floor(place.x(left))), max(0, math.ceil(place.x(right))))
        rows = slice(max(0, math.floor(place.y(top))), max(0, math.ceil(place.y(bottom))))
        mask[rows, columns] = 1
    return mask


class AugmentedFilms(Dataset[Sample]):
    """Training samples with random augmentation at each access."""

    def __init__(self, cache: CachedFilms, augmentation: Augmentation) -> None:
        self._cache = cache
        self._geometry = _geometric_transform(augmentation)
        self._greys = _grey_level_transform(augmentation)

    def __len__(self) -> int:
        return len(self._cache.films)

    def __getitem__(self, index: int) -> Sample:
        film = self._cache.films[index]
        pixels = self._cache.squares[self._cache.rows[index]]
        square = tv_tensors.Image(torch.from_numpy(np.array(pixels))[None])
        mask = tv_tensors.Mask(draw_fracture_mask(self._cache, index)[None])
        if film.boxes:
            square, mask = self._geometry(square, mask)
        else:  # transforming an empty mask would take longer than all the rest
            square = self._geometry(square)
        return Sample(
            self._greys(square)[0].as_subclass(torch.Tensor),
            mask[0].as_subclass(torch.Tensor),
            torch.tensor(float(film.fractured)),
            torch.tensor(float(film.annotated)),
        )


def _geometric_transform(settings: Augmentation) -> v2.Transform:
    """Build the geometric augmentation, applied equally to a film and its mask."""
    flips = [v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()] if settings.flip else []
    affine = v2.RandomAffine(
        degrees=settings.rotation_deg,
        translate=(settings.translate, settings.translate),
        scale=settings.scale,
        interpolation=v2.InterpolationMode.BILINEAR,
    )
    return v2.Compose([*flips, affine])


def _grey_level_transform(settings: Augmentation) -> v2.Transform:
    """Build the augmentation of brightness, contrast and gamma."""
    jitter = v2.ColorJitter(brightness=settings.contrast, contrast=settings.contrast)
    return v2.Compose([jitter, RandomGamma(settings.gamma)])


class RandomGamma(v2.Transform):  # type: ignore[misc]  # torchvision carries no types
    """Apply a gamma curve with a random exponent."""

    def __init__(self, largest: float) -> None:
        super().__init__()
        self.largest = largest

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the exponent log-uniformly from [1 / largest, largest]."""
        del flat_inputs
        return {"exponent": self.largest ** float(torch.empty(1).uniform_(-1.0, 1.0))}

    def transform(self, inpt: torch.Tensor, params: dict[str, Any]) -> torch.Tensor:
        """Apply the gamma curve to one film, (1, S, S) uint8."""
        changed: torch.Tensor = v2.functional.adjust_gamma(inpt, params["exponent"])
        return changed


def balanced_sampler(cache: CachedFilms, generator: torch.Generator) -> WeightedRandomSampler:
    """Build a sampler, N of N films with replacement, with both classes equally likely."""
    fractured = np.array([film.fractured for film in cache.films])
    weights = np.where(fractured, 0.5 / fractured.sum(), 0.5 / (~fractured).sum())
    return WeightedRandomSampler(weights.tolist(), len(cache.films), generator=generator)
