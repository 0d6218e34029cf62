"""Division of films into micro-batches and processes."""

import pytest
from torch.utils.data import SequentialSampler

from bonefx.errors import RecipeError
from train.data.loader import BatchSharding, ShardedBatchSampler


def make_sharding(**changes):
    """Sharding of one process, with defaults."""
    return BatchSharding(**({"films": 10, "batch_size": 4} | changes))


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
