"""How films are shared by the parts of a step and by processes."""

import pytest
from torch.utils.data import SequentialSampler

from bonefx.errors import RecipeError
from train.data.loader import BatchSharding, ShardedBatchSampler


def shares(**changes):
    """One process's shares; a test names only what it is about."""
    return BatchSharding(**({"films": 10, "batch_size": 4} | changes))


def parts_of(own):
    return list(ShardedBatchSampler(SequentialSampler(range(own.films)), own))


@pytest.mark.parametrize("films", [8, 9, 10, 11])
@pytest.mark.parametrize(("processes", "accumulate"), [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1)])
def test_every_film_of_an_epoch_counts_once_and_as_much_as_every_other(
    films, processes, accumulate
):
    counted = dict.fromkeys(range(films), 0.0)
    passes = set()
    for process in range(processes):
        own = shares(films=films, processes=processes, accumulate=accumulate, process=process)
        parts = parts_of(own)
        passes.add(len(parts))
        for part, batch in enumerate(parts):
            own_films = own.local_films(part)
            assert own_films == len(batch) or (own_films, len(batch)) == (0, 1)
            for film in batch:  # as a mean over the part, over processes and over parts
                counted[film] += own.loss_weight(part) / len(batch) / processes / accumulate
    assert len(passes) == 1
    of_a_step = [min(4, films - film // 4 * 4) for film in range(films)]
    assert list(counted.values()) == pytest.approx([1 / step_films for step_films in of_a_step])


def test_a_step_that_nobody_shares_is_its_plain_mean():
    own = shares(films=10, batch_size=4)
    assert own.steps == 3
    assert [own.loss_weight(part) for part in range(3)] == [1.0, 1.0, 1.0]


def test_a_batch_that_cannot_be_shared_is_refused_with_both_numbers():
    with pytest.raises(RecipeError, match="batch_size 4 cannot be shared by 3 processes"):
        shares(processes=3)
