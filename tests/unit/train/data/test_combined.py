"""Several data sets as one, with their sources."""

import cv2
import numpy as np
import pytest

from bonefx.errors import RecipeError
from tests.fixtures.datasets import make_labelled_pixels
from train.data import load_data
from train.data.index import DataSource, join_titles

SETS = """
name = "Two hospitals"

[[sets]]
folder = "first"
layout = "image_folder"
source = "north"

[[sets]]
folder = "second"
layout = "csv"

[sources.north]
title = "North"
licence = "CC BY 4.0"

[sources.south]
title = "South"
licence = "research use only"
address = "doi 1"
"""


def make_sets(folder, text=SETS):
    """An image folder of one source, and a table whose rows name another."""
    pixels, _ = make_labelled_pixels(True, seed=0)
    _, png = cv2.imencode(".png", np.array(pixels))
    for split in ("train", "val"):
        for name in ("fractured", "not fractured"):
            place = folder / "first" / split / name
            place.mkdir(parents=True)
            (place / "1.png").write_bytes(png.tobytes())
    (folder / "second").mkdir()
    (folder / "second" / "1.png").write_bytes(png.tobytes())
    table = "path,label,split,group,source\n1.png,1,train,a,south\n"
    (folder / "second" / "films.csv").write_text(table)
    (folder / "sets.toml").write_text(text)
    return folder


def test_all_films_have_a_source_and_names_and_groups_of_their_set(tmp_path):
    data_set = load_data("combined", make_sets(tmp_path))
    assert data_set.name == "Two hospitals"
    assert {film.source for film in data_set.films} == {"north", "south"}
    (south,) = (film for film in data_set.films if film.source == "south")
    assert (south.name, south.group) == ("second/1.png", "second/a")
    assert south.path.is_file()
    assert data_set.licence == "North: CC BY 4.0; South: research use only"
    assert data_set.sources["south"].address == "doi 1"


def test_the_films_of_named_sources_can_be_chosen(tmp_path):
    data_set = load_data("combined", make_sets(tmp_path), sources=["north"])
    assert {film.source for film in data_set.films} == {"north"}
    assert list(data_set.sources) == ["north"]
    with pytest.raises(RecipeError, match=r"no source 'west'; it has north, south"):
        load_data("combined", tmp_path, sources=["west"])


def test_the_checksum_changes_with_the_split_of_any_set(tmp_path):
    folder = make_sets(tmp_path)
    before = load_data("combined", folder).split_sha256
    table = folder / "second" / "films.csv"
    table.write_text(table.read_text().replace("train", "val"))
    after_table = load_data("combined", folder).split_sha256
    (folder / "first" / "val" / "fractured" / "1.png").rename(
        folder / "first" / "train" / "fractured" / "2.png"
    )
    after_folder = load_data("combined", folder).split_sha256
    assert len({before, after_table, after_folder}) == 3


@pytest.mark.parametrize(("old", "new", "message"), [
    ("[sources.south]", "[sources.east]", r"source 'south', which sets.toml does not describe"),
    ('folder = "second"', 'folder = "../second"', r"a folder outside of its own"),
    ('layout = "csv"', 'layout = "dicom"', r"no data layout 'dicom'"),
    ('name = "Two hospitals"', "", r"sets.toml.*name"),
    ("[[sets]]", "[[sets", r"sets.toml is not TOML"),
])  # fmt: skip
def test_an_invalid_table_is_refused(tmp_path, old, new, message):
    with pytest.raises(RecipeError, match=message):
        load_data("combined", make_sets(tmp_path, SETS.replace(old, new)))


def test_a_folder_without_sets_toml_is_refused(tmp_path):
    with pytest.raises(RecipeError, match=r"--data has no sets.toml"):
        load_data("combined", tmp_path)


def test_a_split_file_for_several_sets_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="take no --splits"):
        load_data("combined", make_sets(tmp_path), tmp_path / "splits.csv")


def test_films_without_a_source_are_refused(tmp_path):
    text = SETS.replace('layout = "image_folder"\nsource = "north"', 'layout = "image_folder"')
    with pytest.raises(RecipeError, match="films have no source; give their table a column"):
        load_data("combined", make_sets(tmp_path, text))


def test_some_sources_of_a_set_have_their_own_name(tmp_path):
    data_set = load_data("combined", make_sets(tmp_path))
    assert data_set.of_sources(["south"]).name == "South"
    assert data_set.of_sources(["north", "south"]).name == "Two hospitals"


def test_many_sources_are_named_after_the_first_and_their_number():
    sources = [
        DataSource(title=title, licence="", address="", split_sha256=None)
        for title in ("North", "South", "East")
    ]
    assert join_titles(sources) == "North and 2 other collections"
    assert join_titles(sources[:2]) == "North and South"


def test_the_shipped_table_of_several_sources_is_valid(tmp_path):
    from train.data import SPLITS_FOLDER
    from train.data.adapters.combined import index_combined
    from train.data.index import DataSet

    text = (SPLITS_FOLDER / "several_sources.toml").read_text()
    (tmp_path / "sets.toml").write_text(text)
    empty = DataSet(name="", licence="", source="", split_sha256=None, films=())
    assert len(index_combined(tmp_path, lambda layout, folder: empty).sources) == 6
