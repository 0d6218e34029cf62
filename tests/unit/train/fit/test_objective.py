"""Losses and logits that are not finite stop a training with the films they belong to."""

import numpy as np
import pytest
import torch

from bonefx.errors import DivergedTrainingError, RecipeError
from train.fit.objective import TrainingLosses, check_losses, check_validation_logits

FILMS = np.array([f"{index:064x}" for index in range(30)])


def make_losses(**changes):
    values = {"image": 0.7, "evidence": 0.0, "distilled": 0.0, "accuracy": 0.5} | changes
    return TrainingLosses(**{name: torch.tensor(value) for name, value in values.items()})


def test_finite_losses_pass_without_looking_up_films():
    check_losses(make_losses(), epoch=0, step=0, films=lambda: pytest.fail("looked up"))
    check_validation_logits(torch.zeros(30), epoch=0, films=FILMS)


@pytest.mark.parametrize("name", ["image", "evidence", "distilled"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_not_finite_names_step_epoch_and_films(name, value):
    with pytest.raises(DivergedTrainingError) as caught:
        check_losses(make_losses(**{name: value}), epoch=1, step=2, films=FILMS[:2].tolist)
    message = str(caught.value)
    assert message.startswith(f"the loss of step 3 of epoch 2 is not finite ({name} {value})")
    assert f"SHA-256 of the films of the batch: {FILMS[0]}, {FILMS[1]}." in message
    assert "The checkpoint after epoch 1 stays usable" in message
    assert "lower learning_rate" in message


def test_a_loss_of_the_first_epoch_says_that_there_is_no_checkpoint():
    with pytest.raises(DivergedTrainingError, match="so there is no checkpoint"):
        check_losses(make_losses(image=float("nan")), epoch=0, step=0, films=FILMS[:1].tolist)


def test_validation_logits_that_are_not_finite_name_their_films():
    logits = torch.zeros(30)
    logits[[4, 7]] = torch.tensor([float("inf"), float("nan")])
    with pytest.raises(DivergedTrainingError) as caught:
        check_validation_logits(logits, epoch=2, films=FILMS)
    assert "after the last step of epoch 3" in str(caught.value)
    assert "2 of 30 films" in str(caught.value)
    assert f"{FILMS[4]}, {FILMS[7]}." in str(caught.value)


def test_a_message_names_ten_validation_films_at_most():
    with pytest.raises(DivergedTrainingError) as caught:
        check_validation_logits(torch.full((30,), float("nan")), epoch=0, films=FILMS)
    assert sum(film in str(caught.value) for film in FILMS) == 10


def test_a_diverged_training_ends_with_exit_code_5():
    assert DivergedTrainingError.exit_code == RecipeError.exit_code == 5
