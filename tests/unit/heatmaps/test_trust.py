"""Checks of heat maps: which maps pass, which fail, and what is shown of each."""

from dataclasses import replace
from html import unescape
from typing import Any

import numpy as np
import pytest
import torch

from bonefx.heatmaps.markers import border_mask, marker_mask
from bonefx.heatmaps.trust import blur_batch, heat_share, logit_drops, measure_trust
from bonefx.models.registry import load_model
from bonefx.reading.comparison import compare_readings
from bonefx.reading.reader import Reader
from bonefx.records import Estimate, GradeFigures, MapGrade, TrustLimits, Verdict
from bonefx.report import reading_table
from bonefx.report.wording.maps import agreement_words, map_words, trust_rows
from bonefx.report.wording.reasons import reason_text
from bonefx.web.shared.verdict_card import verdict_html
from bonefx.web.shared.viewer import film_figure
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.records import make_radiograph

LIMITS = TrustLimits(
    peaks=(1.0, 2.0, 3.0, 4.0), border_share=0.1, marker_share=0.1, drop=0.5, n=72
)  # fmt: skip


def film_with_marker():
    """Soft tissue with a bone across it, and a letter on dark ground."""
    pixels = np.full((200, 160), 0.05, np.float32)
    pixels[:, 60:110] = 0.4
    pixels[:, 75:95] = 0.9
    letter = np.zeros_like(pixels, bool)
    letter[20:32, 20:23] = letter[29:32, 20:28] = True
    pixels[letter] = 1.0
    return pixels, letter


def test_markers_are_found_and_bone_is_not():
    pixels, letter = film_with_marker()
    found = marker_mask(pixels)
    assert found[letter].all()
    assert not found[:, 60:110].any()


def test_the_border_is_the_outermost_frame():
    border = border_mask((200, 100))
    assert border[:3].all()
    assert border[:, -3:].all()
    assert not border[3:-3, 3:-3].any()


@pytest.mark.parametrize(
    ("spot", "drop", "failure"),
    [
        ((slice(90, 110), slice(75, 95)), 2.0, None),
        ((slice(0, 4), slice(40, 90)), 2.0, "film's border"),
        ((slice(20, 32), slice(20, 28)), 2.0, "markers or text"),
        ((slice(90, 110), slice(75, 95)), 0.1, "changes the logit by -0.10"),
    ],
)
def test_a_map_fails_by_its_location_or_by_a_small_effect_on_the_answer(spot, drop, failure):
    pixels, _ = film_with_marker()
    heat = np.zeros_like(pixels)
    heat[spot] = 1.0
    trust = measure_trust(pixels, heat, peak=2.5, drop=drop, limits=LIMITS)
    assert trust.peak_rank == 0.5
    assert (failure is None) == (not trust.failures)
    if failure:
        assert [failure in reason_text(reason) for reason in trust.failures] == [True]


def test_shares_of_an_empty_map_are_0():
    assert heat_share(np.zeros((9, 9), np.float32), np.ones((9, 9), bool)) == 0.0


class SpotNetwork(torch.nn.Module):
    """A network whose logit is the brightness of one region."""

    def forward(self, batch):
        return 10 * batch[:, 0, 20:28, 40:48].mean((1, 2)), None


def test_blurring_the_decisive_region_lowers_the_logit():
    batch = torch.zeros(2, 3, 64, 64)
    batch[:, :, 20:28, 40:48] = 1.0
    heats = np.zeros((2, 64, 64), np.float32)
    heats[0, 20:28, 40:48] = 1.0
    heats[1, 50:58, 0:8] = 1.0
    network: Any = SpotNetwork()
    logits = network(batch)[0].tolist()
    right, wrong = logit_drops(network, batch, heats, logits=logits)
    assert right > 5
    assert wrong == pytest.approx(0.0, abs=1e-5)
    assert blur_batch(batch)[0, 0, 20:28, 40:48].max() < 0.5


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_model(
        make_model_folder(tmp_path_factory.mktemp("weights")), device=torch.device("cpu")
    )


def reading_with(model, **limits):
    manifest = replace(model.manifest, trust=replace(LIMITS, **limits))
    film = make_radiograph()
    return film, Reader([replace(model, manifest=manifest)]).read(film)


def test_a_map_that_passes_is_drawn_with_its_measurements(model):
    film, reading = reading_with(model, border_share=1.0, marker_share=1.0, drop=-1e9)
    assert reading.heat is not None
    assert reading_table(reading)["trust"]["failures"] == []
    page = film_figure(film, reading, heat_floor=0.0)
    assert 'class="map"' in page
    card = unescape(verdict_html(reading, model.manifest.calibration))
    assert "Map passes its checks" in card  # the model's maps were not graded
    assert reading_table(reading)["trust"]["grade"] is None
    for name, words in trust_rows(reading.trust):
        assert name in card
        assert words in card


@pytest.mark.parametrize(
    ("strong_drop", "grade", "words"),
    [
        pytest.param(
            -1e9,
            MapGrade.STRONG,
            "Strong map: of 40 such maps of fractures that the model found on unseen films, 90 %",
            id="strong",
        ),
        pytest.param(1e9, MapGrade.WEAK, "Weak map: of 10 such maps", id="weak"),
        pytest.param(None, MapGrade.WEAK, "Weak map", id="no limit of a strong map"),
    ],
)
def test_a_map_is_shown_with_its_grade_and_what_that_is_worth(model, strong_drop, grade, words):
    limits = {"border_share": 1.0, "marker_share": 1.0, "drop": -1e9, "strong_drop": strong_drop}
    _, reading = reading_with(model, **limits, grades=make_grades())
    assert reading_table(reading)["trust"]["grade"] == grade
    called = replace(reading, verdict=Verdict.FRACTURE)
    card = unescape(verdict_html(called, model.manifest.calibration))
    assert words in card
    assert "80 %" in card  # share of strong maps
    assert words in map_words(called, shown=True, heat_floor=0.0)


def test_how_often_maps_of_fractures_are_right_is_said_of_no_intact_film(model):
    limits = {"border_share": 1.0, "marker_share": 1.0, "drop": -1e9, "strong_drop": -1e9}
    _, reading = reading_with(model, **limits, grades=make_grades())
    intact = replace(reading, verdict=Verdict.NO_FRACTURE)
    words = map_words(intact, shown=True, heat_floor=0.0)
    assert words.startswith("Strong map. ")
    assert "such maps" not in words


def make_grades():
    """40 strong maps of which 36 are on the fracture, and 10 weak ones of which 6 are."""
    strong, weak = (
        GradeFigures(
            share=Estimate(value=n / 50, low=0.0, high=1.0, n=50),
            pointing=Estimate(value=hits / n, low=0.0, high=1.0, n=n),
        )
        for n, hits in ((40, 36), (10, 6))
    )
    return {MapGrade.STRONG: strong, MapGrade.WEAK: weak}


def test_a_map_that_fails_is_not_drawn_and_the_reason_is_shown(model):
    film, reading = reading_with(model, border_share=1.0, marker_share=1.0, drop=1e9)
    assert reading.heat is None
    assert reading.probability is not None
    text = map_words(reading, shown=False, heat_floor=0.0)
    assert text.startswith("No reliable localisation, so no map. Blurring the hot region")
    page = film_figure(film, reading, heat_floor=0.0)
    assert "No reliable localisation" in page
    assert 'class="map"' not in page


def test_a_map_that_fails_its_checks_has_no_overlap_with_another(model):
    _, failed = reading_with(model, border_share=1.0, marker_share=1.0, drop=1e9)
    _, held = reading_with(model, border_share=1.0, marker_share=1.0, drop=-1e9)
    (pair,) = compare_readings([failed, replace(held, model="other")]).agreements
    assert pair.overlap is None
    assert "localisation is not reliable" in agreement_words(pair)


def test_a_model_without_limits_measures_no_trust(model):
    reading = Reader([model]).read(make_radiograph())
    assert reading.trust is None
    assert reading.heat is not None
