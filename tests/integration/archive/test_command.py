"""The command `bonefx archive` with workers in this process: options, output, exit codes."""

import pytest

pytest.importorskip("ray", reason="bonefx[archive] is not installed")

import json
from functools import partial

import bonefx.archive.run
from bonefx.archive.cluster import connected
from bonefx.cli.archive import progress_line
from bonefx.cli.parser import main
from bonefx.errors import SettingsError
from tests.fixtures.archives import make_pool_settings, pool_here, rows_of, write_films
from tests.fixtures.image_files import PATIENT_NAME


@pytest.fixture(autouse=True)
def workers_here(monkeypatch):
    here = partial(bonefx.archive.run.read_archive, make_pool=pool_here())
    monkeypatch.setattr(bonefx.archive.run, "read_archive", here)


@pytest.fixture
def films(tmp_path):
    return write_films(tmp_path / "films", films=3)


@pytest.fixture
def archive(capsys, weights, films, tmp_path):
    """Run the command; gives exit code, parsed lines, and what people were told."""

    def run(*arguments):
        options = ("--out", tmp_path / "out", "--weights", weights, "--engine", "torch")
        code = main([str(argument) for argument in ("archive", films, *options, *arguments)])
        told = capsys.readouterr()
        return code, [json.loads(line) for line in told.out.splitlines()], told.err

    return run


def test_one_json_line_counts_the_films(archive):
    code, lines, told = archive()
    assert code == 0
    (line,) = lines
    assert (line["model"], line["point"], line["films"], line["errors"]) == (
        "tiny",
        "balanced",
        3,
        0,
    )
    assert sum(line["verdicts"].values()) == 3
    assert line["films_per_s"] > 0
    assert "bonefx: 3 of 3 files, " in told
    assert PATIENT_NAME not in told


def test_a_bad_film_ends_no_run_and_gives_the_exit_code_of_the_worklist(archive, films):
    (films / "bad.png").write_bytes(b"no film")
    code, (line,), _ = archive()
    assert code == 3
    assert (line["films"], line["errors"]) == (4, 1)
    code, (line,), _ = archive()
    assert code == 3  # of all rows, whichever run wrote them
    assert (line["errors"], line["read_now"]) == (1, 0)


def test_changes_and_points_are_those_of_the_options(archive, tmp_path):
    archive("--point", "screening", "--turn", "90", "--mirror")
    rows = rows_of(tmp_path / "out")
    assert {(row["point"], row["turned_degrees"], row["mirrored"]) for row in rows} == {
        ("screening", 90, True)
    }


def test_another_point_into_the_same_folder_ends_with_a_sentence(archive):
    archive()
    code, lines, told = archive("--point", "screening")
    assert (code, lines) == (2, [])
    assert "results of another operating point" in told


def test_names_are_hashed_with_the_key_of_a_file(archive, tmp_path):
    code, _, _ = archive("--hash-names", tmp_path / "key")
    assert code == 0
    assert all(len(row["film"]) == 64 for row in rows_of(tmp_path / "out"))
    assert (tmp_path / "key").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["--point", "lenient"], 2, "lenient", id="unknown point"),
        pytest.param(["--model", "none"], 4, "manifest.json is missing", id="unknown model"),
        pytest.param(["--turn", "90", "--device", "toaster"], 2, "toaster", id="unknown device"),
    ],
)
def test_wrong_options_end_with_a_sentence(archive, arguments, code, message):
    found, lines, told = archive(*arguments)
    assert (found, lines) == (code, [])
    assert message in told
    assert "Traceback" not in told


def test_a_model_is_found_by_a_path_too(archive, weights):
    code, (line,), _ = archive("--model", weights / "tiny")
    assert (code, line["model"]) == (0, "tiny")


def test_a_run_that_is_stopped_by_hand_says_that_it_can_go_on(archive, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(bonefx.archive.run, "read_archive", stop)
    code, lines, told = archive()
    assert (code, lines) == (130, [])
    assert "the same command goes on" in told


def test_an_address_without_ray_is_refused_at_once():
    pool = make_pool_settings(address="127.0.0.1:1")
    with pytest.raises(SettingsError, match=r"no Ray at 127\.0\.0\.1:1"), connected(pool):
        pass


def test_progress_names_files_and_films_by_second():
    progress = bonefx.archive.run.Progress(files=300, of_files=1000, films=120, elapsed_s=60)
    assert progress_line(progress) == "bonefx: 300 of 1000 files, 2.00 films/s"
