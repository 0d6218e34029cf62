"""Records check their values."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bonefx.errors import WeightsError
from bonefx.records import Calibration, Estimate, Reading, Verdict
from bonefx.records.model import SourceData, SplitCounts, TrainingData
from tests.fixtures.records import make_point, make_radiograph


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"threshold": 0.7}, id="threshold outside its band"),
        pytest.param({"review_band": (0.6, 0.4)}, id="band upside down"),
        pytest.param({"review_band": (-0.1, 0.6)}, id="band below 0"),
        pytest.param({"threshold": math.nan}, id="not a number"),
    ],
)
def test_an_invalid_operating_point_is_refused_by_name(changes):
    with pytest.raises(WeightsError, match=r"'balanced'.*export the model again"):
        make_point(**changes)


@pytest.mark.parametrize(("slope", "intercept"), [(0.0, 0.0), (-1.0, 0.0), (1.0, math.inf)])
def test_a_calibration_that_could_reverse_verdicts_is_refused(slope, intercept):
    with pytest.raises(WeightsError, match="slope > 0"):
        Calibration(method="platt", slope=slope, intercept=intercept, n=1, split="val")


def test_an_estimate_outside_its_interval_is_refused():
    with pytest.raises(WeightsError, match="interval"):
        Estimate(value=0.9, low=0.1, high=0.8, n=10)


def test_pixels_must_be_grey_float32():
    with pytest.raises(ValueError, match="float32"):
        make_radiograph(pixels=np.zeros((64, 64, 3), np.float32))


@pytest.mark.parametrize(
    ("verdict", "probability"), [(Verdict.OUT_OF_SCOPE, 0.5), (Verdict.FRACTURE, None)]
)
def test_only_a_film_in_scope_has_a_probability(verdict, probability):
    with pytest.raises(ValueError, match="in scope"):
        Reading(
            radiograph_sha256="0", model="m", weights_sha256="0", verdict=verdict,
            point=make_point(), device="cpu", elapsed_s=0.0, probability=probability,
        )  # fmt: skip


def counted(films, fractured):
    return {"val": SplitCounts(films=films, fractured=fractured, with_boxes=0)}


def test_the_share_of_fractures_is_that_of_the_films_whose_labels_were_used():
    data = TrainingData(
        name="set", licence="", source="", split_sha256=None, counts=counted(20, 11)
    )
    assert data.share_of("val") == pytest.approx(0.55)
    assert data.share_of("test") is None
    sources = {
        name: SourceData(
            title=name, licence="", address="", share=0.5, labels_used=used, counts=counts
        )
        for name, used, counts in (("both", True, counted(10, 1)), ("one", False, counted(10, 10)))
    }
    assert replace(data, sources=sources).share_of("val") == pytest.approx(0.1)
