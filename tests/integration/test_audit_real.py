"""The audit finds what is known of two public data sets, if their archives are at hand."""

from __future__ import annotations

import csv
import hashlib
import tarfile
from collections import defaultdict
from pathlib import Path

import pytest

from tests.fixtures.datasets import read_shipped_split
from train.audit.films import list_films
from train.audit.matching.groups import count_duplicates, group_films
from train.audit.run import audit_folder

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def archive(name):
    """Return the archive of a data set, or skip the test."""
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"no {name} in shared/data beside the repository")
    return tarfile.open(path)


def test_most_test_files_of_the_kaggle_set_are_in_its_training_set(tmp_path):
    with archive("fmrxd.tar") as tar:
        tar.extractall(tmp_path, filter="data")
    (folder,) = {path.parent for path in tmp_path.rglob("test")}
    films = list_films(folder).films
    sha256 = [hashlib.sha256(film.path.read_bytes()).hexdigest() for film in films]
    found = count_duplicates(films, group_films(films, sha256, []).by_bytes)
    assert sum(film.split == "test" for film in films) == 506
    assert found.crossing("test", "train") == 491


def test_all_known_copies_with_opposite_labels_of_fracatlas_are_found(tmp_path):
    groups = defaultdict(list)
    for row in read_shipped_split():
        groups[row["near_duplicates"]].append(row)
    known = [rows for rows in groups.values() if len({row["label"] for row in rows}) > 1]
    assert len(known) == 8
    rows = [row for group in known for row in group]
    wanted = {row["image"] for row in rows}
    with archive("fracatlas.tar") as tar:
        members = [member for member in tar if Path(member.name).name in wanted]
        tar.extractall(tmp_path / "films", members=members, filter="data")
    table = tmp_path / "splits.csv"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    audit = audit_folder(tmp_path / "films", splits=table, out=tmp_path / "out")
    assert (audit.films, audit.conflicts.groups, audit.conflicts.films) == (17, 8, 17)
    assert sum(count.films for count in audit.unreadable) == 4
    assert audit.near_duplicates.groups == 8
