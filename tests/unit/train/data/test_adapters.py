"""Adapters of tables, MURA and GRAZPEDWRI-DX, and the cut that keeps a group together."""

import typing
from collections import defaultdict

import numpy as np
import pytest

from bonefx.errors import RecipeError
from bonefx.films.images import read_radiograph
from bonefx.models.preprocess import letterbox
from tests.fixtures.datasets import make_fracatlas_with_split, make_image_folder
from tests.fixtures.published_layouts import make_grazpedwri, make_mura, make_table
from train.data import (
    ADAPTERS,
    grouped_split,
    index_csv,
    index_films_csv,
    index_grazpedwri,
    index_image_folder,
    index_mura,
)
from train.data.cache import load_cached
from train.data.split import compute_split_checksum
from train.recipe import Recipe

HEADER = "path,label,split"
THREE = (("train", 0.7), ("val", 0.15), ("test", 0.15))


def splits_of_groups(films):
    """The splits that each group lies in."""
    found = defaultdict(set)
    for film in films:
        found[film.group].add(film.split)
    return found


def test_a_recipe_may_name_every_adapter():
    assert set(typing.get_args(typing.get_type_hints(Recipe)["data"])) == set(ADAPTERS)


# --- the cut


def make_groups(count, *, seed=0):
    """Labels and groups of films: one to five films a group, a third of the groups fractured."""
    random = np.random.default_rng(seed)
    films = [(group % 3 == 0, f"p{group}") for group in range(count) for _ in range(5)]
    return zip(*[film for film in films if random.random() < 0.6], strict=True)


def test_a_cut_keeps_groups_together_and_meets_shares_and_prevalence():
    fractured, groups = make_groups(300)
    names = grouped_split(fractured, groups, THREE, seed=0)
    crossing = defaultdict(set)
    for group, name in zip(groups, names, strict=True):
        crossing[group].add(name)
    assert {len(found) for found in crossing.values()} == {1}
    prevalence = np.mean(fractured)
    for name, share in THREE:
        own = [label for label, found in zip(fractured, names, strict=True) if found == name]
        assert len(own) / len(names) == pytest.approx(share, abs=0.02)
        assert np.mean(own) == pytest.approx(prevalence, abs=0.03)


def test_a_cut_is_the_same_for_one_seed_and_another_for_another():
    fractured, groups = make_groups(100)
    cuts = [grouped_split(fractured, groups, THREE, seed=seed) for seed in (1, 1, 2)]
    assert cuts[0] == cuts[1] != cuts[2]


def test_a_small_set_is_still_cut_into_splits_of_both_classes():
    labels, groups = [True, False] * 4, [f"p{index}" for index in range(8)]
    names = grouped_split(labels, groups, THREE, seed=0)
    assert {(name, label) for name, label in zip(names, labels, strict=True)} == {
        (name, label) for name, _ in THREE for label in (True, False)
    }


def test_too_few_patients_of_a_class_are_refused():
    with pytest.raises(RecipeError, match=r"a class has 2 patients.*add films"):
        grouped_split([True, True, False, False, False], list("abcde"), THREE, seed=0)


# --- tables


def test_a_table_gives_every_fact_that_its_columns_hold(tmp_path):
    header = "path,label,group,split,region,view,hardware,fracatlas_twin,sha256"
    rows = [
        "a/1.png,fracture,p1,train,hand,frontal,1,Fractured/IMG1.jpg,00",
        "a/2.png,no_fracture,p1,train,,,,,00",
    ]
    folder = make_table(tmp_path / "set", header=header, rows=rows)
    first, second = index_films_csv(folder).split("train")
    assert (first.fractured, first.group, first.region, first.view) == (
        True,
        "p1",
        "hand",
        "frontal",
    )
    assert (first.hardware, first.in_other_set) == (True, True)
    assert first.path == folder / "a" / "1.png"
    assert (second.fractured, second.group, second.region, second.view) == (False, "p1", "", "")
    assert (second.hardware, second.in_other_set) == (None, False)


@pytest.mark.parametrize(
    ("label", "fractured"),
    [
        ("fracture", True), ("Fractured", True), ("1", True), ("positive", True),
        ("no_fracture", False), ("not fractured", False), ("0", False), ("NEGATIVE", False),
    ],
)  # fmt: skip
def test_a_table_knows_the_usual_words_for_a_label(tmp_path, label, fractured):
    folder = make_table(tmp_path / "set", header=HEADER, rows=[f"1.png,{label},val"])
    assert [film.fractured for film in index_films_csv(folder).films] == [fractured]


def test_a_table_from_a_spreadsheet_is_read_with_its_byte_order_mark(tmp_path):
    folder = make_table(tmp_path / "set", header="\ufeff" + HEADER, rows=["1.png,1,val"])
    assert len(index_films_csv(folder).films) == 1


def test_films_without_group_are_each_their_own(tmp_path):
    rows = ["1.png,1,train", "2.png,0,test"]
    films = index_films_csv(make_table(tmp_path / "set", header=HEADER, rows=rows)).films
    assert len({film.group for film in films}) == 2


def test_excluded_films_are_left_out_and_counted(tmp_path):
    folder = make_table(tmp_path / "set", header=HEADER, rows=["1.png,1,train", "2.png,0,excluded"])
    (folder / "2.png").unlink()
    data_set = index_films_csv(folder)
    assert (len(data_set.films), data_set.left_out) == (1, 1)


def test_another_table_is_another_split(tmp_path):
    folder = make_table(tmp_path / "set", header=HEADER, rows=["1.png,1,train", "2.png,0,train"])
    other = tmp_path / "other.csv"
    other.write_text((folder / "films.csv").read_text().replace("2.png,0,train", "2.png,0,test"))
    assert index_films_csv(folder).split_sha256 != index_csv(folder, other).split_sha256


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        pytest.param("path,split", ["1.png,train"], "no column 'label'.*header", id="no label"),
        pytest.param(
            "path;label;split", ["1.png;1;val"], "'path'.*separated by commas", id="semicolons"
        ),
        pytest.param(
            "path,label", ["1.png,1"], "no column 'split'.*`python -m train audit", id="no split"
        ),
        pytest.param(HEADER, [], "no rows", id="header only"),
        pytest.param(HEADER, ["1.png,1,val", "2.png,yes?,val"], "line 3: label 'yes", id="label"),
        pytest.param(HEADER, ["1.png,1,valid"], "line 2: split 'valid'.*write train", id="split"),
        pytest.param(HEADER, ["1,1,val"], "line 2: there is no such file.*correct", id="no file"),
        pytest.param(HEADER, [",1,val"], "line 2: the path is empty", id="no path"),
        pytest.param(HEADER, ["../1.png,1,val"], "line 2: .*leads outside --data", id="above"),
        pytest.param(HEADER, ["/etc/hosts,1,val"], "line 2: .*leads outside --data", id="absolute"),
        pytest.param(HEADER, [r"C:\1.dcm,1,val"], "line 2: .*leads outside --data", id="drive"),
        pytest.param(HEADER, ["1.png,1,val,9"], "line 2: .*more cells", id="a comma too many"),
        pytest.param(
            HEADER, ["1.png,1,val", "./1.png,1,val"], "line 3: line 2 names the same", id="twice"
        ),
        pytest.param(
            HEADER + ",group", ["1.png,1,val,p", "2.png,1,test,p"],
            "line 3: .*in test here and in val on line 2.*audit", id="group in two splits",
        ),
        pytest.param(
            HEADER + ",hardware", ["1.png,1,val,plate"], "line 2: hardware is 'plate'", id="flag"
        ),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used_is_refused_with_its_line(tmp_path, header, rows, message):
    folder = make_table(tmp_path / "set", header=header, rows=rows)
    with pytest.raises(RecipeError, match=message):
        index_films_csv(folder)


def test_a_refusal_names_no_film_and_no_group(tmp_path):
    rows = ["miller_1950.png,1,val,miller", "miller_2.png,1,test,miller", "miller_3,1,test,miller"]
    for header, count in ((HEADER + ",group", 2), (HEADER + ",group", 3)):
        folder = make_table(tmp_path / "set", header=header, rows=rows[:count])
        with pytest.raises(RecipeError) as refusal:
            index_films_csv(folder)
        assert "miller" not in str(refusal.value)


def test_a_missing_table_is_said(tmp_path):
    with pytest.raises(RecipeError, match=r"films.csv is missing.*columns path, label and split"):
        index_films_csv(tmp_path)


# --- MURA


def test_mura_labels_come_from_the_study_and_mean_abnormal(tmp_path):
    folder = make_mura(tmp_path)
    data_set = index_mura(folder)
    assert len(data_set.films) == 32
    assert all(film.fractured == ("positive" in film.name) for film in data_set.films)
    assert "abnormal" in data_set.label_meaning
    assert {film.region for film in data_set.films} == {"shoulder", "wrist"}


def test_muras_labels_are_the_publishers_table_not_a_folder_name(tmp_path):
    labels = make_mura(tmp_path) / "MURA-v1.1" / "train_labeled_studies.csv"
    labels.write_text(labels.read_text().replace("study1_positive/,1", "study1_positive/,0", 1))
    changed = [film for film in index_mura(tmp_path).films if "positive" in film.name]
    assert sum(not film.fractured for film in changed) == 2


def test_muras_valid_becomes_test_and_no_patient_crosses(tmp_path):
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


# --- GRAZPEDWRI-DX


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


def test_grazpedwri_films_of_uncertain_diagnosis_are_left_out_and_counted(tmp_path):
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


def test_a_label_that_its_boxes_contradict_supervises_no_map(tmp_path):
    make_grazpedwri(tmp_path)
    labels = tmp_path / "folder_structure" / "yolov5" / "labels"
    intact, broken = (next(labels.glob(f"{patient:04}_*")) for patient in (4, 5))
    intact.write_text(broken.read_text())
    broken.unlink()
    changed = [
        film for film in index_grazpedwri(tmp_path).films if film.name in (intact.stem, broken.stem)
    ]
    assert [(film.annotated, film.boxes) for film in changed] == [(False, ())] * 2


def test_a_broken_line_of_boxes_is_refused(tmp_path):
    make_grazpedwri(tmp_path)
    next((tmp_path / "folder_structure" / "yolov5" / "labels").iterdir()).write_text("3 0.5 0.5\n")
    with pytest.raises(RecipeError, match=r"yolov5/labels.*class x y width height"):
        index_grazpedwri(tmp_path)


def test_grazpedwri_is_cut_by_patient_the_same_each_time(tmp_path):
    folder = make_grazpedwri(tmp_path, patients=60)
    first, again = index_grazpedwri(folder), index_grazpedwri(folder)
    assert first == again
    assert {len(found) for found in splits_of_groups(first.films).values()} == {1}
    for name, share in THREE:
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


def test_a_damaged_grazpedwri_film_is_left_to_the_decoder_to_count(tmp_path):
    folder = make_grazpedwri(tmp_path)
    next((folder / "images_part2").iterdir()).write_bytes(b"no film")
    data_set = index_grazpedwri(folder)
    skipped = [
        load_cached(data_set.split(name), size_px=64, folder=tmp_path / "cache").skipped
        for name, _ in THREE
    ]
    assert (len(data_set.films), sum(skipped)) == (24, 1)


# --- all of them


def make_films(name, folder, monkeypatch):
    """The training films of a small set in the layout that an adapter knows."""
    if name == "fracatlas":
        data, splits = make_fracatlas_with_split(folder, films=2)
        monkeypatch.setattr("train.data.index.SPLITS_FOLDER", splits)
        return ADAPTERS[name](data).split("train")
    if name == "csv":
        make_table(folder, header=HEADER, rows=["1.png,1,train", "2.png,0,train"])
    else:
        {"image_folder": make_image_folder, "mura": make_mura, "grazpedwri": make_grazpedwri}[name](
            folder
        )
    return ADAPTERS[name](folder).split("train")


@pytest.mark.parametrize("name", list(ADAPTERS))
def test_films_of_every_adapter_are_decoded_as_the_app_would_read_them(tmp_path, monkeypatch, name):
    films = make_films(name, tmp_path, monkeypatch)
    cache = load_cached(films, size_px=64, folder=tmp_path / "cache")
    assert cache.films == films
    for film, square in zip(films, cache.squares[cache.rows], strict=True):
        radiograph = read_radiograph(film.path)
        assert radiograph.bits == (16 if name == "grazpedwri" else 8)
        assert np.array_equal(square, letterbox(radiograph, size_px=64))
        assert np.ptp(square) > 150  # 12-bit values in a 16-bit file are no black film


@pytest.mark.parametrize("name", list(ADAPTERS))
def test_an_index_decodes_no_film(tmp_path, monkeypatch, name):
    folder = tmp_path / "set"
    folder.mkdir()
    make_films(name, folder, monkeypatch)
    films = [*folder.rglob("*.png"), *folder.rglob("*.jpg")]
    for path in films:
        path.write_bytes(b"")
    data = folder / "fracatlas" if name == "fracatlas" else folder
    assert len(ADAPTERS[name](data).films) >= 2


def test_an_image_folder_is_named_after_itself_even_when_given_as_a_dot(tmp_path, monkeypatch):
    monkeypatch.chdir(make_image_folder(tmp_path / "wrists", films=1))
    assert index_image_folder(type(tmp_path)(".")).name == "wrists"
