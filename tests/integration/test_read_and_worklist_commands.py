"""The command line: one JSON line a film, exit codes, nothing lost."""

import csv
import json
import shutil
import zipfile

import cv2
import numpy as np
import pytest

from bonefx.cli.common import CLI_BATCH_FILMS
from bonefx.cli.parser import main
from bonefx.cli.read import METHOD_NAMES
from bonefx.heatmaps.methods import HEATMAP_METHODS
from bonefx.models.manifest import read_manifest
from bonefx.records import QUARTER_TURN_DEGREES
from tests.fixtures.evaluations import make_evaluation
from tests.fixtures.image_files import encode_image, make_pixels
from tests.fixtures.model_folders import make_model_folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    make_model_folder(folder)
    return folder


@pytest.fixture
def films(tmp_path):
    """A folder with three films of different sizes."""
    folder = tmp_path / "films"
    folder.mkdir()
    for index in range(3):
        pixels = make_pixels(100 + 20 * index, 90, seed=index)
        cv2.imwrite(str(folder / f"{index}.png"), np.rint(pixels * 255).astype(np.uint8))
    return folder


def run(capsys, *arguments):
    """Run the command; returns exit code, parsed lines, and what people were told."""
    code = main([str(argument) for argument in arguments])
    told = capsys.readouterr()
    return code, [json.loads(line) for line in told.out.splitlines()], told.err


def test_a_folder_gives_a_line_a_film_with_all_keys(capsys, weights, films):
    code, lines, _ = run(capsys, "read", films, "--weights", weights)
    assert code == 0
    assert [line["path"] for line in lines] == [str(films / f"{i}.png") for i in range(3)]
    expected = {
        "path", "sha256", "model", "weights_sha256", "verdict", "probability", "logit", "point",
        "threshold", "review_band", "heat_peak", "heat", "elapsed_s",
    }  # fmt: skip
    assert expected <= set(lines[0])
    assert lines[0]["model"] == "tiny"
    assert lines[0]["heat"] is None


def test_a_film_reads_the_same_alone_and_in_a_batch(capsys, weights, films):
    _, together, _ = run(capsys, "read", films, "--weights", weights)
    _, alone, _ = run(capsys, "read", films / "2.png", "--weights", weights)
    assert alone[0]["logit"] == pytest.approx(together[2]["logit"], abs=1e-5)


def test_more_films_than_a_batch_keep_their_order(capsys, weights, films):
    names = [f"{index:02}.png" for index in range(10, 10 + CLI_BATCH_FILMS)]
    for name in names:
        shutil.copy(films / "0.png", films / name)
    code, lines, _ = run(capsys, "read", films, "--weights", weights)
    assert code == 0
    assert [line["path"] for line in lines] == sorted(str(path) for path in films.iterdir())


def test_a_bad_film_is_a_line_with_its_error_and_the_run_goes_on(capsys, weights, films):
    (films / "1.png").write_bytes(b"no film")
    code, lines, _ = run(capsys, "read", films, "--weights", weights)
    assert code == 3
    assert [("error" in line) for line in lines] == [False, True, False]
    assert lines[1] == {"path": str(films / "1.png"), "error": lines[1]["error"]}
    assert "not an image" in lines[1]["error"]


def test_a_damaged_jpeg_is_read_only_if_that_is_asked_for_and_is_marked(capsys, weights, tmp_path):
    pixels = np.rint(make_pixels(256, 192) * 255).astype(np.uint8)
    whole = encode_image(pixels, "JPEG")
    film = tmp_path / "film.jpg"
    film.write_bytes(whole[: len(whole) * 2 // 3])
    code, lines, _ = run(capsys, "read", film, "--weights", weights)
    assert code == 3
    assert "bonefx read --damaged" in lines[0]["error"]
    code, lines, _ = run(capsys, "read", film, "--damaged", "--weights", weights)
    assert code == 0
    assert lines[0]["film_notes"][0]["code"] == "damaged"


def test_an_archive_is_read_film_by_film(capsys, weights, films, tmp_path):
    with zipfile.ZipFile(tmp_path / "disc.zip", "w") as archive:
        archive.writestr("in/4.png", (films / "0.png").read_bytes())
        archive.writestr("viewer.exe", b"MZ")
    code, lines, told = run(capsys, "read", tmp_path / "disc.zip", "--weights", weights)
    assert code == 0
    assert [line["path"] for line in lines] == [str(tmp_path / "disc.zip/in/4.png")]
    assert "1 other files left out" in told


def test_a_missing_film_is_a_line_too(capsys, weights, tmp_path):
    code, lines, _ = run(capsys, "read", tmp_path / "none.png", "--weights", weights)
    assert code == 3
    assert "no such file" in lines[0]["error"]


def test_documents_and_hidden_files_of_a_folder_are_left_out_and_counted(capsys, weights, films):
    for name in ("notes.md", "films.json", ".hidden.png"):
        (films / name).write_text("x")
    code, lines, told = run(capsys, "read", films, "--weights", weights)
    assert (code, len(lines)) == (0, 3)
    assert "3 other files left out" in told


def test_the_first_finding_holds_the_peak_of_the_map(capsys, weights, films, tmp_path):
    _, lines, _ = run(capsys, "read", films, "--weights", weights, "--heat", tmp_path)
    for line in lines:
        heat, finding = np.load(line["heat"]), line["findings"][0]
        top, left, bottom, right = finding["box"]
        assert (finding["number"], finding["evidence"]) == (1, pytest.approx(line["heat_peak"]))
        assert heat[top:bottom, left:right].max() == heat.max()
    _, without_maps, _ = run(capsys, "read", films, "--weights", weights)
    assert [line["findings"] for line in without_maps] == [[], [], []]


def test_a_map_by_another_method_has_its_own_name_and_no_peak_in_logits(
    capsys, weights, films, tmp_path
):
    arguments = ("read", films, "--weights", weights, "--heat", tmp_path)
    _, usual, _ = run(capsys, *arguments)
    code, lines, _ = run(capsys, *arguments, "--method", "eigen_cam")
    assert code == 0
    for before, line in zip(usual, lines, strict=True):
        assert line["probability"] == before["probability"]
        assert (line["heat_peak"], line["trust"], line["findings"]) == (None, None, [])
        assert line["heat"].endswith(".eigen_cam.npy")
        first, second = np.load(before["heat"]), np.load(line["heat"])
        assert first.shape == second.shape
        assert not np.allclose(first, second)


def test_the_map_of_a_turned_film_does_not_replace_that_of_the_film(
    capsys, weights, films, tmp_path
):
    arguments = ("read", films, "--weights", weights, "--heat", tmp_path)
    _, usual, _ = run(capsys, *arguments)
    _, turned, _ = run(capsys, *arguments, "--turn", 90)
    for before, after in zip(usual, turned, strict=True):
        assert after["heat"].endswith(".turned-90.npy")
        assert np.load(before["heat"]).shape == np.load(after["heat"]).shape[::-1]


def test_the_methods_offered_are_those_that_there_are():
    assert tuple(HEATMAP_METHODS) == METHOD_NAMES


def test_heat_maps_lie_on_the_films_own_grid(capsys, weights, films, tmp_path):
    heat = tmp_path / "maps"
    _, lines, _ = run(capsys, "read", films, "--weights", weights, "--heat", heat)
    maps = [np.load(line["heat"]) for line in lines]
    assert [map_.shape for map_ in maps] == [(100, 90), (120, 90), (140, 90)]
    assert all(map_.dtype == np.float32 and 0 <= map_.min() <= map_.max() <= 1 for map_ in maps)
    assert all(line["heat_peak"] > 0 for line in lines)


def test_a_map_below_the_floor_is_not_written(capsys, films, tmp_path):
    make_model_folder(tmp_path / "weights", heat_floor=1e9)
    code, lines, _ = run(
        capsys, "read", films, "--weights", tmp_path / "weights", "--heat", tmp_path / "maps"
    )
    assert code == 0
    assert all(line["heat"] is None and line["heat_peak"] > 0 for line in lines)


def test_an_operating_point_is_taken_by_name(capsys, weights, films):
    _, lines, _ = run(capsys, "read", films, "--weights", weights, "--point", "screening")
    assert {(line["point"], line["threshold"]) for line in lines} == {("screening", 0.2)}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["--point", "lenient"], 2, "lenient", id="unknown point"),
        pytest.param(["--device", "toaster"], 2, "toaster", id="unknown device"),
        pytest.param(["--model", "none"], 4, "manifest.json is missing", id="unknown model"),
    ],
)
def test_wrong_options_end_before_the_first_film(capsys, weights, films, arguments, code, message):
    found, lines, told = run(capsys, "read", films, "--weights", weights, *arguments)
    assert (found, lines) == (code, [])
    assert message in told
    assert "Traceback" not in told


def test_an_empty_weights_folder_is_said(capsys, films, tmp_path):
    code, _, told = run(capsys, "read", films, "--weights", tmp_path)
    assert code == 4
    assert "no model" in told


def test_usage_errors_exit_with_2(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["read"])
    assert stop.value.code == 2
    assert "PATH" in capsys.readouterr().err


@pytest.mark.parametrize("degrees", ["45", "-90", "360", "x"])
def test_a_turn_by_other_than_quarters_is_refused_before_anything_is_read(capsys, degrees):
    with pytest.raises(SystemExit) as stop:
        main(["read", "film.png", f"--turn={degrees}"])
    assert stop.value.code == 2
    assert "turn by 0, 90, 180 or 270 degrees" in capsys.readouterr().err


@pytest.mark.parametrize("degrees", QUARTER_TURN_DEGREES)
def test_a_film_is_turned_by_the_degrees_that_are_asked_for(capsys, weights, films, degrees):
    _, (line,), _ = run(capsys, "read", films / "0.png", "--turn", degrees, "--weights", weights)
    assert line["turned_degrees"] == degrees


def test_models_are_listed(capsys, weights):
    code, lines, _ = run(capsys, "models", "--weights", weights)
    assert code == 0
    assert lines[0]["model"] == "tiny"
    assert lines[0]["points"] == ["screening", "balanced", "specific"]


def test_a_worklist_takes_films_folders_and_archives(capsys, weights, films, tmp_path):
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("in/4.png", (films / "0.png").read_bytes())
        archive.writestr("notes.txt", "x")
    places = [films / "1.png", films, tmp_path / "more.zip"]
    code, lines, told = run(capsys, "worklist", *places, "--weights", weights)
    assert code == 0
    names = [films / "1.png", *sorted(films.iterdir()), tmp_path / "more.zip/in/4.png"]
    assert [line["film"] for line in lines] == [str(name) for name in names]
    assert [line["place"] for line in lines] == [1, 2, 3, 4, 5]
    assert [line["same_as"] for line in lines] == [None, None, 1, None, 2]
    assert "1 other files left out" in told


def test_a_worklist_reads_as_read_does(capsys, weights, films):
    _, alone, _ = run(capsys, "read", films, "--weights", weights, "--point", "screening")
    _, lines, _ = run(capsys, "worklist", films, "--weights", weights, "--point", "screening")
    for line, reading in zip(lines, alone, strict=True):
        assert line["probability"] == pytest.approx(reading["probability"], abs=1e-5)
        assert (line["verdict"], line["point"]) == (reading["verdict"], "screening")


def test_a_worklist_with_a_bad_film_writes_its_table_and_exits_with_3(
    capsys, weights, films, tmp_path
):
    (films / "1.png").write_bytes(b"no film")
    table = tmp_path / "list.csv"
    code, lines, _ = run(capsys, "worklist", films, "--weights", weights, "--csv", table)
    assert code == 3
    assert [line["error"] is None for line in lines] == [True, False, True]
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    by_urgency = sorted(lines, key=lambda line: line["urgency"])
    assert [row["place"] for row in rows] == [str(line["place"]) for line in by_urgency]


def test_a_table_that_cannot_be_written_ends_before_the_first_film(capsys, weights, films):
    code, lines, told = run(
        capsys, "worklist", films, "--weights", weights, "--csv", films / "none" / "list.csv"
    )
    assert (code, lines) == (2, [])
    assert "--csv file cannot be written" in told


@pytest.fixture
def memorising(tmp_path):
    """A folder with one model that was trained on its own test films."""
    folder = make_model_folder(tmp_path / "weights")
    table = make_evaluation(read_manifest(folder), in_training=491)
    (folder / "evaluation.json").write_text(json.dumps(table))
    return tmp_path / "weights"


@pytest.mark.parametrize("command", ["read", "worklist"])
def test_a_memorising_model_is_warned_of_once_and_in_every_line(
    capsys, memorising, weights, films, command
):
    _, lines, told = run(capsys, command, films, "--weights", memorising)
    assert told.count("Not for reading films: tiny was trained on 491 of its own 582") == 1
    assert [line["caution"][:21] for line in lines] == ["Not for reading films"] * 3
    _, lines, told = run(capsys, command, films, "--weights", weights)
    assert "Not for reading" not in told
    assert [line["caution"] for line in lines] == [None] * 3


def test_a_model_that_does_not_read_is_not_warned_of(capsys, memorising, films):
    make_model_folder(memorising, id="another", seed=1)
    _, lines, told = run(capsys, "read", films, "--weights", memorising)
    assert {line["model"] for line in lines} == {"another"}
    assert "Not for reading" not in told


def test_a_report_and_the_list_of_models_warn_of_it_too(capsys, memorising, films, tmp_path):
    command = ("report", films / "0.png", "--weights", memorising, "--out", tmp_path)
    for line in (*run(capsys, *command)[1], *run(capsys, "models", "--weights", memorising)[1]):
        assert line["caution"].startswith("Not for reading films")


def test_the_table_of_a_list_carries_the_warning(capsys, memorising, films, tmp_path):
    run(capsys, "worklist", films, "--weights", memorising, "--csv", tmp_path / "list.csv")
    with (tmp_path / "list.csv").open(encoding="utf-8-sig", newline="") as file:
        assert all(row["caution"].startswith("Not for reading") for row in csv.DictReader(file))
