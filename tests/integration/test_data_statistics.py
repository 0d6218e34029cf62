"""What the statistics and the sample sheet of a run say about its films."""

import json
import logging
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.fixtures.datasets import make_image_folder
from tests.fixtures.figures import (
    PATIENT,
    make_film,
    make_films,
    same_picture,
    shown_films,
    texts_of,
)
from train.data import DataSet, load_data
from train.data.cache import load_cached
from train.data.samples import build_samples_figure, draw_samples
from train.data.statistics import compute_data_statistics, write_data_statistics


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
