"""Cached films -> batches of augmented samples, each process its share of every step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from accelerate.data_loader import prepare_data_loader
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, Sampler

from bonefx.errors import RecipeError
from train.data.augment import AugmentedFilms, Sample, balanced_sampler
from train.data.cache import CachedFilms
from train.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSharding:
    """How the films of an epoch are shared by steps, their parts, and processes.

    Every process makes as many passes as the others, and every film is passed by one of them. The
    last step of an epoch may have fewer films, and the last part of a step fewer than the others.

    Attributes:
        films: Of an epoch.
        batch_size: Films a step, over all processes.
        accumulate: Parts of a step, one after another.
        processes: That pass a part at the same time.
        process: Which of them this is, from 0.
    """

    films: int
    batch_size: int
    accumulate: int = 1
    processes: int = 1
    process: int = 0

    def __post_init__(self) -> None:
        if self.batch_size % (self.processes * self.accumulate):
            raise RecipeError(
                f"batch_size {self.batch_size} cannot be shared by {self.processes} processes in "
                f"{self.accumulate} parts; use a multiple"
            )

    @property
    def steps(self) -> int:
        """Steps of the optimiser an epoch."""
        return -(-self.films // self.batch_size)

    @property
    def micro_batch_films(self) -> int:
        """Films of a whole part, over all processes."""
        return self.batch_size // self.accumulate

    def local_films(self, part: int) -> int:
        """Count this process's films of a part; parts are counted from 0 over the epoch."""
        films = min(self.micro_batch_films, self.films - part * self.micro_batch_films)
        return len(range(self.process, films, self.processes))

    def weight(self, part: int) -> float:
        """Tell what to multiply a part's mean loss by, so that each film of a step counts alike.

        The loss is then divided by `accumulate`, and its gradient averaged over the processes.
        """
        step_films = min(
            self.batch_size, self.films - part // self.accumulate * self.batch_size
        )  # fmt: skip
        return self.local_films(part) * self.processes * self.accumulate / step_films


class ShardedBatchSampler(BatchSampler):
    """The parts of an epoch, with the films of one process."""

    def __init__(self, sampler: Sampler[int], shares: BatchSharding) -> None:
        super().__init__(sampler, shares.micro_batch_films, drop_last=False)
        self._shares = shares

    def __iter__(self) -> Iterator[list[int]]:
        """Give each part's films; a process without any gets one, to be weighted by 0."""
        for films in super().__iter__():
            yield films[self._shares.process :: self._shares.processes] or films[:1]


def shard_batches(films: CachedFilms, recipe: Recipe, accelerator: Accelerator) -> BatchSharding:
    """Share films as a recipe and the processes at hand have it.

    Raises:
        RecipeError: The batch size cannot be shared by so many processes.
    """
    return BatchSharding(
        films=len(films.films),
        batch_size=recipe.batch_size,
        accumulate=recipe.accumulate,
        processes=accelerator.num_processes,
        process=accelerator.process_index,
    )


def training_loader(
    films: CachedFilms, recipe: Recipe, *, epoch: int, accelerator: Accelerator, workers: int
) -> DataLoader[Sample]:
    """Load one epoch's samples onto the device, this process's share of each part.

    Args:
        films: Of the training split.
        recipe: Says how films are drawn and changed.
        epoch: Counted from 0; decides which films are drawn.
        accelerator: Knows the device and the processes.
        workers: Processes that augment films beside this one.
    """
    drawn = torch.Generator().manual_seed(recipe.seed + epoch)  # the same in each process
    sampler = (
        balanced_sampler(films, drawn)
        if recipe.class_balanced
        else RandomSampler(films.films, generator=drawn)
    )
    changed = torch.Generator().manual_seed(torch.initial_seed())  # its own in each process
    loader: DataLoader[Sample] = DataLoader(
        AugmentedFilms(films, recipe.augmentation),
        batch_sampler=ShardedBatchSampler(sampler, shard_batches(films, recipe, accelerator)),
        generator=changed,
        num_workers=workers,
        pin_memory=accelerator.device.type == "cuda",
    )
    # Accelerate would share the batches again, and repeat films to make them even
    prepared: DataLoader[Sample] = prepare_data_loader(
        loader, accelerator.device, num_processes=1, process_index=0,
        put_on_device=True, non_blocking=True,
    )  # fmt: skip
    return prepared
