"""Findings against the annotated boxes: which are right, what they miss, and their probability."""

import numpy as np
import pytest

from bonefx.models.cell_grid import CellGrid
from train.data import Film
from train.data.cache import CachedFilms
from train.evaluate.maps.findings import (
    MeasuredFindings,
    finding_figures,
    fit_findings,
    locate_findings,
)
from train.evaluate.split_figures import ReadSplit
from train.fit.outputs import NetworkOutputs

GRID = CellGrid(stride_px=8, offset_px=3.5)
SIDE = 128  # a film of as many pixels as the network's input
UPPER, LOWER = (24.0, 16.0, 48.0, 40.0), (80.0, 88.0, 104.0, 112.0)
PEAK = 4.0


@pytest.fixture
def read(tmp_path):
    """Two films with two fractures, one without, and one whose fracture nobody annotated."""
    kinds = [(True, (UPPER, LOWER)), (True, (UPPER, LOWER)), (False, ()), (True, ())]
    cells = np.zeros((4, 16, 16), np.float32)
    cells[0, 2:5, 3:6] = PEAK  # the upper box, with its bounds
    cells[1, 11:14, 10:13] = PEAK  # the lower one
    cells[1, 2:5, 12:15] = 0.75 * PEAK  # and a region without a fracture
    cells[2:, 7:9, 7:9] = PEAK
    return ReadSplit(
        films=CachedFilms(
            films=[
                Film(path=tmp_path, name=str(i), fractured=fractured, split="val", group=str(i),
                     boxes=boxes, annotated=bool(boxes))
                for i, (fractured, boxes) in enumerate(kinds)
            ],
            squares=np.zeros((4, SIDE, SIDE), np.uint8), rows=np.arange(4),
            sha256=np.array(list("0123")), shapes=np.array([[SIDE, SIDE]] * 4, np.int32),
            fields=np.array([[0, 0, SIDE, SIDE]] * 4, np.int32), skipped=0,
        ),
        outputs=NetworkOutputs(
            logits=np.zeros(4), cells=cells, peaks=np.full(4, PEAK),
            signatures=np.zeros((4, 2), np.float32),
        ),
    )  # fmt: skip


def test_findings_are_compared_with_the_boxes_of_their_film(read):
    found = locate_findings(read, np.ones(4, bool), GRID)
    assert found.film.tolist() == [0, 1, 1, 2]  # the last film does not count
    assert found.right.tolist() == [True, True, False, False]
    assert found.bounded.tolist() == [True, True, False, False]
    assert found.found.tolist() == [True, False, False, True]
    assert found.evidence == pytest.approx([PEAK, PEAK, 0.75 * PEAK, PEAK], rel=0.01)


def test_a_map_that_is_not_shown_has_no_finding_and_misses_its_fractures(read):
    found = locate_findings(read, np.array([False, True, False, True]), GRID)
    assert found.film.tolist() == [1, 1]
    assert found.found.tolist() == [False, False, False, True]


def test_figures_count_fractures_found_and_wrong_findings(read):
    figures = finding_figures(locate_findings(read, np.ones(4, bool), GRID), None)
    assert (figures.n, figures.fractures, figures.findings) == (3, 4, 4)
    assert figures.found.value == 0.5
    assert figures.right.value == 0.5
    assert figures.wrong_per_film.value == pytest.approx(2 / 3)
    # of the strongest three one is wrong; two of four boxes are bounded
    assert 0.25 < figures.ap50.value < 0.5
    assert figures.calibration_error is None


def test_without_an_annotated_fracture_there_are_no_figures(read):
    intact = read.select(np.array([2]))
    assert finding_figures(locate_findings(intact, np.ones(1, bool), GRID), None) is None


def make_found(evidence, right):
    """Findings of films of their own, with a box each."""
    count = len(evidence)
    return MeasuredFindings(
        evidence=np.asarray(evidence, np.float64), right=np.asarray(right, bool),
        bounded=np.asarray(right, bool), film=np.arange(count), found=np.asarray(right, bool),
        fracture_film=np.arange(count), groups=np.arange(count).astype(str),
    )  # fmt: skip


def test_probability_rises_with_evidence_and_is_calibrated():
    random = np.random.default_rng(0)
    evidence = random.uniform(0, 8, 400)
    found = make_found(evidence, random.random(400) < 1 / (1 + np.exp(4 - evidence)))
    calibration = fit_findings(found, split="val")
    assert calibration.slope == pytest.approx(1, abs=0.3)
    assert calibration.intercept == pytest.approx(-4, abs=1)
    assert calibration.n == 400
    assert finding_figures(found, calibration).calibration_error.value < 0.06


@pytest.mark.parametrize(
    ("evidence", "right"),
    [
        pytest.param(np.arange(30.0), np.arange(30) >= 15, id="too few"),
        pytest.param(np.arange(60.0), np.arange(60) < 30, id="weak ones are right"),
        pytest.param(np.arange(60.0), np.ones(60, bool), id="all right"),
        pytest.param([], [], id="none"),
    ],
)
def test_no_probability_is_fitted_where_the_findings_do_not_allow_it(evidence, right):
    assert fit_findings(make_found(evidence, right), split="val") is None
