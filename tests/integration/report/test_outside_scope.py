"""Reading a film anyway that only the statistics of the training films refuse."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import highdicom
import numpy as np
import pypdf
import pytest
import torch

from bonefx.cli.parser import main
from bonefx.films import formats
from bonefx.films.patient_ids import read_study_header
from bonefx.models.decision import reading_at_point
from bonefx.models.registry import load_model
from bonefx.reading.reader import Reader
from bonefx.records import ReasonCode, Verdict, invert_radiograph
from bonefx.report import json_bytes, reading_table, report_bytes, structured_report_bytes
from bonefx.report.compose import compose_report
from bonefx.report.wording.readings import probability_words, reading_notes, verdict_words
from bonefx.scope.gate import check_scope, override_refusal
from bonefx.web.shared.verdict_card import verdict_html
from tests.fixtures.dicom_files import make_dicom_of_study
from tests.fixtures.dicom_reports import texts_of
from tests.fixtures.image_files import make_png
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.records import make_radiograph, make_reading
from tests.fixtures.scopes import make_narrow_scope


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a model whose statistics, but not its rules, refuse every film."""
    nothing = replace(make_narrow_scope(), limit=np.array(0.0, np.float32))
    return make_model_folder(tmp_path_factory.mktemp("weights"), scope=nothing)


@pytest.fixture(scope="module")
def reader(folder):
    return Reader([load_model(folder, device=torch.device("cpu"))])


@pytest.fixture(scope="module")
def answer(reader):
    return reader.read(make_radiograph(), outside_scope=True)


def test_a_film_refused_by_statistics_is_read_on_request_and_keeps_its_refusal(reader, answer):
    refused = reader.read(make_radiograph())
    assert refused.can_be_overridden
    assert answer.verdict is not Verdict.OUT_OF_SCOPE
    assert 0 <= answer.probability <= 1
    assert answer.outside_scope == refused.reason
    assert answer.regions is None  # recognition is not meant for such a film
    assert not any("region" in note for note in reading_notes(answer)[1:])
    assert not answer.can_be_overridden


def test_the_mark_stays_at_another_operating_point(reader, answer):
    (point, *_) = reader.model().manifest.operating_points
    assert reading_at_point(answer, point).outside_scope == answer.outside_scope


@pytest.mark.parametrize(
    "film",
    [
        pytest.param(make_radiograph(pixels=np.full((90, 80), 0.5, np.float32)), id="by a rule"),
        pytest.param(make_radiograph(body_part="CHEST"), id="by the body part"),
        pytest.param(invert_radiograph(make_radiograph()), id="inverted"),
    ],
)
def test_other_refusals_cannot_be_overridden(tmp_path, film):
    scope = make_narrow_scope()
    scope = replace(scope, region_weights=np.full_like(scope.region_weights, 0.01))
    model = load_model(make_model_folder(tmp_path, scope=scope), device=torch.device("cpu"))
    reading = Reader([model]).read(film, outside_scope=True)
    assert reading.verdict is Verdict.OUT_OF_SCOPE
    assert reading.reason.code is not ReasonCode.UNLIKE_TRAINING_FILMS
    assert not reading.can_be_overridden


def test_a_film_whose_signature_is_not_finite_cannot_be_overridden(tmp_path):
    model = load_model(
        make_model_folder(tmp_path, scope=make_narrow_scope()), device=torch.device("cpu")
    )
    signature = np.full((1, len(model.scope.mean)), np.nan, np.float32)
    (result,) = check_scope(
        model.scope, [make_radiograph()], signature, signatures_of=lambda _: signature
    )
    assert result.refusal.code is ReasonCode.UNLIKE_TRAINING_FILMS
    assert override_refusal(result) is result
    reading = make_reading(verdict=Verdict.OUT_OF_SCOPE, reason=result.refusal)
    assert not reading.can_be_overridden  # so the screen offers nothing


def test_a_film_in_scope_is_not_marked(tmp_path):
    folder = make_model_folder(tmp_path, scope=make_narrow_scope())
    reader = Reader([load_model(folder, device=torch.device("cpu"))])
    reading = reader.read(make_radiograph(), outside_scope=True)
    assert reading.outside_scope is None
    assert verdict_words(reading)[1] in {"Fracture", "No fracture", "Review"}


def test_card_and_notes_mark_the_answer(reader, answer):
    assert verdict_words(answer)[1].endswith("outside the model's scope")
    first = reading_notes(answer)[0]
    assert "outside the model's scope" in first
    assert "unlike the films" in first  # the refusal itself
    html = verdict_html(answer, reader.model().manifest.calibration)
    assert "outside the model&#39;s scope" in html


def test_its_probability_is_nowhere_called_calibrated(reader, answer):
    words = probability_words(answer)
    assert words.startswith("Probability outside the model's scope, not calibrated: ")
    html = verdict_html(answer, reader.model().manifest.calibration)
    assert "<small>not calibrated</small>" in html
    assert "calibrated on" not in html
    report = compose_report(make_radiograph(), answer, model=reader.model())
    (page,) = pypdf.PdfReader(io.BytesIO(report_bytes(report, "pdf"))).pages
    text = " ".join(page.extract_text().split())
    assert "probability outside the model's scope, not calibrated" in text
    assert "calibrated probability of fracture" not in text


@pytest.mark.parametrize("form", ["pdf", "png", "json"])
def test_reports_mark_the_answer(reader, answer, form):
    report = compose_report(make_radiograph(), answer, model=reader.model())
    assert report_bytes(report, form)
    outside = json.loads(json_bytes(report))["reading"]["outside_scope"]
    assert outside["code"] == "unlike_training_films"
    assert outside["value"] > outside["limit"]


def test_the_structured_report_codes_no_finding(reader):
    data = make_dicom_of_study()
    film = formats.read_bytes(data)
    reading = reader.read(film, outside_scope=True)
    report = compose_report(film, reading, model=reader.model())
    content = structured_report_bytes(report, read_study_header(data))
    document = highdicom.sr.srread(io.BytesIO(content))
    (group,) = document.content.get_image_measurement_groups()
    (evaluation,) = group.get_qualitative_evaluations()
    assert evaluation.value.meaning == "Undetermined"
    assert group.get_measurements() == []  # the code means a calibrated probability
    comments = " ".join(texts_of(document, "Comment"))
    assert "Probability outside the model's scope, not calibrated: " in comments
    assert b"outside_scope=unlike_training_films" in content
    assert b"outside the model's scope" in content


def test_the_command_line_reads_such_a_film_only_when_asked(folder, tmp_path, capsys):
    path = tmp_path / "film.png"
    path.write_bytes(make_png())
    command = ["read", str(path), "--weights", str(folder.parent), "--device", "cpu"]
    assert main(command) == 0
    refused = json.loads(capsys.readouterr().out)
    assert (refused["verdict"], refused["outside_scope"]) == ("out_of_scope", None)
    assert main([*command, "--outside-scope"]) == 0
    read = json.loads(capsys.readouterr().out)
    assert read["probability"] is not None
    assert read["outside_scope"]["code"] == "unlike_training_films"


def test_the_table_of_a_reading_names_the_refusal(answer):
    table = reading_table(answer)
    assert table["outside_scope"]["text"].startswith("This picture is unlike")
    assert table["reason_code"] in (None, "in_review_band")
