"""`bonefx report`: files named by checksum, one JSON line, and nothing lost or overwritten."""

import hashlib
import io
import json
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pypdf
import pytest

from bonefx.cli.parser import main
from bonefx.cli.report import FORM_NAMES
from bonefx.report import REPORT_FORMS
from tests.fixtures.dicom_files import make_dicom_of_study
from tests.fixtures.image_files import make_pixels
from tests.fixtures.model_folders import make_model_folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    make_model_folder(folder)
    return folder


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "Secret^Patient.png"
    cv2.imwrite(str(path), np.rint(make_pixels() * 255).astype(np.uint8))
    return path


@pytest.fixture
def dicom_film(tmp_path):
    path = tmp_path / "Secret^Patient.dcm"
    path.write_bytes(make_dicom_of_study())
    return path


def run(capsys, *arguments):
    """Run the command; returns exit code, parsed lines, and what people were told."""
    code = main(["report", *(str(argument) for argument in arguments)])
    told = capsys.readouterr()
    return code, [json.loads(line) for line in told.out.splitlines()], told.err


def text_in(line):
    """The reader's text in the JSON report that a line names."""
    return json.loads(Path(line["written"]["json"]).read_text(encoding="utf-8"))["text"]


def test_a_film_gives_pdf_and_json_named_by_its_checksum(capsys, weights, film, tmp_path):
    out = tmp_path / "reports"
    code, (line,), _ = run(capsys, film, "--weights", weights, "--out", out, "--text", "Prüfen")
    assert code == 0
    start = f"{hashlib.sha256(film.read_bytes()).hexdigest()[:16]}.tiny.balanced"
    assert line["written"] == {form: str(out / f"{start}.{form}") for form in ("pdf", "json")}
    assert sorted(path.name for path in out.iterdir()) == [f"{start}.json", f"{start}.pdf"]
    table = json.loads((out / f"{start}.json").read_text(encoding="utf-8"))
    assert table["text"] == "Prüfen"
    assert table["map"]["shown"] is True
    assert {**table["reading"], "path": line["path"], "written": line["written"]} == line
    page = pypdf.PdfReader(out / f"{start}.pdf").pages[0]
    assert "Prüfen" in page.extract_text()
    assert line["sha256"] in page.extract_text()


def test_reports_of_a_changed_film_do_not_take_the_names_of_others(capsys, weights, film, tmp_path):
    out = tmp_path / "reports"
    arguments = (film, "--weights", weights, "--out", out, "--forms", "json")
    changes = ((), ("--turn", 90), ("--crop", 0, 0, 90, 80), ("--mirror", "--invert"))
    for change in changes:
        assert run(capsys, *arguments, *change)[0] == 0
    endings = {path.name.partition(".balanced")[2] for path in out.iterdir()}
    assert endings == {
        ".json", ".turned-90.json", ".crop-0-0-90-80.json", ".mirrored.inverted.json",
    }  # fmt: skip


def test_no_form_but_dicom_tells_patient_or_file_name(capsys, weights, dicom_film, tmp_path):
    out = tmp_path / "reports"
    forms = ["pdf", "png", "json", "sc", "sr"]
    _, (line,), _ = run(capsys, dicom_film, "--weights", weights, "--out", out, "--forms", *forms)
    assert list(line["written"]) == forms
    for form, path in line["written"].items():
        content = (out / path).read_bytes()
        if form == "pdf":
            content = pypdf.PdfReader(io.BytesIO(content)).pages[0].extract_text().encode()
        assert (b"Secret" in content) == (form in ("sc", "sr"))
        assert "Secret" not in path
    for form, modality in (("sc", "OT"), ("sr", "SR")):
        dataset = pydicom.dcmread(line["written"][form])
        assert (dataset.PatientID, dataset.Modality) == ("SECRET-0815", modality)


def test_a_report_is_not_overwritten_unless_asked(capsys, weights, film, tmp_path):
    arguments = [film, "--weights", weights, "--out", tmp_path, "--forms", "json"]
    _, (line,), _ = run(capsys, *arguments, "--text", "one")
    code, lines, told = run(capsys, *arguments, "--text", "two")
    assert (code, lines) == (2, [])
    assert "--overwrite" in told
    assert text_in(line) == "one"
    code, _, _ = run(capsys, *arguments, "--text", "two", "--overwrite")
    assert code == 0


def test_another_point_is_another_file(capsys, weights, film, tmp_path):
    arguments = [film, "--weights", weights, "--out", tmp_path, "--forms", "json"]
    first, second = (
        run(capsys, *arguments, "--point", point)[1][0] for point in ("screening", "specific")
    )
    assert first["written"] != second["written"]
    assert (first["threshold"], second["threshold"]) == (0.2, 0.8)


def test_the_text_comes_from_a_file_or_from_stdin(capsys, weights, film, tmp_path, monkeypatch):
    notes = tmp_path / "notes.txt"
    notes.write_bytes("\ufeffÖdem\r\n".encode())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("骨折".encode())))
    for source, text in ((notes, "Ödem"), ("-", "骨折")):
        _, (line,), _ = run(
            capsys, film, "--weights", weights, "--out", tmp_path / text, "--forms", "json",
            "--text-file", source,
        )  # fmt: skip
        assert text_in(line) == text


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["--forms", "sc", "sr"], 2, "needs a DICOM film", id="no DICOM film"),
        pytest.param(["--text-file", "none.txt"], 2, "cannot be read", id="no text file"),
        pytest.param(["--text", "x" * 10_001], 2, "shorten it", id="too long"),
        pytest.param(["--point", "lenient"], 2, "lenient", id="unknown point"),
        pytest.param(["--model", "none"], 4, "manifest.json is missing", id="unknown model"),
    ],
)
def test_wrong_options_write_nothing(capsys, weights, film, tmp_path, arguments, code, message):
    out = tmp_path / "reports"
    found, lines, told = run(capsys, film, "--weights", weights, "--out", out, *arguments)
    assert (found, lines) == (code, [])
    assert message in told
    assert "Traceback" not in told
    assert not out.exists()


def test_a_text_file_in_another_encoding_is_refused(capsys, weights, film, tmp_path):
    notes = tmp_path / "notes.txt"
    notes.write_bytes("Ödem".encode("latin-1"))
    code, _, told = run(capsys, film, "--weights", weights, "--text-file", notes)
    assert code == 2
    assert "save it as UTF-8" in told


def test_the_forms_offered_are_those_that_there_are():
    assert tuple(REPORT_FORMS) == FORM_NAMES


def test_a_bad_film_ends_with_its_error(capsys, weights, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no film")
    code, lines, told = run(capsys, tmp_path / "bad.png", "--weights", weights, "--out", tmp_path)
    assert (code, lines) == (3, [])
    assert "not an image" in told


def test_a_dicom_film_of_no_study_is_refused_with_a_way_out(capsys, weights, tmp_path):
    path = tmp_path / "film.dcm"
    path.write_bytes(make_dicom_of_study(StudyInstanceUID=""))
    code, _, told = run(capsys, path, "--weights", weights, "--out", tmp_path, "--forms", "sr")
    assert code == 3
    assert "make the report as PDF" in told
