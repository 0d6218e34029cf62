"""What the pictures and figures of a run say about its data, its course and its misses."""

import json
import logging
import shutil
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from matplotlib.patches import Rectangle
from PIL import Image

from bonefx.models.architectures import BatchNormSpec
from bonefx.models.manifest import InitialWeights
from bonefx.records.model import TrainingData
from tests.fixtures.datasets import make_image_folder
from tests.fixtures.recipes import write_recipe
from tests.fixtures.records import make_point
from train.data import DataSet, Film, load_data
from train.data.augment import draw_fracture_mask
from train.data.cache import CachedFilms, load_cached
from train.data.samples import build_samples_figure, draw_samples
from train.data.statistics import compute_data_statistics, write_data_statistics
from train.evaluate.plots.figures import PlottedSplit, average_precision, draw_figures
from train.evaluate.plots.worst_misses import boxes_on_square, draw_misses, misses_figure
from train.fit.run_folder import EpochLog, RunFacts, write_facts, write_log
from train.fit.training_curves import (
    build_training_figure,
    draw_training,
    find_best_epoch,
    find_learning_rate_cuts,
)
from train.recipe import PlateauSgd, read_recipe

PATIENT = "miller_anna_1954"


@pytest.fixture
def data_set(tmp_path):
    """Four films of each class in each split; in train a copy, in val a copy and a broken film."""
    folder = make_image_folder(tmp_path / "data")
    train, val = folder / "train" / "fractured", folder / "val" / "fractured"
    shutil.copy(train / "0.png", train / f"{PATIENT}.png")
    shutil.copy(train / "1.png", val / "copy.png")
    (val / f"{PATIENT}_lateral.png").write_bytes(b"no picture")
    return load_data("image_folder", folder)


def read_splits(data_set, tmp_path, *names):
    return {
        name: load_cached(data_set.split(name), size_px=64, folder=tmp_path / "cache")
        for name in names
    }


@pytest.fixture
def films(data_set, tmp_path):
    return read_splits(data_set, tmp_path, "train", "val")


def make_film(**changes):
    film: dict[str, Any] = {
        "path": None, "name": PATIENT, "fractured": False, "split": "val", "group": PATIENT,
    }  # fmt: skip
    return Film(**(film | changes))


def make_films(fractured, *, boxes=(), shape=(128, 64), size_px=64):
    """Cached films without files; only fractured ones carry the boxes."""
    count = len(fractured)
    return CachedFilms(
        films=[make_film(fractured=own, boxes=boxes if own else ()) for own in fractured],
        squares=np.random.default_rng(0).integers(0, 255, (count, size_px, size_px), np.uint8),
        rows=np.arange(count),
        shapes=np.array([shape] * count, np.int32),
        sha256=np.array([str(index) for index in range(count)]),
        skipped=0,
    )


def make_line(epoch, **changes):
    line = {
        "epoch": epoch, "size_px": 64, "learning_rate": 0.1, "image_loss": 1 / epoch,
        "evidence_loss": 0.0, "accuracy": 0.8, "val_loss": 1.2 / epoch, "val_accuracy": 0.7,
        "val_auroc": 0.8, "best": True, "elapsed_s": 60.0,
    }  # fmt: skip
    return EpochLog(**(line | changes))


@pytest.fixture
def facts(tmp_path):
    recipe, sha256 = read_recipe(write_recipe(tmp_path / "recipe.toml"))
    optimiser = PlateauSgd(
        learning_rate=0.1, momentum=0.9, weight_decay=0.0, factor=0.1, patience=1
    )
    return RunFacts(
        recipe=replace(recipe, optimiser=optimiser),
        recipe_sha256=sha256,
        batch_norm=BatchNormSpec(eps=1e-3, momentum=0.01),
        initial=InitialWeights(source="none", sha256="0" * 64, licence="none", note=""),
        device="cpu",
        data=TrainingData(name="films", licence="", source="", split_sha256=None, counts={}),
    )


def texts_of(figure):
    """All that a reader of the figure can read."""
    return " | ".join(
        text.get_text() for text in figure.findobj(lambda part: hasattr(part, "get_text"))
    )


def shown_films(figure):
    return [image for axes in figure.axes for image in axes.get_images()]


def same_picture(one, other):
    return one.read_bytes() == other.read_bytes()


def test_a_copy_is_a_film_and_no_file_of_its_own(data_set, films, tmp_path):
    train = write_data_statistics(data_set, films, tmp_path).splits["train"]
    assert (train.films, train.fractured, train.files.distinct) == (9, 5, 8)
    assert train.share.value == pytest.approx(5 / 9)
    assert train.share.low < 5 / 9 < train.share.high


def test_an_unreadable_film_is_counted_as_skipped_and_nowhere_else(data_set, films, tmp_path):
    val = write_data_statistics(data_set, films, tmp_path).splits["val"]
    assert (val.files.skipped, val.films, val.fractured) == (1, 9, 5)
    assert (val.files.width.smallest_px, val.files.height.largest_px) == (96, 96)


def test_copies_between_splits_are_counted_and_told(data_set, films, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, logger="train.data.statistics"):
        splits = write_data_statistics(data_set, films, tmp_path).splits
    assert splits["val"].files.shared == {"train": 1}
    assert splits["train"].files.shared == {"val": 1}
    assert "1 of 9 films of val are byte-identical to films of train" in caplog.text
    assert PATIENT not in caplog.text


def test_a_split_that_was_not_read_is_told_by_the_index_alone(data_set, films, tmp_path):
    test = write_data_statistics(data_set, films, tmp_path).splits["test"]
    assert (test.films, test.fractured, test.files) == (8, 4, None)


def test_a_film_with_two_regions_counts_in_both():
    indexed = (
        make_film(region="hip+leg", view="frontal", hardware=True, fractured=True),
        make_film(region="leg", view="frontal+lateral", hardware=False),
        make_film(group="other"),
    )
    whole = DataSet(name="set", licence="", source="", split_sha256=None, films=indexed)
    val = compute_data_statistics(whole, {"val": make_films([True, False])}).splits["val"]
    assert val.regions.keys() == {"unknown"}  # of the films that were read
    val = compute_data_statistics(whole, {}).splits["val"]
    counts = {name: (own.films, own.fractured) for name, own in val.regions.items()}
    assert counts == {"leg": (2, 1), "hip": (1, 1), "unknown": (1, 0)}
    assert {name: own.films for name, own in val.views.items()} == {
        "frontal": 2, "lateral": 1, "unknown": 1,
    }  # fmt: skip
    assert {name: own.films for name, own in val.hardware.items()} == {
        "with": 1, "without": 1, "unknown": 1,
    }  # fmt: skip
    assert val.groups == 2


def test_no_file_name_stands_in_what_a_run_writes_about_its_data(data_set, films, tmp_path):
    write_data_statistics(data_set, films, tmp_path / "run")
    written = (tmp_path / "run" / "data.json").read_text()
    assert json.loads(written)["splits"]["train"]["films"] == 9
    for names in (written, texts_of(build_samples_figure(films))):
        assert not any(word in names for word in (PATIENT, ".png", "train/"))
    with Image.open(tmp_path / "run" / "samples.png") as picture:
        assert not any(isinstance(value, str) for value in picture.info.values())


def test_a_resumed_run_draws_nothing_again(data_set, films, tmp_path):
    write_data_statistics(data_set, films, tmp_path)
    (tmp_path / "samples.png").write_bytes(b"as it was")
    write_data_statistics(data_set, films, tmp_path)
    assert (tmp_path / "samples.png").read_bytes() == b"as it was"


def test_a_run_on_changed_films_draws_again(data_set, films, tmp_path):
    write_data_statistics(data_set, films, tmp_path)
    (tmp_path / "samples.png").write_bytes(b"as it was")
    film = next(film for film in data_set.films if film.split == "train")
    cv2.imwrite(str(film.path), np.full((96, 96), 128, np.uint8))
    write_data_statistics(data_set, read_splits(data_set, tmp_path, "train", "val"), tmp_path)
    assert (tmp_path / "samples.png").read_bytes() != b"as it was"


def test_describing_decodes_nothing_that_the_cache_holds(data_set, films, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a film was decoded")

    monkeypatch.setattr("train.data.cache.formats.read", refuse)
    write_data_statistics(data_set, films, tmp_path)
    assert (tmp_path / "samples.png").is_file()


def test_the_sample_sheet_is_the_same_each_time_and_shows_no_film_twice(films, tmp_path):
    for name in ("one.png", "other.png"):
        draw_samples(films, tmp_path / name)
    assert same_picture(tmp_path / "one.png", tmp_path / "other.png")
    assert len(shown_films(build_samples_figure(films))) == 4 + 4 + 5 + 4  # a copy is shown once


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


def test_the_miss_sheet_shows_each_miss_and_no_other_film():
    fractured = [True, True, True, False, False]
    probability = np.array([0.2, 0.9, 0.1, 0.7, 0.3])
    figure = misses_figure(make_films(fractured), probability, probability >= 0.5, most=24)
    assert len(shown_films(figure)) == 3
    titles = [axes.get_title() for part in figure.subfigs for axes in part.axes]
    assert titles == ["probability 0.100", "probability 0.200", "probability 0.700"]
    assert PATIENT not in texts_of(figure)


@pytest.mark.parametrize(
    ("missed", "alarms", "expected"),
    [
        pytest.param(30, 30, (12, 12), id="half of each"),
        pytest.param(2, 30, (2, 22), id="few fractures missed"),
        pytest.param(30, 2, (22, 2), id="few false alarms"),
    ],
)
def test_the_worst_misses_of_both_kinds_share_the_sheet(missed, alarms, expected):
    fractured = np.array([True] * missed + [False] * alarms)
    probability = np.linspace(0, 1, len(fractured))
    figure = misses_figure(make_films(fractured), probability, ~fractured, most=24)
    assert tuple(len(part.axes) for part in figure.subfigs) == expected


def test_a_sheet_without_a_miss_says_so(tmp_path):
    films, called = make_films([True, False]), np.array([True, False])
    draw_misses(films, np.array([0.9, 0.1]), called, tmp_path / "misses.png")
    assert (tmp_path / "misses.png").is_file()
    text = texts_of(misses_figure(films, np.array([0.9, 0.1]), called, most=24))
    assert text.count("0 of 1 films") == 2


def test_a_box_surrounds_the_place_that_training_takes_for_the_fracture():
    films = make_films([True], boxes=((10.0, 40.0, 30.0, 60.0),))
    rows, columns = np.nonzero(draw_fracture_mask(films, 0).numpy())
    left, top, right, bottom = boxes_on_square(films, 0)[0]
    assert left < columns.min() < columns.max() < right
    assert top < rows.min() < rows.max() < bottom
    assert right - left < np.ptp(columns) + 8
    figure = misses_figure(films, np.array([0.1]), np.array([False]), most=1)
    drawn = [part for part in figure.subfigs[0].axes[0].patches if isinstance(part, Rectangle)]
    assert drawn[0].get_xy() == (left, top)


@pytest.fixture(scope="module")
def answered():
    random = np.random.default_rng(0)
    fractured = random.random(200) < 0.3
    logits = random.normal(size=200) + 2.0 * fractured - 1
    return PlottedSplit(
        split="val", fractured=fractured, logits=logits, probability=1 / (1 + np.exp(-logits)),
        groups=np.array([str(index // 4) for index in range(200)]),
    )  # fmt: skip


@pytest.fixture(scope="module")
def figures(answered):
    return draw_figures(answered, (make_point(threshold=0.5, review_band=(0.4, 0.6)),))


def test_points_lie_where_these_films_put_them(answered, figures):
    called = answered.probability >= 0.5
    sensitivity = called[answered.fractured].mean()
    precision = answered.fractured[called].mean()
    for axes, height in ((figures.axes[1], sensitivity), (figures.axes[2], precision)):
        mark = next(line for line in axes.lines if line.get_label().startswith("balanced"))
        assert mark.get_ydata()[0] == pytest.approx(height)


def test_the_histogram_shows_thresholds_and_review_bands(figures):
    drawn = [tuple(np.asarray(line.get_xdata())) for line in figures.axes[3].lines]
    assert {(0.4, 0.6), (0.5, 0.5), (0.5,)} <= set(drawn)


def test_curves_carry_their_areas_with_intervals(answered, figures):
    text = texts_of(figures)
    area = average_precision(answered.fractured, answered.logits)
    assert f"average precision {area:.3f} (" in text
    assert "Val: 200 films" in text
    assert "AP =" not in text
