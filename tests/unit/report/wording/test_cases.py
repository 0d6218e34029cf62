"""The words for a case and for what a film's header names."""

from typing import Any

import pytest

from bonefx.records import Case, StudyPart, Verdict
from bonefx.report.wording.cases import CASE_LIMITS, case_words, film_words


def make_case(**changes):
    case: dict[str, Any] = {
        "number": 1, "places": (1, 2), "n_films": 2, "verdict": Verdict.REVIEW,
        "part": StudyPart(study="0" * 16, body_part="wrist", laterality="L"),
    }  # fmt: skip
    return Case(**(case | changes))


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        pytest.param(StudyPart(body_part="wrist", laterality="L"), "wrist, left", id="both"),
        pytest.param(StudyPart(body_part="pelvis"), "pelvis", id="no side"),
        pytest.param(StudyPart(laterality="R"), "body part not named, right", id="no part"),
        pytest.param(StudyPart(), "body part not named", id="nothing"),
    ],
)
def test_a_case_is_named_by_part_side_and_films(part, expected):
    assert case_words(make_case(part=part)) == f"{expected}, 2 films"
    assert case_words(make_case(part=part, n_films=1)) == f"{expected}, 1 film"


def test_a_film_is_named_by_what_its_header_names_alone():
    wrist = StudyPart(study="0" * 16, body_part="wrist", laterality="R")
    assert film_words(wrist, "PA") == "wrist, right, PA"
    assert film_words(StudyPart(laterality="L"), None) == "left"
    assert film_words(StudyPart(), None) == ""


def test_the_limits_say_that_no_figure_holds_for_a_case():
    assert "measured film by film" in CASE_LIMITS
    assert "no figure of the model holds for a case" in CASE_LIMITS
