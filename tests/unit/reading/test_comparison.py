"""Comparison of readings of one film: common scale, difference and overlap of the maps."""

from itertools import pairwise

import numpy as np
import pytest

from bonefx.heatmaps.agreement import hot_region
from bonefx.heatmaps.overlay import difference_layer
from bonefx.reading.comparison import compare_readings, comparison_table
from bonefx.records import Verdict
from bonefx.report.wording.maps import agreement_words
from bonefx.web.compare.columns import agreement_text, legend_html
from tests.fixtures.records import make_reading


def make_heat(left=10, right=30):
    """Return a map that is hot from column left to right, and a tenth of its peak elsewhere."""
    heat = np.full((40, 60), 0.1, np.float32)
    heat[:, left:right] = 1.0
    return heat


def make_mapped(model="a", **changes):
    """Return a reading with a map; its peak is 2 logits unless another one is given."""
    return make_reading(**({"model": model, "heat": make_heat(), "heat_peak": 2.0} | changes))


def test_identical_maps_overlap_fully_and_have_no_difference():
    comparison = compare_readings([make_mapped("a"), make_mapped("b")])
    assert comparison.agreements[0].overlap == 1
    assert np.abs(comparison.difference()).max() == 0
    assert difference_layer(comparison.difference())[..., 3].max() == 0


def test_disjoint_hot_regions_do_not_overlap():
    other = make_mapped("b", heat=make_heat(left=30, right=50))
    comparison = compare_readings([make_mapped("a"), other])
    assert comparison.agreements[0].overlap == 0
    difference = comparison.difference()
    assert difference[0, 10] == pytest.approx(0.9)
    assert difference[0, 40] == pytest.approx(-0.9)


def test_regions_that_share_half_of_each_overlap_by_a_third():
    other = make_mapped("b", heat=make_heat(left=20, right=40))
    assert compare_readings([make_mapped("a"), other]).agreements[0].overlap == pytest.approx(1 / 3)


def test_the_overlap_does_not_depend_on_the_size_of_a_models_logits():
    comparison = compare_readings([make_mapped("a"), make_mapped("b", heat_peak=0.1)])
    assert comparison.agreements[0].overlap == 1


def test_a_pixel_at_half_of_the_peak_is_hot_and_one_below_is_not():
    assert hot_region(np.array([[0.49, 0.5]], np.float32)).tolist() == [[False, True]]


def test_the_common_scale_ends_at_the_largest_peak():
    weak, strong = (
        make_mapped("a", heat_peak=0.5),
        make_mapped("b", heat_peak=2.0),
    )
    comparison = compare_readings([weak, strong])
    assert comparison.peak == 2.0
    assert comparison.map_of(weak).max() == pytest.approx(0.25)
    assert comparison.map_of(strong).max() == pytest.approx(1.0)
    assert comparison.difference().min() == pytest.approx(-0.75)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"heat": None, "heat_peak": 0.01}, "b has no map", id="below the floor"),
        pytest.param({"heat": np.zeros((40, 60), np.float32), "heat_peak": 0.0},
                     "b has no map", id="nowhere any evidence"),
        pytest.param({"heat": None, "heat_peak": None, "probability": None, "logit": None,
                      "verdict": Verdict.OUT_OF_SCOPE}, "b gives no answer", id="out of scope"),
    ],
)  # fmt: skip
def test_a_missing_map_gives_a_reason_in_place_of_overlap_and_difference(changes, words):
    without = make_mapped("b", **changes)
    comparison = compare_readings([make_mapped("a"), without])
    assert comparison.agreements[0].overlap is None
    assert words in agreement_words(comparison.agreements[0])
    assert comparison.difference() is None
    assert comparison.map_of(without) is None
    assert comparison.peak == 2.0


def test_two_missing_maps_give_no_scale_and_a_reason_each():
    readings = [make_mapped(name, heat=None, heat_peak=0.01) for name in "ab"]
    comparison = compare_readings(readings)
    assert comparison.peak is None
    assert comparison.map_of(readings[0]) is None
    text = agreement_words(comparison.agreements[0])
    assert "a has no map" in text
    assert "b has no map" in text


def test_three_models_are_compared_two_by_two_without_a_difference():
    comparison = compare_readings([make_mapped(name) for name in "abc"])
    assert [pair.models for pair in comparison.agreements] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert comparison.difference() is None


@pytest.mark.parametrize(("verdict", "agree"), [(Verdict.FRACTURE, True), (Verdict.REVIEW, False)])
def test_verdicts_agree_only_when_they_are_the_same(verdict, agree):
    readings = [make_mapped("a"), make_mapped("b", verdict=verdict)]
    assert compare_readings(readings).verdicts_agree is agree


@pytest.mark.parametrize(
    ("readings", "message"),
    [
        pytest.param([make_mapped("a")], "two or more", id="one model"),
        pytest.param([make_mapped("a"), make_mapped("a")], "two or more", id="a model twice"),
        pytest.param([make_mapped("a"), make_mapped("b", radiograph_sha256="2" * 64)],
                     "one film", id="two films"),
    ],
)  # fmt: skip
def test_readings_that_cannot_be_compared_are_refused(readings, message):
    with pytest.raises(ValueError, match=message):
        compare_readings(readings)


def test_the_difference_is_orange_for_the_first_blue_for_the_second_and_transparent_at_0():
    layer = difference_layer(np.array([[-1.0, -0.5, 0.0, 0.5, 1.0]], np.float32))
    assert layer.shape == (1, 5, 4)
    assert layer[0, :, 3].tolist() == [255, 128, 0, 128, 255]
    red, _, blue = (layer[0, :, channel].astype(int) for channel in range(3))
    assert (red - blue)[-1] > 100
    assert (blue - red)[0] > 100


def test_opacity_grows_with_the_difference():
    alpha = difference_layer(np.linspace(0, 1, 6, dtype=np.float32)[None])[0, :, 3].tolist()
    assert all(weaker < stronger for weaker, stronger in pairwise(alpha))


def test_the_table_of_a_comparison_has_both_readings_and_their_overlap():
    table = comparison_table(compare_readings([make_mapped("a"), make_mapped("b")]))
    assert [reading["model"] for reading in table["readings"]] == ["a", "b"]
    assert table["verdicts_agree"] is True
    assert table["agreements"] == [
        {
            "models": ["a", "b"],
            "overlap": 1.0,
            "reason": None,
            "reason_codes": [],
            "teacher_and_student": False,
        }
    ]
    assert "heat" not in table["readings"][0]


def test_the_text_of_an_agreement_names_both_models_with_and_without_an_overlap():
    without = make_mapped("b", heat=None, heat_peak=0.01)
    assert "a and b overlap by 100 %" in agreement_text(
        compare_readings([make_mapped("a"), make_mapped("b")]).agreements[0]
    )
    text = agreement_text(compare_readings([make_mapped("a"), without]).agreements[0])
    why = "b has no map: its evidence is too weak to show."
    assert text == f"No overlap computed for a and b: {why}"


def test_the_legend_shows_the_common_scale_or_that_there_is_no_map():
    weak = make_mapped("b", heat_peak=0.5)
    assert "2.00 logits" in legend_html(compare_readings([make_mapped("a"), weak]))
    without = [make_mapped(name, heat=None, heat_peak=0.01) for name in "ab"]
    assert "No model shows a map" in legend_html(compare_readings(without))


def test_maps_are_hidden_at_first_if_every_model_calls_no_fracture():
    intact = [make_mapped(name, verdict=Verdict.NO_FRACTURE) for name in "ab"]
    assert "hidden at first" in legend_html(compare_readings(intact))
    assert "hidden at first" not in legend_html(compare_readings([make_mapped("a"), intact[1]]))
