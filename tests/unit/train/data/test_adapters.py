"""The "csv" layout, splits by group, and behaviour common to all adapters."""

import typing
from collections import defaultdict

import numpy as np
import pytest

from bonefx.errors import RecipeError
from bonefx.films import formats
from bonefx.models.preprocess import letterbox
from tests.fixtures.datasets import make_fracatlas_with_split, make_image_folder
from tests.fixtures.published_layouts import make_grazpedwri, make_mura, make_table
from train.data import ADAPTERS, grouped_split, index_csv, index_films_csv, index_image_folder
from train.data.cache import load_cached
from train.recipe import Recipe

HEADER = "path,label,split"
ONE_SET = """
name = "One set"
sets = [{ folder = "wrists", layout = "image_folder", source = "here" }]
sources = { here = { title = "Here", licence = "none" } }
"""
SHARES = (("train", 0.7), ("val", 0.15), ("test", 0.15))


def test_recipes_accept_exactly_the_layouts_of_the_adapters():
    assert set(typing.get_args(typing.get_type_hints(Recipe)["data"])) == set(ADAPTERS)


# --- splits by group


def make_groups(count, *, seed=0):
    """Labels and groups of films: up to five films per group, a third of the groups fractured."""
    random = np.random.default_rng(seed)
    films = [(group % 3 == 0, f"p{group}") for group in range(count) for _ in range(5)]
    return zip(*[film for film in films if random.random() < 0.6], strict=True)


def test_a_split_keeps_groups_together_and_meets_shares_and_prevalence():
    fractured, groups = make_groups(300)
    names = grouped_split(fractured, groups, SHARES, seed=0)
    crossing = defaultdict(set)
    for group, name in zip(groups, names, strict=True):
        crossing[group].add(name)
    assert {len(found) for found in crossing.values()} == {1}
    prevalence = np.mean(fractured)
    for name, share in SHARES:
        own = [label for label, found in zip(fractured, names, strict=True) if found == name]
        assert len(own) / len(names) == pytest.approx(share, abs=0.02)
        assert np.mean(own) == pytest.approx(prevalence, abs=0.03)


def test_a_split_depends_on_the_seed_only():
    fractured, groups = make_groups(100)
    cuts = [grouped_split(fractured, groups, SHARES, seed=seed) for seed in (1, 1, 2)]
    assert cuts[0] == cuts[1] != cuts[2]


def test_a_small_set_is_split_with_both_classes_in_each_split():
    labels, groups = [True, False] * 4, [f"p{index}" for index in range(8)]
    names = grouped_split(labels, groups, SHARES, seed=0)
    assert {(name, label) for name, label in zip(names, labels, strict=True)} == {
        (name, label) for name, _ in SHARES for label in (True, False)
    }


def test_too_few_patients_of_a_class_are_refused():
    with pytest.raises(RecipeError, match=r"a class has 2 patients.*add films"):
        grouped_split([True, True, False, False, False], list("abcde"), SHARES, seed=0)


# --- the "csv" layout


def test_all_known_columns_of_films_csv_are_read(tmp_path):
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
def test_films_csv_accepts_the_usual_words_for_a_label(tmp_path, label, fractured):
    folder = make_table(tmp_path / "set", header=HEADER, rows=[f"1.png,{label},val"])
    assert [film.fractured for film in index_films_csv(folder).films] == [fractured]


def test_films_csv_may_start_with_a_byte_order_mark(tmp_path):
    folder = make_table(tmp_path / "set", header="\ufeff" + HEADER, rows=["1.png,1,val"])
    assert len(index_films_csv(folder).films) == 1


def test_a_film_without_a_group_forms_a_group_of_its_own(tmp_path):
    rows = ["1.png,1,train", "2.png,0,test"]
    films = index_films_csv(make_table(tmp_path / "set", header=HEADER, rows=rows)).films
    assert len({film.group for film in films}) == 2


def test_excluded_films_are_omitted_and_counted(tmp_path):
    folder = make_table(tmp_path / "set", header=HEADER, rows=["1.png,1,train", "2.png,0,excluded"])
    (folder / "2.png").unlink()
    data_set = index_films_csv(folder)
    assert (len(data_set.films), data_set.left_out) == (1, 1)


BOXES_HEADER = f"{HEADER},boxes,width,height,source"


def test_boxes_are_shares_of_the_film_and_normal_films_count_as_annotated(tmp_path):
    rows = [
        '1.png,1,train,"[[0.25, 0.5, 0.5, 1.0]]",200,100,A',
        "2.png,0,train,,200,100,A",
        "3.png,1,train,,200,100,B",
    ]
    boxed, normal, unboxed = index_films_csv(
        make_table(tmp_path / "set", header=BOXES_HEADER, rows=rows)
    ).films
    assert boxed.boxes == ((50.0, 50.0, 100.0, 100.0),)
    assert [film.annotated for film in (boxed, normal, unboxed)] == [True, True, False]
    assert [film.source for film in (boxed, normal, unboxed)] == ["A", "A", "B"]


def test_a_table_without_boxes_annotates_no_film(tmp_path):
    folder = make_table(tmp_path / "set", header=HEADER, rows=["1.png,1,train", "2.png,0,train"])
    assert not any(film.annotated for film in index_films_csv(folder).films)


def test_films_of_unknown_label_are_left_out_and_counted(tmp_path):
    folder = make_table(tmp_path / "set", header=HEADER, rows=["1.png,1,train", "2.png,,train"])
    data_set = index_films_csv(folder)
    assert [film.name for film in data_set.films] == ["1.png"]
    assert data_set.left_out == 1


@pytest.mark.parametrize("row", [
    pytest.param('1.png,1,train,"[[0.25, 0.5, 0.5, 1.2]]",200,100,', id="outside the film"),
    pytest.param('1.png,1,train,"[[0.5, 0.5, 0.25, 1.0]]",200,100,', id="right before left"),
    pytest.param('1.png,1,train,"[0.25, 0.5, 0.5, 1.0]",200,100,', id="no list of boxes"),
    pytest.param('1.png,1,train,"[[0.25, 0.5, 0.5]]",200,100,', id="three edges"),
    pytest.param('1.png,1,train,"[[0.25, 0.5, 0.5, nan]]",200,100,', id="not a number"),
    pytest.param('1.png,1,train,"[[0.25, 0.5, 0.5, 1.0]]",,,', id="no size"),
    pytest.param("1.png,1,train,left hand,200,100,", id="text"),
])  # fmt: skip
def test_invalid_boxes_are_refused_with_their_line(tmp_path, row):
    folder = make_table(tmp_path / "set", header=BOXES_HEADER, rows=[row])
    with pytest.raises(RecipeError, match=r"line 2: write boxes as \[\[left, top, right, bottom"):
        index_films_csv(folder)


def test_boxes_on_a_film_without_a_fracture_are_refused(tmp_path):
    rows = ['1.png,0,train,"[[0.25, 0.5, 0.5, 1.0]]",200,100,']
    with pytest.raises(RecipeError, match=r"line 2: a film without a fracture has boxes"):
        index_films_csv(make_table(tmp_path / "set", header=BOXES_HEADER, rows=rows))


def test_another_csv_file_has_another_split_checksum(tmp_path):
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
def test_an_invalid_csv_file_is_refused_with_its_line(tmp_path, header, rows, message):
    folder = make_table(tmp_path / "set", header=header, rows=rows)
    with pytest.raises(RecipeError, match=message):
        index_films_csv(folder)


def test_an_error_message_contains_no_file_name_and_no_group(tmp_path):
    rows = ["miller_1950.png,1,val,miller", "miller_2.png,1,test,miller", "miller_3,1,test,miller"]
    for header, count in ((HEADER + ",group", 2), (HEADER + ",group", 3)):
        folder = make_table(tmp_path / "set", header=header, rows=rows[:count])
        with pytest.raises(RecipeError) as refusal:
            index_films_csv(folder)
        assert "miller" not in str(refusal.value)


def test_a_missing_films_csv_is_reported(tmp_path):
    with pytest.raises(RecipeError, match=r"films.csv is missing.*columns path, label and split"):
        index_films_csv(tmp_path)


# --- all of them


def make_films(name, folder, monkeypatch):
    """The training films of a small set in the layout of an adapter."""
    if name == "fracatlas":
        data, splits = make_fracatlas_with_split(folder, films=2)
        monkeypatch.setattr("train.data.index.SPLITS_FOLDER", splits)
        return ADAPTERS[name](data).split("train")
    if name == "csv":
        make_table(folder, header=HEADER, rows=["1.png,1,train", "2.png,0,train"])
    elif name == "combined":
        make_image_folder(folder / "wrists")
        (folder / "sets.toml").write_text(ONE_SET)
    else:
        {"image_folder": make_image_folder, "mura": make_mura, "grazpedwri": make_grazpedwri}[name](
            folder
        )
    return ADAPTERS[name](folder).split("train")


@pytest.mark.parametrize("name", list(ADAPTERS))
def test_films_of_every_adapter_are_decoded_as_in_the_app(tmp_path, monkeypatch, name):
    films = make_films(name, tmp_path, monkeypatch)
    cache = load_cached(films, size_px=64, folder=tmp_path / "cache")
    assert cache.films == films
    for film, square in zip(films, cache.squares[cache.rows], strict=True):
        radiograph = formats.read(film.path)
        assert radiograph.bits == (16 if name == "grazpedwri" else 8)
        assert np.array_equal(square, letterbox(radiograph, size_px=64))
        assert np.ptp(square) > 150  # 12-bit values in a 16-bit file are scaled


@pytest.mark.parametrize("name", list(ADAPTERS))
def test_indexing_decodes_no_film(tmp_path, monkeypatch, name):
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
