"""Films in their four quarter turns, from which the limits of a scope are chosen."""

import cv2
import numpy as np
import pytest

from bonefx.films import formats
from bonefx.models.networks import QUARTER_TURNS
from bonefx.records import turn_radiograph
from bonefx.scope.rules import GREY_LEVEL_RULES, measure_grey_levels
from train.data import Film
from train.evaluate.scope.fit import rule_limits, turned_measures

RULES = [rule.name for rule in GREY_LEVEL_RULES]


@pytest.fixture
def films(tmp_path):
    """Three films whose rows differ more than their columns."""
    random = np.random.default_rng(0)
    found = []
    for number in range(3):
        rows = random.integers(20, 220, (120, 1))
        pixels = np.clip(rows + random.integers(0, 30, (120, 90)), 0, 255).astype(np.uint8)
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), pixels)
        found.append(Film(path=path, name=path.name, fractured=False, split="val", group=path.name))
    return found


def test_measures_are_those_of_the_turned_films(films):
    measures = turned_measures(films)
    assert measures.shape == (QUARTER_TURNS, 3, len(GREY_LEVEL_RULES))
    for place, film in enumerate(films):
        shown = formats.read(film.path)
        for turns in range(QUARTER_TURNS):
            expected = measure_grey_levels(turn_radiograph(shown, turns).exposed)
            assert measures[turns, place] == pytest.approx(expected, abs=1e-6)


def limits_of(measures):
    """Limits of rules from the measures of films in some of their orientations, by their turns."""
    turns = np.repeat(list(measures), [len(own) for own in measures.values()])
    return rule_limits(np.concatenate(list(measures.values())), quarter_turns=turns)


def test_limits_of_turned_films_treat_rows_and_columns_alike(films):
    measures = turned_measures(films)
    down, across = RULES.index("correlation down"), RULES.index("correlation across")
    upright_low, _ = limits_of({0: measures[0]})
    assert upright_low[across] > 0.5 > upright_low[down]  # a film on its side would be noise
    low, _ = limits_of(dict(enumerate(measures)))
    assert low[down] == pytest.approx(low[across])
    assert (measures[1] >= low).all()


def test_rows_that_a_file_lost_are_told_from_those_beside_a_limb_on_its_side(films):
    """A limb leaves columns beside it empty, which are rows of the film on its side."""
    empty = RULES.index("empty rows")
    measures = turned_measures(films)
    measures[1::2, :, empty], measures[::2, :, empty] = 0.5, 0.1
    _, high = limits_of(dict(enumerate(measures)))
    assert high[empty] == pytest.approx(0.1, abs=1e-4)
