"""Augmented training samples from cached films, with masks of the annotated fractures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, RandomSampler, Sampler, WeightedRandomSampler
from torchvision import tv_tensors
from torchvision.transforms import v2

from bonefx.errors import RecipeError
from bonefx.models.preprocess import STRETCHED, stretch
from train.data.cache import CachedFilms
from train.data.index import Film
from train.data.looks import change_look
from train.recipe import Recipe
from train.recipe_sections import Augmentation


class Sample(NamedTuple):
    """One training film; in a batch each field has a leading dimension N.

    Attributes:
        square: (S, S) uint8.
        mask: (S, S) uint8, 1 inside an annotated fracture.
        fractured: Ground truth, 0 or 1, float32.
        annotated: 1 if the mask is complete, else 0, float32.
        labelled: 1 if the ground truth is trained on, else 0, float32.
    """

    square: torch.Tensor
    mask: torch.Tensor
    fractured: torch.Tensor
    annotated: torch.Tensor
    labelled: torch.Tensor


def draw_fracture_mask(cache: CachedFilms, index: int) -> torch.Tensor:
    """Draw a film's boxes on its letterboxed square, (S, S) uint8, 1 inside a box."""
    size_px, place = cache.size_px, cache.place(index)
    mask = torch.zeros((size_px, size_px), dtype=torch.uint8)
    for left, top, right, bottom in cache.films[index].boxes:
        columns = slice(max(0, math.floor(place.x(left))), max(0, math.ceil(place.x(right))))
        rows = slice(max(0, math.floor(place.y(top))), max(0, math.ceil(place.y(bottom))))
        mask[rows, columns] = 1
    shown = torch.zeros_like(mask)
    shown[place.slices] = mask[place.slices]  # a box may reach beyond the exposed field
    return shown


class AugmentedFilms(Dataset[Sample]):
    """Training samples with random augmentation at each access."""

    def __init__(self, cache: CachedFilms, recipe: Recipe) -> None:
        self._cache = cache
        self._recipe = recipe
        self._geometry = _geometric_transform(recipe.augmentation)
        self._greys = _grey_level_transform(recipe.augmentation)

    def __len__(self) -> int:
        return len(self._cache.films)

    def __getitem__(self, index: int) -> Sample:
        film = self._cache.films[index]
        square = tv_tensors.Image(torch.from_numpy(self._square(index))[None])
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
            torch.tensor(float(self._recipe.uses_label_of(film.source))),
        )

    def _square(self, index: int) -> NDArray[np.uint8]:
        """Return a film's square, (S, S), with a random look; its padding stays black."""
        square: NDArray[np.uint8] = np.array(self._cache.squares[self._cache.rows[index]])
        probability = self._recipe.augmentation.looks
        if probability:
            random = np.random.default_rng(int(torch.randint(2**31, ())))  # seeded by the loader
            inside = self._cache.place(index).slices
            film = change_look(square[inside], random, probability=probability)
            if self._recipe.grey_levels == STRETCHED:
                film = np.rint(255 * stretch(film / np.float32(255))).astype(np.uint8)
            square[inside] = film
        return square


def _geometric_transform(settings: Augmentation) -> v2.Transform:
    """Build the geometric augmentation, applied equally to a film and its mask."""
    flips = [v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()] if settings.flip else []
    if settings.quarter_turns:
        flips.append(RandomQuarterTurn(settings.quarter_turns))
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


class RandomQuarterTurn(v2.Transform):  # type: ignore[misc]  # torchvision carries no types
    """Turn a film by 90, 180 or 270 degrees."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the number of quarter turns, 0 to 3."""
        del flat_inputs
        turns = int(torch.randint(1, 4, ()))
        return {"turns": turns if float(torch.rand(())) < self.probability else 0}

    def transform(self, inpt: torch.Tensor, params: dict[str, Any]) -> torch.Tensor:
        """Turn a film or its mask, (1, S, S)."""
        turned: torch.Tensor = tv_tensors.wrap(
            torch.rot90(inpt, params["turns"], (-2, -1)), like=inpt
        )
        return turned


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


def sampling_weights(films: Sequence[Film], recipe: Recipe) -> NDArray[np.float64]:
    """Return the probability that each film is the next one drawn, (N,); their sum is 1.

    Each source has its share in the recipe. Within a source, both classes are equally likely if
    the recipe is class-balanced and the source's labels are trained on.

    Raises:
        RecipeError: A source has no film, or films of one class where both are needed.
    """
    source = np.array([film.source if recipe.sources else "" for film in films])
    fractured = np.array([film.fractured for film in films])
    weights = np.zeros(len(films))
    for name, share in (recipe.shares or {"": 1.0}).items():
        mine = source == name
        balanced = recipe.class_balanced and recipe.uses_label_of(name)
        parts = (mine & fractured, mine & ~fractured) if balanced else (mine,)
        if not mine.any():
            raise RecipeError(f"the source {name!r} has no film in train; remove it from [sources]")
        if not all(part.any() for part in parts):
            raise RecipeError(
                f"the source {name!r} has films of one class in train; set labels = false for it"
            )
        for part in parts:
            weights[part] = share / len(parts) / part.sum()
    return weights


def film_sampler(cache: CachedFilms, recipe: Recipe, generator: torch.Generator) -> Sampler[int]:
    """Build the sampler of an epoch: N of N films, in random order or by sampling_weights."""
    if not (recipe.class_balanced or recipe.sources):
        return RandomSampler(cache.films, generator=generator)
    weights = sampling_weights(cache.films, recipe)
    return WeightedRandomSampler(weights.tolist(), len(cache.films), generator=generator)
