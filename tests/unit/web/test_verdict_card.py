"""The verdict card: verdicts have words beside the colour, and no figure is rounded to 0 or 1."""

from typing import Any

import pytest

from bonefx.models.decision import reading_at_point
from bonefx.records import (
    Calibration,
    Estimate,
    Guarantee,
    Reason,
    ReasonCode,
    Verdict,
    VerdictShares,
    probability_text,
)
from bonefx.report.wording.reasons import reason_text
from bonefx.web.shared import verdict_card
from bonefx.web.shared.viewer import map_note
from tests.fixtures.records import make_point, make_radiograph, make_reading


def share(value, *, n=115):
    return Estimate(value=value, low=value / 2, high=(1 + value) / 2, n=n)


DATA: Any = {"test_set": "Synthetic bones", "val_share": 0.18}
CALIBRATION = Calibration(method="platt", slope=1.0, intercept=0.0, n=513, split="val")


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict.FRACTURE, "Fracture"),
        (Verdict.NO_FRACTURE, "No fracture"),
        (Verdict.REVIEW, "Review"),
    ],
)
def test_each_verdict_has_words(verdict, words):
    html = verdict_card.verdict_html(make_reading(verdict=verdict), CALIBRATION)
    assert f"</span> {words}</h2>" in html
    assert "0.73" in html


def test_a_film_out_of_scope_has_no_probability_on_screen():
    reading = make_reading(verdict=Verdict.OUT_OF_SCOPE, probability=None, logit=None)
    html = verdict_card.verdict_html(reading, CALIBRATION)
    assert "Out of scope" in html
    assert "probability" not in html


def test_the_card_says_what_the_point_decides_and_elsewhere_before_the_reason():
    shares = VerdictShares(
        fractures_called=share(0.626), fractures_reviewed=share(0.226),
        fractures_missed=share(0.148), intact_called=share(0.026, n=694),
        intact_reviewed=share(0.128, n=694),
    )  # fmt: skip
    reading = make_reading(point=make_point(verdicts=shares), unsuitable_for="children")
    html = verdict_card.verdict_html(reading, CALIBRATION, test_set="Synthetic bones")
    parts = (
        "Fracture</h2>",
        "Of 100 films with a fracture the model calls 63 fracture, sends 22 to review and misses "
        "15; of 100 without one it calls 3 fracture (115 and 694 test films of Synthetic bones).",
        "Other hospitals:",
        "Not for children.",
        'class="reason"',
    )
    places = [html.index(part) for part in parts]
    assert places == sorted(places)
    folded = verdict_card.verdict_html(
        reading, CALIBRATION, test_set="Synthetic bones", folded=True
    )
    opens = folded.index("Figures on test films</summary>")
    assert folded.index('class="reason"') < opens < folded.index(parts[1])
    assert sorted(part for part in parts if part in folded) == sorted(parts)
    table = verdict_card.measured_html(make_point(verdicts=shares), **DATA, prevalence=0.2)
    assert "Fractures called no fracture" in table
    assert "14.8 %" in table


def test_no_figure_of_the_model_stands_beside_a_film_outside_its_scope():
    refusal = Reason(code=ReasonCode.UNLIKE_TRAINING_FILMS, value=9.0, limit=2.0)
    reading = make_reading(outside_scope=refusal, unsuitable_for="children")
    assert "measured-note" not in verdict_card.verdict_html(reading, CALIBRATION)


@pytest.mark.parametrize(
    ("probability", "text"), [(0.0, "<0.01"), (0.004, "<0.01"), (0.4249, "0.42"), (0.999, ">0.99")]
)
def test_no_probability_is_rounded_to_certainty(probability, text):
    assert probability_text(probability) == text


def test_no_edge_of_a_review_band_is_rounded_to_certainty():
    point = make_point(threshold=0.09, review_band=(0.0007, 0.9996))
    html = verdict_card.verdict_html(make_reading(point=point), CALIBRATION)
    assert "review band &lt;0.01 to &gt;0.99</span>" in html
    assert "0.00" not in html


def test_a_figure_that_was_not_measured_is_shown_as_such():
    assert (
        verdict_card.measured_html(make_point(), **DATA, prevalence=0.2).count("not measured") == 4
    )
    sensitivity = Estimate(value=0.8, low=0.71, high=0.87, n=98)
    html = verdict_card.measured_html(make_point(sensitivity=sensitivity), **DATA, prevalence=0.2)
    assert "80.0 %" in html
    assert "71.0 &ndash; 87.0" in html
    assert ">98<" in html


def test_predictive_values_follow_the_prevalence_and_its_intervals():
    measured = Estimate(value=0.9, low=0.8, high=0.95, n=100)
    point = make_point(sensitivity=measured, specificity=measured)
    assert verdict_card.own_prevalence(point) == 0.5
    html = verdict_card.measured_html(point, **DATA, prevalence=0.1)
    assert "50.0 %</td><td>30.8 &ndash; 67.9</td><td>at 10 %" in html
    assert "98.8 %" in html


def test_a_certified_band_states_its_guarantee():
    held = Guarantee(missed_at_most=0.075, confidence=0.95, n=392, missed=13)
    html = verdict_card.measured_html(make_point(guarantee=held), **DATA, prevalence=0.2)
    assert "with 95 % confidence at most 7.5 % of the films called no fracture" in html
    assert "13 of 392 were" in html
    assert "confidence" not in verdict_card.measured_html(make_point(), **DATA, prevalence=0.2)


def test_films_of_a_measurement_are_named_and_counted():
    measured = Estimate(value=0.9, low=0.8, high=0.95, n=100)
    point = make_point(sensitivity=measured, specificity=measured)
    html = verdict_card.measured_html(point, **DATA, prevalence=0.1)
    assert "Measured on 200 test films of Synthetic bones at" in html


def test_figures_that_the_prevalence_slider_does_not_change_are_shown_with_their_prevalence():
    measured = Estimate(value=0.9, low=0.8, high=0.95, n=100)
    held = Guarantee(missed_at_most=0.075, confidence=0.95, n=392, missed=13)
    point = make_point(
        sensitivity=measured, specificity=measured, missed_rate=measured, guarantee=held
    )
    for prevalence in (0.02, 0.6):
        html = verdict_card.measured_html(point, **DATA, prevalence=prevalence)
        assert "only predictive values follow the share of fractures set below" in html
        assert "missed fractures apply to the test films, 50 % of which are fractured" in html
        assert "this holds where 18 % of the films are fractured" in html


def test_text_from_a_file_cannot_become_markup():
    html = verdict_card.not_read_html("<script>alert(1)</script>")
    assert "<script>" not in html


def test_only_facts_that_a_film_gives_are_listed():
    assert [name for name, _ in verdict_card.film_facts(make_radiograph())] == ["Film"]
    film = make_radiograph(body_part="HAND", view="PA", laterality="L", spacing_mm=(0.14, 0.14))
    assert [name for name, _ in verdict_card.film_facts(film)] == [
        "Film", "Body part", "View", "Laterality", "Pixel spacing",
    ]  # fmt: skip


def test_a_missing_map_is_explained():
    assert "below the floor" in map_note(make_reading(), heat_floor=0.5)


def test_another_point_decides_again_on_the_same_probability():
    strict = make_point(name="specific", threshold=0.9, review_band=(0.8, 0.95))
    reading = make_reading(probability=0.73)
    again = reading_at_point(reading, strict)
    assert (again.verdict, again.probability) == (Verdict.NO_FRACTURE, 0.73)
    assert again.point is strict
    review = reading_at_point(reading, make_point(threshold=0.7, review_band=(0.6, 0.8)))
    assert review.verdict is Verdict.REVIEW
    assert "review band" in reason_text(review.reason)
