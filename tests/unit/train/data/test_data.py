"""FracAtlas, image folders, and the cache of decoded films."""

import csv
import logging
from collections import defaultdict

import cv2
import numpy as np
import pytest

from bonefx.errors import RecipeError
from bonefx.films import formats
from bonefx.films.raster import encode_png
from bonefx.models.preprocess import film_letterbox, letterbox
from tests.fixtures.bordered_films import BOXES, draw_limb, with_border
from tests.fixtures.datasets import make_fracatlas_with_split, make_image_folder, read_shipped_split
from train import data
from train.data.cache import load_cached


def test_no_patient_block_of_the_included_split_is_in_two_splits():
    splits = defaultdict(set)
    for row in read_shipped_split():
        if row["split"] != "excluded":
            splits[row["patient_block"]].add(row["split"])
    assert len(splits) > 100
    assert {block for block, found in splits.items() if len(found) > 1} == set()


def test_the_included_split_has_the_documented_counts():
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in read_shipped_split():
        counts[row["split"]][0] += 1
        counts[row["split"]][1] += row["label"] == "fracture"
    assert counts["train"] == [2385, 433]
    assert counts["val"] == [513, 88]
    assert counts["test"] == [582, 98]


@pytest.fixture
def small_fracatlas(tmp_path, monkeypatch):
    """Two films of each class in each split."""
    folder, splits = make_fracatlas_with_split(tmp_path, films=2)
    monkeypatch.setattr("train.data.index.SPLITS_FOLDER", splits)
    return folder


def test_fracatlas_films_have_split_block_and_boxes(small_fracatlas):
    films = data.index_fracatlas(small_fracatlas).split("train")
    assert [film.fractured for film in films] == [True, True, False, False]
    assert all(film.annotated and film.group for film in films)
    assert [len(film.boxes) for film in films] == [1, 1, 0, 0]
    left, top, right, bottom = films[0].boxes[0]
    assert (left, right) == (16, 80)
    assert bottom - top == 16


def test_a_fractured_film_without_boxes_is_not_annotated(small_fracatlas):
    path = small_fracatlas / "Annotations" / "COCO JSON" / "COCO_fracture_masks.json"
    path.write_text('{"images": [], "annotations": []}')
    films = data.index_fracatlas(small_fracatlas).split("train")
    assert [film.annotated for film in films] == [False, False, True, True]


def write_published_facts(folder, facts):
    """Write dataset.csv with the columns that are read, and a wrong label."""
    lines = [f"{name},{hardware},1,{views}" for name, (hardware, views) in facts.items()]
    header = "image_id,hardware,fractured,frontal,lateral,oblique"
    (folder / "dataset.csv").write_text("\n".join([header, *lines]) + "\n")


def test_fracatlas_views_and_hardware_are_read_from_dataset_csv_and_labels_are_not(small_fracatlas):
    before = data.index_fracatlas(small_fracatlas).split("train")
    facts = ((1, "1,1,0"), (0, "0,0,1"), (0, "0,0,0"))
    names = [film.name for film in before]
    write_published_facts(small_fracatlas, dict(zip(names, facts, strict=False)))
    films = data.index_fracatlas(small_fracatlas).split("train")
    assert [film.view for film in films] == ["frontal+lateral", "oblique", "", ""]
    assert [film.hardware for film in films] == [True, False, False, None]
    assert [film.fractured for film in films] == [film.fractured for film in before]


def test_without_dataset_csv_fracatlas_views_and_hardware_are_unknown(small_fracatlas):
    films = data.index_fracatlas(small_fracatlas).films
    assert {(film.view, film.hardware) for film in films} == {("", None)}


def test_fracatlas_films_that_lie_in_the_kaggle_set_are_marked(small_fracatlas):
    path = data.index.SPLITS_FOLDER / "fracatlas.csv"
    rows = list(csv.DictReader(path.read_text().splitlines()))
    for row in rows:
        row["in_kaggle_set"] = int(row is rows[1])
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    shared = [
        film.name for film in data.index_fracatlas(small_fracatlas).films if film.in_other_set
    ]
    assert shared == [rows[1]["image"]]


def test_a_missing_film_is_reported_when_indexing(small_fracatlas):
    next((small_fracatlas / "images" / "Fractured").iterdir()).unlink()
    with pytest.raises(RecipeError, match="1 films of the split are missing"):
        data.index_fracatlas(small_fracatlas)


def test_an_image_folder_is_read_by_class_names_not_by_their_order(tmp_path):
    films = data.index_image_folder(make_image_folder(tmp_path / "set", films=2)).split("val")
    assert {film.fractured for film in films if "not fractured" in film.name} == {False}
    assert {film.fractured for film in films if "/fractured/" in film.name} == {True}


def test_an_unknown_class_folder_is_refused(tmp_path):
    folder = make_image_folder(tmp_path / "set", films=1)
    (folder / "train" / "maybe").mkdir()
    with pytest.raises(RecipeError, match="'maybe' is not known"):
        data.index_image_folder(folder)


def test_a_split_with_one_class_is_refused(tmp_path):
    folder = make_image_folder(tmp_path / "set", films=1)
    (folder / "val" / "fractured" / "0.png").unlink()
    with pytest.raises(RecipeError, match=r"'val'.*two classes"):
        data.index_image_folder(folder).split("val")


def test_cached_films_equal_the_letterboxed_films_of_the_app(tmp_path):
    films = data.index_image_folder(make_image_folder(tmp_path / "set", films=2)).split("train")
    cache = load_cached(films, size_px=64, folder=tmp_path / "cache")
    for film, square in zip(cache.films, cache.squares[cache.rows], strict=True):
        assert np.array_equal(square, letterbox(formats.read(film.path), size_px=64))


def test_cached_films_with_a_border_equal_those_of_the_app(tmp_path):
    folder = make_image_folder(tmp_path / "set", films=2)
    path = folder / "train" / "fractured" / "0.png"
    values, _ = with_border(draw_limb(), BOXES["all"], tone=1.0, angle_deg=4)
    path.write_bytes(encode_png(np.rint(values * 255).astype(np.uint8)))
    films = data.index_image_folder(folder).split("train")
    cache = load_cached(films, size_px=64, folder=tmp_path / "cache")
    index = [film.path for film in cache.films].index(path)
    film = formats.read(path)
    assert film.field is not None
    assert np.array_equal(cache.squares[cache.rows[index]], letterbox(film, size_px=64))
    assert cache.place(index) == film_letterbox(film, size_px=64)


def test_films_are_decoded_once(tmp_path, monkeypatch):
    films = data.index_image_folder(make_image_folder(tmp_path / "set", films=2)).split("train")
    first = load_cached(films, size_px=64, folder=tmp_path / "cache")
    monkeypatch.setattr("train.data.cache.formats.read", None)  # decoding again would fail
    again = load_cached(films, size_px=64, folder=tmp_path / "cache")
    assert np.array_equal(first.squares, again.squares)


def test_files_with_the_same_bytes_are_decoded_once(tmp_path, monkeypatch):
    folder = make_image_folder(tmp_path / "set", films=3) / "train"
    copied = folder / "fractured" / "0.png"
    (folder / "fractured" / "copy.png").write_bytes(copied.read_bytes())
    decoded, read = [], formats.read
    monkeypatch.setattr(
        "train.data.cache.formats.read",
        lambda path, **options: decoded.append(path) or read(path, **options),
    )
    films = data.index_image_folder(folder.parent).split("train")
    cache = load_cached(films, size_px=64, folder=tmp_path / "cache")
    assert len(cache.films) == len(cache.rows) == 7
    assert len(decoded) == len(cache.squares) == len(set(cache.sha256)) == 6
    rows = {film.path.name: row for film, row in zip(cache.films, cache.rows, strict=True)}
    assert rows["copy.png"] == cache.rows[[film.path for film in cache.films].index(copied)]


def test_a_truncated_film_is_read_partially_if_salvage_is_set(tmp_path):
    folder = make_image_folder(tmp_path / "set", films=2)
    path = folder / "train" / "fractured" / "0.png"
    whole = cv2.imencode(".jpg", cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))[1].tobytes()
    path.write_bytes(whole[: len(whole) // 2])
    films = data.index_image_folder(folder).split("train")
    strict = load_cached(films, size_px=64, folder=tmp_path / "cache")
    salvaged = load_cached(films, size_px=64, folder=tmp_path / "cache", salvage=True)
    assert (strict.skipped, salvaged.skipped) == (1, 0)


def test_a_changed_film_is_decoded_again(tmp_path):
    films = data.index_image_folder(make_image_folder(tmp_path / "set", films=2)).split("train")
    before = np.array(load_cached(films, size_px=64, folder=tmp_path / "cache").squares[0])
    films[0].path.write_bytes(films[-1].path.read_bytes() + b"\0")
    after = load_cached(films, size_px=64, folder=tmp_path / "cache").squares[0]
    assert not np.array_equal(before, after)


def test_an_unreadable_film_is_excluded_counted_and_logged(tmp_path, caplog):
    films = data.index_image_folder(make_image_folder(tmp_path / "set", films=2)).split("train")
    films[1].path.write_bytes(films[1].path.read_bytes()[:100])
    with caplog.at_level(logging.WARNING):
        cache = load_cached(films, size_px=64, folder=tmp_path / "cache")
    assert cache.skipped == 1
    assert films[1] not in cache.films
    assert len(cache.rows) == len(cache.films) == 3
    assert "1 of 4 films" in caplog.text
