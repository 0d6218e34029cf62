"""What the figure of a run says about its training."""

from dataclasses import replace

import pytest

from tests.fixtures.figures import same_picture, texts_of
from tests.fixtures.recipes import write_recipe
from tests.fixtures.training import make_run_facts
from train.fit.run_folder import EpochLog, write_facts, write_log
from train.fit.training_curves import (
    build_training_figure,
    draw_training,
    find_best_epoch,
    find_learning_rate_cuts,
)
from train.recipe import read_recipe
from train.recipe_sections import PlateauSgd


def make_line(epoch, **changes):
    line = {
        "epoch": epoch, "size_px": 64, "learning_rate": 0.1, "image_loss": 1 / epoch,
        "evidence_loss": 0.0, "accuracy": 0.8, "val_loss": 1.2 / epoch, "val_accuracy": 0.7,
        "val_auroc": 0.8, "best": True, "elapsed_s": 60.0,
    }  # fmt: skip
    return EpochLog(**(line | changes))


@pytest.fixture
def facts(tmp_path):
    optimiser = PlateauSgd(
        learning_rate=0.1, momentum=0.9, weight_decay=0.0, factor=0.1, patience=1
    )
    facts = make_run_facts(tmp_path)
    return replace(facts, recipe=replace(facts.recipe, optimiser=optimiser))


def test_the_last_best_epoch_is_the_kept_one_and_is_marked(facts):
    lines = [make_line(epoch, best=epoch in (1, 3)) for epoch in range(1, 6)]
    assert find_best_epoch(lines) == lines[2]
    figure = build_training_figure(lines, facts, confusion=None, split="test")
    for axes, height in zip(figure.axes, (lines[2].val_loss, lines[2].val_accuracy), strict=True):
        star = next(line for line in axes.lines if line.get_label() == "best: epoch 3")
        assert (star.get_xdata()[0], star.get_ydata()[0]) == (3, height)


def test_a_run_that_has_kept_no_epoch_yet_is_drawn_without_a_mark(facts):
    figure = build_training_figure([make_line(1, best=False)], facts, confusion=None, split="test")
    assert "kept" not in texts_of(figure)


def test_cuts_of_the_learning_rate_are_marked_where_they_happen(facts):
    rates = (0.1, 0.1, 0.01, 0.01, 0.001)
    lines = [make_line(epoch, learning_rate=rate) for epoch, rate in enumerate(rates, 1)]
    assert [line.epoch for line in find_learning_rate_cuts(lines, facts)] == [3, 5]
    text = texts_of(build_training_figure(lines, facts, confusion=None, split="test"))
    assert "learning rate 0.01 " in text
    assert "learning rate 0.001 " in text


def test_a_one_cycle_rate_has_no_cuts(facts, tmp_path):
    recipe, _ = read_recipe(write_recipe(tmp_path / "recipe.toml"))
    lines = [make_line(epoch, learning_rate=1 / epoch) for epoch in range(1, 5)]
    assert find_learning_rate_cuts(lines, replace(facts, recipe=recipe)) == []


def test_the_confusion_matrix_gives_counts_and_shares_of_each_label(facts):
    figure = build_training_figure([make_line(1)], facts, confusion=((90, 10), (1, 3)), split="val")
    cells = [text.get_text() for text in figure.axes[2].texts]
    assert cells == ["90", "90.0 %", "10", "10.0 %", "1", "25.0 %", "3", "75.0 %"]
    assert figure.axes[2].get_title() == "Val: 93 of 104 correct"


def test_training_is_drawn_from_the_files_of_a_run_alike_each_time(facts, tmp_path):
    write_facts(tmp_path, facts)
    write_log(tmp_path, [make_line(epoch) for epoch in range(1, 4)])
    for name in ("one", "other"):
        draw_training(tmp_path, tmp_path / name, confusion=((5, 0), (0, 0)))
    assert same_picture(tmp_path / "one" / "training.png", tmp_path / "other" / "training.png")
    assert (tmp_path / "one" / "training.png").stat().st_size < 200_000
