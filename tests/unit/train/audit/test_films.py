"""Films to audit: folders, CSV files, and families by file name."""

from pathlib import Path

import pytest

from bonefx.errors import RecipeError
from bonefx.films.discs.film_files import FILM_SUFFIXES
from tests.fixtures.duplicate_films import make_square, write_image
from train.audit.films import AuditFilm, list_films
from train.audit.matching.file_names import name_families
from train.cli import main


def films_named(*names, label=""):
    return [AuditFilm(path=Path(name), name=name, label=label) for name in names]


@pytest.mark.parametrize(
    ("names", "families"),
    [
        pytest.param(["81-rotated3 - Copy (1).jpg", "81-rotated1.jpg"], 1, id="copies"),
        pytest.param(["81.jpg", "81-rotated1.jpg"], 1, id="a copy and its source"),
        pytest.param(["train/f/9_flip.png", "test/f/9_aug2.png"], 1, id="across splits"),
        pytest.param(["f/9_flip.png", "n/9_flip.png"], 0, id="other folders"),
        pytest.param(["f/9_flip.png", "f/8_flip.png"], 0, id="other sources"),
        pytest.param(["81.jpg", "81 (1).jpg"], 0, id="a counter says nothing"),
        pytest.param(["IMG1.jpg", "IMG2.jpg", "IMG10.jpg"], 0, id="numbers"),
        pytest.param(["spirit.jpg", "spi.jpg", "copy.jpg", "- Copy.jpg"], 0, id="look-alikes"),
    ],
)
def test_only_suffixes_of_derived_files_form_a_name_family(names, families):
    assert len(set(name_families(films_named(*names))) - {""}) == families


def test_with_two_possible_sources_neither_joins_the_name_family():
    names = ["81.jpg", "81 (1).jpg", "81-rotated1.jpg", "81-rotated2.jpg"]
    assert [bool(family) for family in name_families(films_named(*names))] == [
        False,
        False,
        True,
        True,
    ]


def test_labels_are_read_from_a_deeper_tree_and_other_files_are_ignored(tmp_path):
    for folder in ("Fractured", "Non_fractured"):
        write_image(tmp_path / "images" / folder / "1.jpg", make_square(1))
    (tmp_path / "dataset.csv").write_text("image_id,fractured")
    (tmp_path / "README").write_text("text")
    films = list_films(tmp_path).films
    assert [film.label for film in films] == ["fracture", "no_fracture"]


def test_files_with_the_suffixes_of_films_and_gif_files_are_audited(tmp_path):
    names = sorted(f"{suffix[1:]}{suffix.upper()}" for suffix in {*FILM_SUFFIXES, ".gif"})
    for name in [*names, "notes.txt"]:
        (tmp_path / name).write_bytes(b"damaged")
    assert [film.name for film in list_films(tmp_path).films] == names


def test_a_csv_of_file_names_may_list_excluded_films_that_are_missing(tmp_path):
    write_image(tmp_path / "films" / "deep" / "1.jpg", make_square(1))
    table = tmp_path / "splits.csv"
    table.write_text("image,label,split\n1.jpg,fracture,train\n2.jpg,no_fracture,holdout\n")
    listing = list_films(tmp_path / "films", table)
    assert [(film.name, film.label, film.split) for film in listing.films] == [
        ("deep/1.jpg", "fracture", "train")
    ]
    assert listing.missing == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("a,b\n1,2\n", "needs the columns path", id="columns"),
        pytest.param("path,label,split\n1.jpg,maybe,train\n", "write fracture or", id="label"),
        pytest.param("path,label,split\nno.jpg,1,train\n", "line 2.*check the path", id="missing"),
    ],
)
def test_an_invalid_csv_is_refused_with_a_remedy(tmp_path, content, message):
    write_image(tmp_path / "films" / "1.jpg", make_square(1))
    (tmp_path / "splits.csv").write_text(content)
    with pytest.raises(RecipeError, match=message):
        list_films(tmp_path / "films", tmp_path / "splits.csv")


def test_a_folder_that_is_missing_or_empty_is_refused_with_a_remedy(tmp_path, capsys):
    assert main(["audit", str(tmp_path / "nowhere")]) == RecipeError.exit_code
    assert "name the folder that holds the films" in capsys.readouterr().err
    assert main(["audit", str(tmp_path)]) == RecipeError.exit_code
    assert "no film was found" in capsys.readouterr().err
