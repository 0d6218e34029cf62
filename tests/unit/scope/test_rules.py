"""Grey-level rules: which pictures they refuse, with which reason."""

import numpy as np
import pytest

from bonefx.records import ReasonCode
from bonefx.report.wording.reasons import CROP, DAMAGED, EXPORT, reason_text
from bonefx.scope.rules import GREY_LEVEL_RULES, find_broken_rule, measure_grey_levels
from tests.fixtures.image_files import make_pixels
from tests.fixtures.scopes import make_narrow_scope


@pytest.fixture(scope="module")
def limits():
    scope = make_narrow_scope()
    return scope.rule_low, scope.rule_high


def film(seed=0):
    return make_pixels(300, 240, seed=seed)


@pytest.mark.parametrize("seed", range(100, 110))
def test_films_like_those_behind_the_limits_break_no_rule(limits, seed):
    assert find_broken_rule(measure_grey_levels(make_pixels(seed=seed)), *limits) is None


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        pytest.param(np.full((200, 200), 0.3, np.float32), "too few grey levels", id="blank"),
        pytest.param(film() * np.float32(0.05), "too few grey levels", id="under-exposed"),
        pytest.param(np.minimum(film() * 9, 1).astype(np.float32), "white over", id="over-exposed"),
        pytest.param(1 - film(), "inverted", id="inverted"),
        pytest.param(
            np.random.default_rng(0).random((300, 240), np.float32), "", id="noise"
        ),
    ],
)  # fmt: skip
def test_pictures_other_than_films_break_a_rule_whose_text_says_what_to_do(limits, picture, words):
    text = reason_text(find_broken_rule(measure_grey_levels(picture), *limits))
    assert text.startswith("This picture ")
    assert words in text
    assert text.endswith((EXPORT, DAMAGED, CROP))


def test_a_broken_rule_gives_its_code_the_measure_and_the_limit(limits):
    dark = (film() * np.float32(0.05)).astype(np.float32)
    measures = measure_grey_levels(dark)
    reason = find_broken_rule(measures, *limits)
    assert reason.code is ReasonCode.FEW_GREY_LEVELS
    assert (reason.value, reason.limit) == (measures[0], limits[0][0])
    assert reason.value < reason.limit


def test_shuffled_rows_have_a_low_correlation_down():
    smooth = np.linspace(0, 1, 300, dtype=np.float32)[:, None] * np.ones((1, 240), np.float32)
    shuffled = smooth[np.random.default_rng(0).permutation(300)]
    names = [rule.name for rule in GREY_LEVEL_RULES]
    before, after = measure_grey_levels(smooth), measure_grey_levels(shuffled)
    assert before[names.index("correlation down")] > 0.95
    assert after[names.index("correlation down")] < 0.3


def test_half_a_film_in_one_grey_has_empty_rows():
    lost = film()
    lost[150:] = 0.5
    place = [rule.name for rule in GREY_LEVEL_RULES].index("empty rows")
    assert measure_grey_levels(lost)[place] == pytest.approx(0.5, abs=0.02)
    assert measure_grey_levels(film())[place] == 0


def test_a_measure_that_is_not_a_number_breaks_its_rule(limits):
    measures = measure_grey_levels(make_pixels())
    for place in range(len(GREY_LEVEL_RULES)):
        broken = measures.copy()
        broken[place] = np.nan
        reason = find_broken_rule(broken, *limits)
        assert reason is not None
        assert reason.value is None


def test_measures_hardly_depend_on_the_size_of_the_film():
    large = np.kron(film(), np.ones((5, 5), np.float32))
    names = [rule.name for rule in GREY_LEVEL_RULES]
    for name in ("range", "brightness", "white"):
        place = names.index(name)
        assert measure_grey_levels(large)[place] == pytest.approx(
            measure_grey_levels(film())[place], abs=0.03
        )
