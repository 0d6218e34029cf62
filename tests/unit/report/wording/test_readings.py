"""Texts of body regions with the figures of their test films."""

import pytest

from bonefx.records import Estimate, RegionFigures, Verdict
from bonefx.records.set_figures import SetSummary
from bonefx.report.wording.readings import other_sets_words, region_words
from tests.fixtures.records import make_point, make_reading


def estimate(value, n):
    return Estimate(value=value, low=value - 0.1, high=value + 0.05, n=n)


def texts_of_regions(regions):
    hand = RegionFigures(
        region="hand", sensitivity=estimate(0.8, 61), specificity=estimate(0.9, 163)
    )
    hip = RegionFigures(region="hip", sensitivity=estimate(0.5, 2), specificity=estimate(0.9, 37))
    return region_words(make_reading(point=make_point(by_region=(hand, hip)), regions=regions))


def test_a_region_with_enough_films_is_shown_with_its_figures():
    (text,) = texts_of_regions(("hand",))
    assert text == (
        "Hand: on test films sensitivity 80 % (70 to 85, n = 61), specificity 90 % (80 to 95, "
        "n = 163)."
    )


@pytest.mark.parametrize(
    ("regions", "words"),
    [
        pytest.param(("hip",), "too few test films for figures (2 fractured, 37 intact; 20",
                     id="too few"),
        pytest.param(("leg",), "(0 fractured, 0 intact", id="never measured"),
        pytest.param((), "not recognised", id="not recognised"),
        pytest.param(None, "was not trained", id="not trained"),
    ],
)  # fmt: skip
def test_missing_figures_of_a_region_are_explained(regions, words):
    (text,) = texts_of_regions(regions)
    assert words in text


def test_two_regions_have_a_sentence_each_and_a_refused_film_has_none():
    assert len(texts_of_regions(("hand", "hip"))) == 2
    assert region_words(make_reading(verdict=Verdict.OUT_OF_SCOPE)) == []


def test_a_reading_says_what_the_model_did_on_films_of_other_hospitals():
    measured = (
        SetSummary(
            name="Elsewhere",
            auroc=Estimate(value=0.657, low=0.56, high=0.743, n=3717),
            refused=Estimate(value=0.145, low=0.1, high=0.2, n=3717),
        ),
        SetSummary(
            name="A clinic", auroc=Estimate(value=0.9, low=0.8, high=0.95, n=80), refused=None
        ),
    )
    (sentence,) = other_sets_words(make_reading(other_sets=measured))
    assert sentence == (
        "Other hospitals: AUROC 0.657 (0.560 to 0.743) on 3,717 films of Elsewhere, 14.5 % of them "
        "refused; AUROC 0.900 (0.800 to 0.950) on 80 films of A clinic."
    )
    (unknown,) = other_sets_words(make_reading())
    assert "not known" in unknown
    assert other_sets_words(make_reading(verdict=Verdict.OUT_OF_SCOPE)) == []
