"""The leakage audit on small synthetic trees with planted faults."""

import csv
import json
import shutil
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from bonefx.errors import RecipeError
from train.audit.cli import render_audits
from train.audit.films import AuditFilm, list_films
from train.audit.matching.file_names import name_families
from train.audit.matching.pairs import Fingerprints, find_candidate_pairs
from train.audit.records import AUDIT_FILE, read_audit
from train.audit.run import audit_folder
from train.cli import main
from train.data.adapters.films_csv import index_csv

ROOT = Path(__file__).parents[4]


def make_square(seed, side=144):
    """A bright shape with its own grain on a dark ground, (side, side) uint8."""
    random = np.random.default_rng(seed)
    pixels = np.zeros((side, side))
    for blur, weight in ((3, 0.5), (8, 1.0), (20, 2.0)):
        grain = cv2.GaussianBlur(random.standard_normal((side, side)), (0, 0), blur)
        pixels += weight * grain / grain.std()
    pixels = (pixels - pixels.min()) / np.ptp(pixels)
    rows, columns = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    return np.rint(255 * pixels * (np.hypot(rows, columns) < 0.9)).astype(np.uint8)


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)
    return path


def turned(pixels, angle):
    side = len(pixels)
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2,) * 2, angle, 1)
    return cv2.warpAffine(pixels, matrix, (side, side))


def make_clean(folder, films=6):
    """Different films of both classes in three splits."""
    for split_index, split in enumerate(("train", "val", "test")):
        for label, name in enumerate(("not fractured", "fractured")):
            for index in range(films):
                seed = 1000 * split_index + 100 * label + index
                write(folder / split / name / f"film{seed}.png", make_square(seed))
    return folder


def make_leaky(folder):
    """A clean set with two byte duplicates, two turned copies, a conflict and a truncated film."""
    make_clean(folder)
    train, test = folder / "train", folder / "test"
    for seed, name in ((0, "a.png"), (1, "b.png")):
        shutil.copy(train / "not fractured" / f"film{seed}.png", test / "not fractured" / name)
    for seed, angle in ((100, 3), (101, -10)):
        write(test / "fractured" / f"turned{seed}.png", turned(make_square(seed), angle))
    write(folder / "val" / "fractured" / "opposed.png", turned(make_square(2), 6))
    jpeg = write(train / "fractured" / "cut.jpg", make_square(9999))
    jpeg.write_bytes(jpeg.read_bytes()[: int(jpeg.stat().st_size * 0.8)])
    return folder


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def leaky(tmp_path_factory):
    """The leaky set, its audit and the folder of its reports."""
    folder = tmp_path_factory.mktemp("leaky")
    films = make_leaky(folder / "films")
    return films, audit_folder(films, out=folder / "out"), folder / "out"


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean")
    return audit_folder(make_clean(folder / "films"), out=folder / "out"), folder / "out"


def test_different_films_give_no_finding(clean):
    audit, out = clean
    assert rows_of(out / "findings.csv") == []
    assert audit.films == audit.distinct == 36
    assert audit.together.films == audit.conflicts.films == 0
    assert audit.unreadable == audit.odd == ()


def test_different_films_are_all_split_with_all_three_splits_used(clean):
    _, out = clean
    rows = rows_of(out / "splits.csv")
    assert len(rows) == 36
    assert {row["split"] for row in rows} == {"train", "val", "test"}


def test_planted_byte_duplicates_are_found_and_counted_by_split(leaky):
    _, audit, _ = leaky
    assert audit.byte_duplicates.groups == 2
    assert audit.byte_duplicates.crossing("test", "train") == 2
    assert audit.byte_duplicates.crossing("train", "test") == 2
    assert audit.byte_duplicates.within == 0
    assert audit.distinct == audit.films - 2


def test_turned_copies_are_found_and_nothing_else_is(leaky):
    _, audit, out = leaky
    pairs = {
        frozenset((Path(row["path"]).name, Path(row["other"]).name))
        for row in rows_of(out / "findings.csv")
        if row["kind"] == "near_duplicate"
    }
    expected = [("film100", "turned100"), ("film101", "turned101"), ("film2", "opposed")]
    assert pairs == {frozenset(f"{name}.png" for name in pair) for pair in expected}
    assert audit.near_duplicates.groups == 5  # with the two byte duplicates


@pytest.mark.parametrize("angle", [-45, -10, -3, 3, 10, 45, 90, 180, 270])
def test_a_film_and_its_turned_copy_are_one(tmp_path, angle):
    make_clean(tmp_path / "films", films=1)
    copy = make_square(0) if angle == 0 else turned(make_square(0), angle)
    write(tmp_path / "films" / "test" / "fractured" / "copy.png", copy)
    assert audit_folder(tmp_path / "films", out=tmp_path / "out").near_duplicates.groups == 1


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda film: film[:, ::-1], id="mirrored"),
        pytest.param(lambda film: cv2.resize(film, (240, 120)), id="squeezed"),
        pytest.param(lambda film: cv2.resize(film, (72, 72)), id="smaller"),
        pytest.param(lambda film: (film * 0.6 + 40).astype(np.uint8), id="paler"),
    ],
)
def test_a_film_and_its_changed_copy_are_one(tmp_path, changed):
    make_clean(tmp_path / "films", films=1)
    write(tmp_path / "films" / "copy.png", changed(make_square(0)))
    assert audit_folder(tmp_path / "films", out=tmp_path / "out").near_duplicates.groups == 1


def test_labels_in_conflict_are_found_and_left_out_of_the_split(leaky):
    _, audit, out = leaky
    assert (audit.conflicts.groups, audit.conflicts.films) == (1, 2)
    names = {Path(row["path"]).name for row in rows_of(out / "splits.csv")}
    assert not names & {"film2.png", "opposed.png"}


def test_a_truncated_film_is_named_and_left_out_of_the_split(leaky):
    _, audit, out = leaky
    assert [count.films for count in audit.unreadable] == [1]
    bad = [row for row in rows_of(out / "findings.csv") if row["kind"] == "unreadable"]
    assert [row["path"] for row in bad] == ["train/fractured/cut.jpg"]
    assert "copy it again" in bad[0]["detail"]
    assert "train/fractured/cut.jpg" not in {row["path"] for row in rows_of(out / "splits.csv")}


def test_a_truncated_film_is_still_recognised(tmp_path):
    films = make_clean(tmp_path / "films", films=1)
    whole = write(films / "train" / "fractured" / "whole.jpg", make_square(50))
    cut = films / "test" / "fractured" / "cut.jpg"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.93)])
    audit = audit_folder(films, out=tmp_path / "out")
    assert audit.near_duplicates.crossing("test", "train") == 1


def test_the_proposed_split_cuts_no_group_and_lists_no_bytes_twice(leaky):
    films, _, out = leaky
    rows = rows_of(out / "splits.csv")
    splits = defaultdict(set)
    for row in rows:
        splits[row["group"]].add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    assert len({(films / row["path"]).read_bytes() for row in rows}) == len(rows)
    place = {Path(row["path"]).name: row for row in rows}
    assert place["film100.png"]["split"] == place["turned100.png"]["split"]
    assert place["film100.png"]["group"] == place["turned100.png"]["group"]


def test_the_proposed_split_keeps_the_owner_s_groups_together(tmp_path):
    films = make_clean(tmp_path / "films", films=4)
    table = tmp_path / "splits.csv"
    lines = ["path,label,split,group"]
    for index, path in enumerate(sorted(films.rglob("*.png"))):
        name = path.relative_to(films).as_posix()
        lines.append(f"{name},{index % 2},{name.split('/')[0]},patient{index // 3}")
    table.write_text("\n".join(lines))
    audit = audit_folder(films, splits=table, out=tmp_path / "out")
    assert (audit.together.groups, audit.largest_group) == (8, 3)
    splits = defaultdict(set)
    for row in rows_of(tmp_path / "out" / "splits.csv"):
        splits[row["group"]].add(row["split"])
    assert len(splits) == 8
    assert all(len(found) == 1 for found in splits.values())


def test_hash_lookup_and_nearest_neighbour_give_copies_away(tmp_path):
    films = make_clean(tmp_path / "films")
    for name in ("fractured", "not fractured"):
        shutil.rmtree(films / "test" / name)
        shutil.copytree(films / "train" / name, films / "test" / name)
    baselines = audit_folder(films, out=tmp_path / "out").baselines
    assert baselines.hash_lookup.value == baselines.nearest.value == 1
    assert baselines.majority.value == 0.5
    assert baselines.nearest_other_group.value < 0.9
    assert baselines.nearest_other_group.n == 12


def test_baselines_of_a_set_without_splits_ask_each_film_about_the_others(tmp_path):
    for label in ("fractured", "normal"):
        for index in range(3):
            write(tmp_path / "films" / label / f"{index}.png", make_square(index))
    baselines = audit_folder(tmp_path / "films", out=tmp_path / "out").baselines
    assert (baselines.trained_on, baselines.nearest.n) == ("all", 6)
    assert baselines.nearest.value == 0  # the byte-identical copy of each film has the other label


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
def test_names_make_a_family_only_where_a_suffix_says_so(names, families):
    assert len(set(name_families(films_named(*names))) - {""}) == families


def test_of_two_possible_sources_neither_joins_the_family_by_name():
    names = ["81.jpg", "81 (1).jpg", "81-rotated1.jpg", "81-rotated2.jpg"]
    assert [bool(family) for family in name_families(films_named(*names))] == [
        False,
        False,
        True,
        True,
    ]


def test_a_deeper_tree_gives_labels_and_ignores_other_files(tmp_path):
    for folder in ("Fractured", "Non_fractured"):
        write(tmp_path / "images" / folder / "1.jpg", make_square(1))
    (tmp_path / "dataset.csv").write_text("image_id,fractured")
    (tmp_path / "README").write_text("text")
    films = list_films(tmp_path).films
    assert [film.label for film in films] == ["fracture", "no_fracture"]


def test_a_csv_of_bare_names_may_name_excluded_films_that_are_not_there(tmp_path):
    write(tmp_path / "films" / "deep" / "1.jpg", make_square(1))
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
def test_a_csv_that_does_not_fit_is_refused_with_a_remedy(tmp_path, content, message):
    write(tmp_path / "films" / "1.jpg", make_square(1))
    (tmp_path / "splits.csv").write_text(content)
    with pytest.raises(RecipeError, match=message):
        list_films(tmp_path / "films", tmp_path / "splits.csv")


def test_a_folder_that_is_missing_or_empty_is_refused_with_a_remedy(tmp_path, capsys):
    assert main(["audit", str(tmp_path / "nowhere")]) == RecipeError.exit_code
    assert "name the folder that holds the films" in capsys.readouterr().err
    assert main(["audit", str(tmp_path)]) == RecipeError.exit_code
    assert "no film was found" in capsys.readouterr().err


def test_an_audit_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / AUDIT_FILE).write_text('{"films": 3}')
    with pytest.raises(RecipeError, match="run the audit again"):
        read_audit(tmp_path / AUDIT_FILE)


def test_the_figures_name_no_film(leaky):
    films, audit, out = leaky
    assert read_audit(out / AUDIT_FILE) == audit
    text = (out / AUDIT_FILE).read_text()
    names = [path.name for path in films.rglob("*.*")]
    assert len(names) == 42
    assert not [name for name in names if f'{name}"' in text]


def test_the_page_shows_conflicts_first_and_escapes_names(tmp_path):
    films = make_clean(tmp_path / "films", films=1)
    for split, folder in (("train", "fractured"), ("val", "not fractured")):
        write(films / split / folder / "a<b>.png", make_square(7))
    audit_folder(films, out=tmp_path / "out")
    page = (tmp_path / "out" / "audit.html").read_text()
    assert page.index("Labels in conflict</h2>") < page.index("Near-duplicates across splits</h2>")
    assert page.count("data:image/png;base64,") >= 2
    assert "a&lt;b&gt;.png" in page
    assert "a<b>" not in page


def test_audits_are_rendered_as_one_table_with_sets_as_columns(leaky, clean):
    table = render_audits([leaky[1], clean[0]]).splitlines()
    assert {line.count("|") for line in table} == {4}
    assert any("byte-identical" in line and "2 of 16" in line for line in table)


KILLED = """
import os, signal, sys
from pathlib import Path
from train.audit.matching import pairs, scan, store
from train.audit.run import audit_folder

scan.FILMS_PER_TRANSACTION = pairs.PAIRS_PER_TRANSACTION = 4
keep, calls = getattr(store.FingerprintStore, sys.argv[1]), []

def keep_then_die(self, *found):
    keep(self, *found)
    calls.append(found)
    if len(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

setattr(store.FingerprintStore, sys.argv[1], keep_then_die)
audit_folder(Path(sys.argv[3]), out=Path(sys.argv[4]))
"""


@pytest.mark.parametrize(("step", "calls"), [("save_films", 3), ("save_comparisons", 1)])
def test_a_killed_audit_goes_on_and_ends_as_an_unbroken_one(leaky, tmp_path, step, calls):
    films, _, unbroken = leaky
    command = [sys.executable, "-c", KILLED, step, str(calls), str(films), str(tmp_path)]
    died = subprocess.run(command, cwd=ROOT, check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert not (tmp_path / AUDIT_FILE).exists()
    audit_folder(films, out=tmp_path)
    for name in (AUDIT_FILE, "findings.csv", "splits.csv", "audit.html"):
        assert (tmp_path / name).read_bytes() == (unbroken / name).read_bytes(), name


def test_a_second_audit_decodes_no_film_again_but_sees_a_changed_one(tmp_path, monkeypatch):
    films = make_clean(tmp_path / "films", films=1)
    audit_folder(films, out=tmp_path / "out")
    decoded = []
    from train.audit.matching import scan

    take = scan.compute_fingerprint
    monkeypatch.setattr(scan, "compute_fingerprint", lambda data: decoded.append(1) or take(data))
    audit_folder(films, out=tmp_path / "out")
    assert decoded == []
    write(films / "train" / "fractured" / "film100.png", make_square(77, side=150))
    audit_folder(films, out=tmp_path / "out")
    assert decoded == [1]


def test_films_without_contrast_are_not_taken_for_each_other():
    flat = Fingerprints(
        ["a", "b"],
        np.zeros((2, 23), np.uint64),
        np.zeros((2, 32, 32), np.uint8),
        np.ones((2, 32, 32), bool),
    )
    assert find_candidate_pairs(flat) == []


def test_the_command_prints_the_figures_for_programs(tmp_path, capsys):
    films = make_clean(tmp_path / "films", films=1)
    assert main(["audit", str(films), "--out", str(tmp_path / "out")]) == 0
    assert json.loads(capsys.readouterr().out)["films"] == 6
    assert main(["audit-table", str(tmp_path / "out" / AUDIT_FILE)]) == 0
    assert "| films |" in capsys.readouterr().out


def test_training_can_read_the_proposed_split(leaky):
    films, _, out = leaky
    read = index_csv(films, out / "splits.csv")
    assert len(read.films) == len(rows_of(out / "splits.csv"))
    assert sum(film.fractured for film in read.films) > 10
