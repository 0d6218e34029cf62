"""The published layouts of MURA and GRAZPEDWRI-DX."""

from collections import defaultdict

import pytest

from bonefx.errors import RecipeError
from tests.fixtures.published_layouts import make_grazpedwri, make_mura
from train.data import index_grazpedwri, index_mura
from train.data.cache import load_cached
from train.data.split import compute_split_checksum

SHARES = (("train", 0.7), ("val", 0.15), ("test", 0.15))


def splits_of_groups(films):
    """The splits of each group."""
    found = defaultdict(set)
    for film in films:
        found[film.group].add(film.split)
    return found


def test_mura_labels_come_from_the_study_and_mean_abnormal(tmp_path):
    folder = make_mura(tmp_path)
    data_set = index_mura(folder)
    assert len(data_set.films) == 32
    assert all(film.fractured == ("positive" in film.name) for film in data_set.films)
    assert "abnormal" in data_set.label_meaning
    assert {film.region for film in data_set.films} == {"shoulder", "wrist"}


def test_mura_labels_are_read_from_the_published_csv_not_from_folder_names(tmp_path):
    labels = make_mura(tmp_path) / "MURA-v1.1" / "train_labeled_studies.csv"
    labels.write_text(labels.read_text().replace("study1_positive/,1", "study1_positive/,0", 1))
    changed = [film for film in index_mura(tmp_path).films if "positive" in film.name]
    assert sum(not film.fractured for film in changed) == 2


def test_mura_valid_is_used_as_test_and_no_patient_is_in_two_splits(tmp_path):
    films = index_mura(make_mura(tmp_path, patients=30)).films
    assert all((film.split == "test") == film.name.startswith("valid/") for film in films)
    assert {split for found in splits_of_groups(films).values() for split in found} == {
        "train", "val", "test",
    }  # fmt: skip
    assert {len(found) for found in splits_of_groups(films).values()} == {1}
    assert 4 <= sum(film.split == "val" for film in films) <= 8


def test_mura_may_be_given_by_its_own_folder(tmp_path):
    folder = make_mura(tmp_path)
    assert index_mura(folder / "MURA-v1.1") == index_mura(folder)


def test_a_mura_study_without_label_is_refused(tmp_path):
    labels = make_mura(tmp_path) / "MURA-v1.1" / "valid_labeled_studies.csv"
    labels.write_text("".join(labels.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(RecipeError, match=r"valid_image_paths.csv, line 1: its study has no label"):
        index_mura(tmp_path)


def test_a_missing_mura_film_is_refused(tmp_path):
    next(make_mura(tmp_path).rglob("image2.png")).unlink()
    with pytest.raises(RecipeError, match=r"1 films .* are missing.*unpack MURA"):
        index_mura(tmp_path)


def test_a_folder_that_is_not_mura_is_refused(tmp_path):
    with pytest.raises(RecipeError, match=r"labeled_studies.csv is missing.*unpack MURA"):
        index_mura(tmp_path)


def test_grazpedwri_films_carry_label_view_hardware_and_patient(tmp_path):
    films = {film.name: film for film in index_grazpedwri(make_grazpedwri(tmp_path)).films}
    assert len(films) == 24
    frontal, lateral = (films[name] for name in sorted(films) if name.startswith("0000_"))
    assert (frontal.view, lateral.view) == ("frontal", "lateral")
    assert (frontal.hardware, lateral.hardware) == (False, True)
    assert frontal.group == lateral.group == "0"
    assert frontal.region == "wrist"
    assert {film.fractured for film in films.values() if int(film.group) % 2} == {True}
    assert {film.fractured for film in films.values() if int(film.group) % 2 == 0} == {False}


def test_grazpedwri_films_of_uncertain_diagnosis_are_excluded_and_counted(tmp_path):
    data_set = index_grazpedwri(make_grazpedwri(tmp_path))
    assert data_set.left_out == 1
    assert sum(film.group == "2" for film in data_set.films) == 2


def test_grazpedwri_boxes_are_fractures_in_pixels_of_the_film(tmp_path):
    films = index_grazpedwri(make_grazpedwri(tmp_path)).films
    assert all(film.annotated and bool(film.boxes) == film.fractured for film in films)
    for film in films:
        for left, top, right, bottom in film.boxes:
            assert (left, right) == pytest.approx((16, 80))
            assert bottom - top == pytest.approx(16)
            assert 20 <= top <= 56


@pytest.mark.parametrize(
    "names", ["[fracture, text]", "{0: fracture, 8: text}"], ids=["list", "by number"]
)
def test_grazpedwri_class_numbers_are_those_of_its_yaml(tmp_path, names):
    home = make_grazpedwri(tmp_path) / "folder_structure" / "yolov5"
    (home / "meta.yaml").write_text(f"names: {names}\n")
    for path in (home / "labels").iterdir():
        path.write_text(path.read_text().replace("\n3 ", "\n0 "))
    films = index_grazpedwri(tmp_path).films
    assert all(bool(film.boxes) == film.fractured for film in films)


def test_grazpedwri_without_yaml_has_the_published_class_numbers(tmp_path):
    (make_grazpedwri(tmp_path) / "folder_structure" / "yolov5" / "meta.yaml").unlink()
    films = index_grazpedwri(tmp_path).films
    assert all(bool(film.boxes) == film.fractured for film in films)


def test_a_grazpedwri_yaml_without_fractures_is_refused(tmp_path):
    home = make_grazpedwri(tmp_path) / "folder_structure" / "yolov5"
    (home / "meta.yaml").write_text("names: [text]\n")
    with pytest.raises(RecipeError, match=r"meta.yaml names no class 'fracture'; unpack"):
        index_grazpedwri(tmp_path)


def test_grazpedwri_without_boxes_counts_no_film_as_annotated(tmp_path):
    folder = make_grazpedwri(tmp_path)
    (folder / "folder_structure").rename(folder / "elsewhere")
    assert not any(film.annotated or film.boxes for film in index_grazpedwri(folder).films)


def test_a_film_with_contradicting_label_and_boxes_is_not_annotated(tmp_path):
    make_grazpedwri(tmp_path)
    labels = tmp_path / "folder_structure" / "yolov5" / "labels"
    intact, broken = (next(labels.glob(f"{patient:04}_*")) for patient in (4, 5))
    intact.write_text(broken.read_text())
    broken.unlink()
    changed = [
        film for film in index_grazpedwri(tmp_path).films if film.name in (intact.stem, broken.stem)
    ]
    assert [(film.annotated, film.boxes) for film in changed] == [(False, ())] * 2


def test_an_invalid_line_of_boxes_is_refused(tmp_path):
    make_grazpedwri(tmp_path)
    next((tmp_path / "folder_structure" / "yolov5" / "labels").iterdir()).write_text("3 0.5 0.5\n")
    with pytest.raises(RecipeError, match=r"yolov5/labels.*class x y width height"):
        index_grazpedwri(tmp_path)


def test_grazpedwri_is_split_by_patient_reproducibly(tmp_path):
    folder = make_grazpedwri(tmp_path, patients=60)
    first, again = index_grazpedwri(folder), index_grazpedwri(folder)
    assert first == again
    assert {len(found) for found in splits_of_groups(first.films).values()} == {1}
    for name, share in SHARES:
        assert len(first.split(name)) / len(first.films) == pytest.approx(share, abs=0.04)
    assert (
        first.split_sha256
        == compute_split_checksum(first.films)
        != compute_split_checksum(first.films[1:])
    )


def test_missing_grazpedwri_films_are_refused(tmp_path):
    folder = make_grazpedwri(tmp_path)
    (folder / "images_part2").rename(folder / "elsewhere")
    with pytest.raises(RecipeError, match=r"12 films .* are missing.*images_part1 to images_part4"):
        index_grazpedwri(folder)


def test_grazpedwri_films_may_lie_in_one_folder(tmp_path):
    folder = make_grazpedwri(tmp_path)
    (folder / "images").mkdir()
    for path in [*folder.glob("images_part*/*.png")]:
        path.rename(folder / "images" / path.name)
    assert len(index_grazpedwri(folder).films) == 24


def test_a_damaged_grazpedwri_film_is_indexed_and_skipped_by_the_cache(tmp_path):
    folder = make_grazpedwri(tmp_path)
    next((folder / "images_part2").iterdir()).write_bytes(b"no film")
    data_set = index_grazpedwri(folder)
    skipped = [
        load_cached(data_set.split(name), size_px=64, folder=tmp_path / "cache").skipped
        for name, _ in SHARES
    ]
    assert (len(data_set.films), sum(skipped)) == (24, 1)
