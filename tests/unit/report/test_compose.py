"""Composition of a report from a film and its reading."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
import torch

from bonefx.heatmaps.overlay import heat_layer, hot_contours, mark_findings, overlay
from bonefx.models.registry import load_model
from bonefx.reading.reader import Reader
from bonefx.report.compose import compose_report
from tests.fixtures.evaluations import make_evaluation
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.records import make_radiograph


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    folder = make_model_folder(tmp_path_factory.mktemp("weights"))
    return Reader([load_model(folder, device=torch.device("cpu"))])


def test_a_report_has_film_map_and_facts(reader):
    film = make_radiograph(body_part="WRIST")
    reading = reader.read(film)
    made = compose_report(film, reading, model=reader.model(), text="Hm.", opacity=0.7)
    assert made.reading is reading
    assert made.text == "Hm."
    assert ("Body part", "WRIST") in made.facts
    assert made.calibration == reader.model().manifest.calibration
    np.testing.assert_array_equal(made.film, np.rint(film.pixels * 255))
    blended = overlay(film.pixels, reading.heat, opacity=0.7)
    lines = hot_contours(reading.heat)
    expected = mark_findings(blended, contours=lines, findings=reading.findings)
    np.testing.assert_array_equal(made.overlay.pixels, expected)
    np.testing.assert_array_equal(made.overlay.heat, reading.heat)
    assert [line.tolist() for line in made.overlay.contours] == [line.tolist() for line in lines]
    assert lines
    ends = heat_layer(np.array([[0, 1]], np.float32))[0, :, :3]
    np.testing.assert_array_equal(made.overlay.scale[[0, -1]], ends)


def test_a_report_carries_the_caution_of_its_model(reader, tmp_path):
    model = replace(reader.model(), folder=tmp_path)
    evaluation = make_evaluation(model.manifest, in_training=491)
    (tmp_path / "evaluation.json").write_text(json.dumps(evaluation))
    film = make_radiograph()
    warned = compose_report(film, Reader([model]).read(film), model=model)
    assert warned.reading.caution.startswith("Not for reading films")
    assert compose_report(film, reader.read(film), model=reader.model()).reading.caution == ""


def test_a_reading_without_map_gives_a_report_without_overlay(reader):
    film = make_radiograph()
    made = compose_report(film, reader.read(film, heat=False), model=reader.model())
    assert made.overlay is None


def test_the_time_is_now_with_a_time_zone_unless_given(reader):
    film = make_radiograph()
    reading = reader.read(film)
    made = compose_report(film, reading, model=reader.model())
    assert abs((datetime.now(UTC) - made.created).total_seconds()) < 60
    given = datetime(2026, 1, 2, tzinfo=UTC)
    assert compose_report(film, reading, model=reader.model(), created=given).created == given


@pytest.mark.parametrize("changes", [{"radiograph_sha256": "1" * 64}, {"model": "other"}])
def test_a_reading_of_another_film_or_model_is_refused(reader, changes):
    film = make_radiograph()
    reading = replace(reader.read(film), **changes)
    with pytest.raises(ValueError, match="another film or of another model"):
        compose_report(film, reading, model=reader.model())
