"""Borders of real films: two with collimation borders, and sixty that must lose no bone."""

from __future__ import annotations

import csv
import tarfile
from pathlib import Path

import pytest
import torch

from benchmarks.exposed_field import MAX_LOSS, bone_pixels, field_pixels
from bonefx.films import formats
from bonefx.reading.reader import Reader
from bonefx.records import Verdict, turn_radiograph
from train.data import SPLITS_FOLDER

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
FILMS = 60
FIELDS = {"RG2_JLSL": (188, 1437), "RG3_JLSN": (443, 1252)}  # left and right edge, looked at


def existing(path):
    if not path.is_file():
        pytest.skip(f"no {path.name} in shared/data beside the repository")
    return path


@pytest.fixture(scope="module")
def validation_films():
    """Return films of the validation split of FracAtlas, evenly over the split."""
    tar_file = existing(DATA / "fracatlas.tar")
    with (SPLITS_FOLDER / "fracatlas.csv").open(encoding="utf-8") as table:
        names = [row["image"] for row in csv.DictReader(table) if row["split"] == "val"]
    wanted = set(names[:: max(1, len(names) // FILMS)][:FILMS])
    films = []
    with tarfile.open(tar_file) as tar:
        for member in tar:
            if Path(member.name).name in wanted:
                content = tar.extractfile(member)
                assert content is not None
                films.append(formats.read_bytes(content.read()))
    assert len(films) == len(wanted)
    return films


def test_films_lose_no_bone(validation_films):
    for film in validation_films:
        bone = bone_pixels(film.pixels)
        assert (bone & ~field_pixels(film)).sum() <= MAX_LOSS * bone.sum()


def test_most_films_have_no_border(validation_films):
    assert sum(film.field is not None for film in validation_films) <= 0.1 * FILMS


@pytest.mark.parametrize("name", FIELDS)
def test_collimation_borders_of_a_sample_are_cut(name):
    film = formats.read(existing(DATA / "dicom" / f"{name}.dcm"))
    left, right = FIELDS[name]
    assert (film.field.left, film.field.right) == (pytest.approx(left, abs=20),
                                                   pytest.approx(right, abs=20))  # fmt: skip
    assert (film.field.top, film.field.bottom) == (0, film.pixels.shape[0])


@pytest.mark.parametrize("model", ["efficientnet_b0", "vgg16"])
@pytest.mark.parametrize("name", FIELDS)
def test_a_sample_gets_a_verdict_and_a_map_inside_its_field(name, model):
    film = formats.read(existing(DATA / "dicom" / f"{name}.dcm"))
    reader = Reader.from_folder(device=torch.device("cpu"), ids=[model])
    reading = reader.read(film)
    assert reading.verdict is not Verdict.OUT_OF_SCOPE
    assert reading.field == film.field
    if reading.heat is not None:
        assert reading.heat.shape == film.pixels.shape
        assert not reading.heat[:, : film.field.left].any()
        assert not reading.heat[:, film.field.right :].any()
    assert reader.read(turn_radiograph(film, 2), heat=False).verdict is not Verdict.OUT_OF_SCOPE
