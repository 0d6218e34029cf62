"""The leakage audit on small synthetic folders with planted faults."""

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
from tests.fixtures.duplicate_films import make_clean, make_leaky, make_square, rotated, write_image
from train.audit.matching.pairs import Fingerprints, find_candidate_pairs
from train.audit.records import AUDIT_FILE, read_audit
from train.audit.run import audit_folder
from train.audit.table import render_audits
from train.cli import main
from train.data.adapters.films_csv import index_csv

ROOT = Path(__file__).parents[2]


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


def test_exactly_the_rotated_copies_are_found(leaky):
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
def test_a_film_and_its_rotated_copy_are_near_duplicates(tmp_path, angle):
    make_clean(tmp_path / "films", films=1)
    copy = make_square(0) if angle == 0 else rotated(make_square(0), angle)
    write_image(tmp_path / "films" / "test" / "fractured" / "copy.png", copy)
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
def test_a_film_and_its_changed_copy_are_near_duplicates(tmp_path, changed):
    make_clean(tmp_path / "films", films=1)
    write_image(tmp_path / "films" / "copy.png", changed(make_square(0)))
    assert audit_folder(tmp_path / "films", out=tmp_path / "out").near_duplicates.groups == 1


def test_labels_in_conflict_are_found_and_excluded_from_the_split(leaky):
    _, audit, out = leaky
    assert (audit.conflicts.groups, audit.conflicts.films) == (1, 2)
    names = {Path(row["path"]).name for row in rows_of(out / "splits.csv")}
    assert not names & {"film2.png", "opposed.png"}


def test_a_truncated_film_is_named_and_excluded_from_the_split(leaky):
    _, audit, out = leaky
    assert [count.films for count in audit.unreadable] == [1]
    bad = [row for row in rows_of(out / "findings.csv") if row["kind"] == "unreadable"]
    assert [row["path"] for row in bad] == ["train/fractured/cut.jpg"]
    assert "copy it again" in bad[0]["detail"]
    assert "train/fractured/cut.jpg" not in {row["path"] for row in rows_of(out / "splits.csv")}


def test_a_truncated_film_is_still_recognised(tmp_path):
    films = make_clean(tmp_path / "films", films=1)
    whole = write_image(films / "train" / "fractured" / "whole.jpg", make_square(50))
    cut = films / "test" / "fractured" / "cut.jpg"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.93)])
    audit = audit_folder(films, out=tmp_path / "out")
    assert audit.near_duplicates.crossing("test", "train") == 1


def test_the_proposed_split_keeps_groups_together_and_has_no_byte_duplicates(leaky):
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


def test_hash_lookup_and_nearest_neighbour_reveal_copies(tmp_path):
    films = make_clean(tmp_path / "films")
    for name in ("fractured", "not fractured"):
        shutil.rmtree(films / "test" / name)
        shutil.copytree(films / "train" / name, films / "test" / name)
    baselines = audit_folder(films, out=tmp_path / "out").baselines
    assert baselines.hash_lookup.value == baselines.nearest.value == 1
    assert baselines.majority.value == 0.5
    assert baselines.nearest_other_group.value < 0.9
    assert baselines.nearest_other_group.n == 12


def test_baselines_of_a_set_without_splits_use_leave_one_out(tmp_path):
    for label in ("fractured", "normal"):
        for index in range(3):
            write_image(tmp_path / "films" / label / f"{index}.png", make_square(index))
    baselines = audit_folder(tmp_path / "films", out=tmp_path / "out").baselines
    assert (baselines.trained_on, baselines.nearest.n) == ("all", 6)
    assert baselines.nearest.value == 0  # the byte-identical copy of each film has the other label


def test_an_audit_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / AUDIT_FILE).write_text('{"films": 3}')
    with pytest.raises(RecipeError, match="run the audit again"):
        read_audit(tmp_path / AUDIT_FILE)


def test_audit_json_contains_no_file_name(leaky):
    films, audit, out = leaky
    assert read_audit(out / AUDIT_FILE) == audit
    text = (out / AUDIT_FILE).read_text()
    names = [path.name for path in films.rglob("*.*")]
    assert len(names) == 42
    assert not [name for name in names if f'{name}"' in text]


def test_the_page_shows_conflicts_first_and_escapes_names(tmp_path):
    films = make_clean(tmp_path / "films", films=1)
    for split, folder in (("train", "fractured"), ("val", "not fractured")):
        write_image(films / split / folder / "a<b>.png", make_square(7))
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
def test_a_killed_audit_resumes_with_the_result_of_an_uninterrupted_one(
    leaky, tmp_path, step, calls
):
    films, _, unbroken = leaky
    command = [sys.executable, "-c", KILLED, step, str(calls), str(films), str(tmp_path)]
    died = subprocess.run(command, cwd=ROOT, check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert not (tmp_path / AUDIT_FILE).exists()
    audit_folder(films, out=tmp_path)
    for name in (AUDIT_FILE, "findings.csv", "splits.csv", "audit.html"):
        assert (tmp_path / name).read_bytes() == (unbroken / name).read_bytes(), name


def test_a_second_audit_decodes_only_changed_films(tmp_path, monkeypatch):
    films = make_clean(tmp_path / "films", films=1)
    audit_folder(films, out=tmp_path / "out")
    decoded = []
    from train.audit.matching import scan

    take = scan.compute_fingerprint
    monkeypatch.setattr(scan, "compute_fingerprint", lambda data: decoded.append(1) or take(data))
    audit_folder(films, out=tmp_path / "out")
    assert decoded == []
    write_image(films / "train" / "fractured" / "film100.png", make_square(77, side=150))
    audit_folder(films, out=tmp_path / "out")
    assert decoded == [1]


def test_films_without_contrast_are_not_near_duplicates():
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
