"""Data loader of one epoch: augmented samples in micro-batches, sharded over processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from accelerate import Accelerator
from accelerate.data_loader import prepare_data_loader
from torch.utils.data import BatchSampler, DataLoader, Sampler

from bonefx.errors import RecipeError
from train.data.augment import AugmentedFilms, Sample, film_sampler
from train.data.cache import CachedFilms
from train.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSharding:
    """Division of an epoch's films into optimiser steps, micro-batches and processes.

    All processes have the same number of micro-batches, and each film goes to one process. The
    last step of an epoch may have fewer films, and so may the last micro-batch of a step.

    Attributes:
        films: Number of films per epoch.
        batch_size: Films per optimiser step, over all processes.
        accumulate: Micro-batches per optimiser step.
        processes: Number of processes.
        process: Index of this process, from 0.
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
                f"{self.accumulate} parts; choose a multiple of both"
            )

    @property
    def steps(self) -> int:
        """Optimiser steps per epoch."""
        return -(-self.films // self.batch_size)

    @property
    def micro_batch_films(self) -> int:
        """Films of a full micro-batch, over all processes."""
        return self.batch_size // self.accumulate

    def local_films(self, index: int) -> int:
        """Count this process's films of a micro-batch; index counts from 0 over the epoch."""
        films = min(self.micro_batch_films, self.films - index * self.micro_batch_films)
        return len(range(self.process, films, self.processes))

    def loss_weight(self, index: int) -> float:
        """Compute a micro-batch's loss multiplier, which gives all films of a step equal weight.

        Accelerate then divides the loss by `accumulate` and averages the gradient over processes.
        """
        step_films = min(
            self.batch_size, self.films - index // self.accumulate * self.batch_size
        )  # fmt: skip
        return self.local_films(index) * self.processes * self.accumulate / step_films


class ShardedBatchSampler(BatchSampler):
    """Batch sampler of one process: its films of each micro-batch."""

    def __init__(self, sampler: Sampler[int], sharding: BatchSharding) -> None:
        super().__init__(sampler, sharding.micro_batch_films, drop_last=False)
        self._sharding = sharding

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the films of each micro-batch; a process without films gets one, of weight 0."""
        for films in super().__iter__():
            yield films[self._sharding.process :: self._sharding.processes] or films[:1]


def shard_batches(films: CachedFilms, recipe: Recipe, accelerator: Accelerator) -> BatchSharding:
    """Divide the films according to a recipe and the number of processes.

    Raises:
        RecipeError: The batch size is not divisible by the number of processes.
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
    """Build the loader of one epoch: this process's micro-batches, on the device.

    Args:
        films: Films of the training split.
        recipe: Settings of sampling and augmentation.
        epoch: Index of the epoch, from 0; part of the sampling seed.
        accelerator: Device and processes.
        workers: Number of worker processes for augmentation.
    """
    augmentation = torch.Generator().manual_seed(torch.initial_seed())  # differs by process
    loader: DataLoader[Sample] = DataLoader(
        AugmentedFilms(films, recipe),
        batch_sampler=_epoch_batches(films, recipe, epoch=epoch, accelerator=accelerator),
        generator=augmentation,
        num_workers=workers,
        pin_memory=accelerator.device.type == "cuda",
    )
    # num_processes=1, since Accelerate would shard again and repeat films to fill the last batch
    prepared: DataLoader[Sample] = prepare_data_loader(
        loader, accelerator.device, num_processes=1, process_index=0,
        put_on_device=True, non_blocking=True,
    )  # fmt: skip
    return prepared


def batch_checksums(
    films: CachedFilms, recipe: Recipe, *, epoch: int, accelerator: Accelerator, index: int
) -> list[str]:
    """Return the SHA-256 of the films of one micro-batch of this process.

    Args:
        films: Films of the training split.
        recipe: Settings of sampling.
        epoch: Index of the epoch, from 0.
        accelerator: Device and processes.
        index: Index of the micro-batch in training_loader, from 0.
    """
    batches = _epoch_batches(films, recipe, epoch=epoch, accelerator=accelerator)
    batch = next(islice(batches, index, None))
    return [str(films.sha256[film]) for film in batch]


def _epoch_batches(
    films: CachedFilms, recipe: Recipe, *, epoch: int, accelerator: Accelerator
) -> ShardedBatchSampler:
    """Build the sampler of an epoch; it gives the same batches each time it is built."""
    sampling = torch.Generator().manual_seed(recipe.seed + epoch)  # equal in all processes
    sampler = film_sampler(films, recipe, sampling)
    return ShardedBatchSampler(sampler, shard_batches(films, recipe, accelerator))
