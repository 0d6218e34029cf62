"""Findings: the connected hot regions of a heat map."""

import numpy as np
import pytest

from bonefx.heatmaps.findings import hot_regions, number_findings
from bonefx.heatmaps.overlay import HOT_SHARE, MARK_RGB, hot_contours, mark_findings
from bonefx.records import Calibration, PixelBox

CALIBRATION = Calibration(method="platt", slope=0.5, intercept=-1.0, n=50, split="val")


@pytest.fixture
def heat():
    """A weaker region above the hottest one, on a film that is warm everywhere."""
    values = np.full((60, 40), 0.9 * HOT_SHARE, np.float32)
    values[5:15, 10:30] = 0.6
    values[7, 12] = 0.8
    values[40:50, 2:6] = 0.7
    values[41, 5] = 1.0
    return values


def test_regions_are_connected_and_the_hottest_comes_first(heat):
    first, second = hot_regions(heat)
    assert first.box == PixelBox(top=40, left=2, bottom=50, right=6)
    assert (first.share, first.row, first.column) == (1.0, 41, 5)
    assert second.box == PixelBox(top=5, left=10, bottom=15, right=30)
    assert (second.share, second.row, second.column) == (np.float32(0.8), 7, 12)


def test_pixels_that_touch_at_a_corner_are_one_region():
    heat = np.eye(8, dtype=np.float32)
    (region,) = hot_regions(heat)
    assert region.box == PixelBox(top=0, left=0, bottom=8, right=8)


def test_a_region_inside_the_bounds_of_another_lends_it_no_heat():
    heat = np.zeros((20, 20), np.float32)
    heat[0:20, 0] = heat[19, 0:20] = 0.6  # an L around the hottest pixel
    heat[5, 10] = 1.0
    inner, around = hot_regions(heat)
    assert inner.box == PixelBox(top=5, left=10, bottom=6, right=11)
    assert around.share == np.float32(0.6)


def test_an_empty_map_has_no_findings():
    assert number_findings(np.zeros((9, 9), np.float32), peak=0.0, calibration=CALIBRATION) == ()


def test_findings_are_numbered_with_their_evidence_and_probability(heat):
    first, second = number_findings(heat, peak=5.0, calibration=CALIBRATION)
    assert (first.number, second.number) == (1, 2)
    assert (first.evidence, second.evidence) == pytest.approx((5.0, 4.0))
    assert first.probability == pytest.approx(1 / (1 + np.exp(1.0 - 2.5)))
    assert second.probability == pytest.approx(1 / (1 + np.exp(1.0 - 2.0)))


def test_findings_that_were_not_measured_have_no_probability(heat):
    findings = number_findings(heat, peak=5.0, calibration=None)
    assert [finding.probability for finding in findings] == [None, None]


def test_marks_lie_on_the_contour_and_beside_it_and_the_rest_of_the_film_stays(heat):
    picture = np.zeros((*heat.shape, 3), np.uint8)
    lines, findings = hot_contours(heat), number_findings(heat, peak=1.0, calibration=None)
    marked = mark_findings(picture, contours=lines, findings=findings)
    assert not picture.any()
    assert (marked[40, 2:6] == MARK_RGB).all()
    assert not marked[22:25, 33:].any()
    unnumbered = mark_findings(picture, contours=lines, findings=())
    assert (marked != unnumbered).any()
