"""The sheet of worst misses and the figures of an evaluation."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from tests.fixtures.figures import PATIENT, make_films, shown_films, texts_of
from tests.fixtures.records import make_point
from train.data.augment import draw_fracture_mask
from train.evaluate.plots.figures import PlottedSplit, average_precision, draw_figures
from train.evaluate.plots.worst_misses import boxes_on_square, draw_misses, misses_figure


def test_the_miss_sheet_shows_each_miss_and_no_other_film():
    fractured = [True, True, True, False, False]
    probability = np.array([0.2, 0.9, 0.1, 0.7, 0.3])
    figure = misses_figure(make_films(fractured), probability, probability >= 0.5, most=24)
    assert len(shown_films(figure)) == 3
    titles = [axes.get_title() for part in figure.subfigs for axes in part.axes]
    assert titles == ["probability 0.100", "probability 0.200", "probability 0.700"]
    assert PATIENT not in texts_of(figure)


@pytest.mark.parametrize(
    ("missed", "alarms", "expected"),
    [
        pytest.param(30, 30, (12, 12), id="half of each"),
        pytest.param(2, 30, (2, 22), id="few fractures missed"),
        pytest.param(30, 2, (22, 2), id="few false alarms"),
    ],
)
def test_the_worst_misses_of_both_kinds_share_the_sheet(missed, alarms, expected):
    fractured = np.array([True] * missed + [False] * alarms)
    probability = np.linspace(0, 1, len(fractured))
    figure = misses_figure(make_films(fractured), probability, ~fractured, most=24)
    assert tuple(len(part.axes) for part in figure.subfigs) == expected


def test_a_sheet_without_a_miss_says_so(tmp_path):
    films, called = make_films([True, False]), np.array([True, False])
    draw_misses(films, np.array([0.9, 0.1]), called, tmp_path / "misses.png")
    assert (tmp_path / "misses.png").is_file()
    text = texts_of(misses_figure(films, np.array([0.9, 0.1]), called, most=24))
    assert text.count("0 of 1 films") == 2


def test_a_box_surrounds_the_place_that_training_takes_for_the_fracture():
    films = make_films([True], boxes=((10.0, 40.0, 30.0, 60.0),))
    rows, columns = np.nonzero(draw_fracture_mask(films, 0).numpy())
    left, top, right, bottom = boxes_on_square(films, 0)[0]
    assert left < columns.min() < columns.max() < right
    assert top < rows.min() < rows.max() < bottom
    assert right - left < np.ptp(columns) + 8
    figure = misses_figure(films, np.array([0.1]), np.array([False]), most=1)
    drawn = [part for part in figure.subfigs[0].axes[0].patches if isinstance(part, Rectangle)]
    assert drawn[0].get_xy() == (left, top)


@pytest.fixture(scope="module")
def answered():
    random = np.random.default_rng(0)
    fractured = random.random(200) < 0.3
    logits = random.normal(size=200) + 2.0 * fractured - 1
    return PlottedSplit(
        split="val", fractured=fractured, logits=logits, probability=1 / (1 + np.exp(-logits)),
        groups=np.array([str(index // 4) for index in range(200)]),
    )  # fmt: skip


@pytest.fixture(scope="module")
def figures(answered):
    return draw_figures(answered, (make_point(threshold=0.5, review_band=(0.4, 0.6)),))


def test_points_lie_where_these_films_put_them(answered, figures):
    called = answered.probability >= 0.5
    sensitivity = called[answered.fractured].mean()
    precision = answered.fractured[called].mean()
    for axes, height in ((figures.axes[1], sensitivity), (figures.axes[2], precision)):
        mark = next(line for line in axes.lines if line.get_label().startswith("balanced"))
        assert mark.get_ydata()[0] == pytest.approx(height)


def test_the_histogram_shows_thresholds_and_review_bands(figures):
    drawn = [tuple(np.asarray(line.get_xdata())) for line in figures.axes[3].lines]
    assert {(0.4, 0.6), (0.5, 0.5), (0.5,)} <= set(drawn)


def test_curves_carry_their_areas_with_intervals(answered, figures):
    text = texts_of(figures)
    area = average_precision(answered.fractured, answered.logits)
    assert f"average precision {area:.3f} (" in text
    assert "Val: 200 films" in text
    assert "AP =" not in text
