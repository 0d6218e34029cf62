"""Division of films into micro-batches and processes."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.data import SequentialSampler

from bonefx.errors import RecipeError
from tests.fixtures.recipes import write_recipe
from train.data.cache import CachedFilms
from train.data.index import Film
from train.data.loader import (
    BatchSharding,
    ShardedBatchSampler,
    batch_checksums,
    training_loader,
)
from train.recipe import read_recipe
from train.recipe_sections import Augmentation


def make_sharding(**changes):
    """Sharding of one process, with defaults."""
    return BatchSharding(**({"films": 10, "batch_size": 4} | changes))


def make_numbered_films(folder, *, count):
    """Films of both classes; each is filled with its number, and its checksum is its number."""
    numbers = np.arange(count)
    return CachedFilms(
        films=[
            Film(path=folder, name="", fractured=bool(number % 2), split="train", group="")
            for number in numbers
        ],
        squares=np.repeat(numbers.astype(np.uint8), 64 * 64).reshape(-1, 64, 64),
        rows=numbers,
        shapes=np.full((count, 2), 64, np.int32),
        fields=np.tile(np.array([0, 0, 64, 64], np.int32), (count, 1)),
        sha256=np.array([str(number) for number in numbers]),
        skipped=0,
    )


def micro_batches(sharding):
    return list(ShardedBatchSampler(SequentialSampler(range(sharding.films)), sharding))


@pytest.mark.parametrize("films", [8, 9, 10, 11])
@pytest.mark.parametrize(("processes", "accumulate"), [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1)])
def test_all_films_of_a_step_have_equal_weight(films, processes, accumulate):
    counted = dict.fromkeys(range(films), 0.0)
    passes = set()
    for process in range(processes):
        sharding = make_sharding(
            films=films, processes=processes, accumulate=accumulate, process=process
        )
        parts = micro_batches(sharding)
        passes.add(len(parts))
        for part, batch in enumerate(parts):
            local = sharding.local_films(part)
            assert local == len(batch) or (local, len(batch)) == (0, 1)
            for film in batch:  # as a mean over the part, over processes and over parts
                counted[film] += sharding.loss_weight(part) / len(batch) / processes / accumulate
    assert len(passes) == 1
    of_a_step = [min(4, films - film // 4 * 4) for film in range(films)]
    assert list(counted.values()) == pytest.approx([1 / step_films for step_films in of_a_step])


def test_the_loss_weight_of_one_process_without_accumulation_is_1():
    sharding = make_sharding(films=10, batch_size=4)
    assert sharding.steps == 3
    assert [sharding.loss_weight(part) for part in range(3)] == [1.0, 1.0, 1.0]


def test_a_batch_that_cannot_be_shared_is_refused_with_both_numbers():
    with pytest.raises(RecipeError, match="batch_size 4 cannot be shared by 3 processes"):
        make_sharding(processes=3)


@pytest.mark.parametrize("extra", ["class_balanced = false", "class_balanced = true"])
@pytest.mark.parametrize("process", [0, 1])
def test_the_checksums_of_a_batch_are_those_of_its_films(tmp_path, extra, process):
    """Each film is filled with its own number; the loader gives the batches of the training."""
    recipe, _ = read_recipe(write_recipe(tmp_path / "recipe.toml", extra=extra))
    films = make_numbered_films(tmp_path, count=10)
    accelerator = SimpleNamespace(
        num_processes=2, process_index=process, device=torch.device("cpu")
    )
    plain = replace(recipe, augmentation=Augmentation())
    loader = training_loader(films, plain, epoch=3, accelerator=accelerator, workers=0)
    for index, batch in enumerate(loader):
        numbers = [int(square.max()) for square in batch.square]
        checksums = batch_checksums(films, recipe, epoch=3, accelerator=accelerator, index=index)
        assert checksums == [str(number) for number in numbers]
    assert index == 2
