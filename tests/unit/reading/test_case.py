"""Cases: which films of a list belong together, and the verdict of each case."""

from __future__ import annotations

import itertools

import pytest

from bonefx.films.sources import FilmSource
from bonefx.reading.case import cases_of, study_part
from bonefx.reading.worklist_row import WorklistRow
from bonefx.records import NO_CHOICES, StudyPart, Verdict
from tests.fixtures.records import make_radiograph, make_reading

CALM = {"verdict": Verdict.NO_FRACTURE, "probability": 0.1}


def make_row(
    place, part=None, side=None, *, study="a", error=None, sha256=None, **reading
):  # fmt: skip
    return WorklistRow(
        place=place,
        source=FilmSource(name=f"{place}.dcm", path=None),
        reading=None if error else make_reading(**(CALM | reading)),
        error=error,
        sha256=sha256 or f"{place:064}",
        part=StudyPart(study=study, body_part=part, laterality=side),
    )


def grouped(rows, choices=NO_CHOICES):
    """Return the places of each case, in the order of the list."""
    return sorted(sorted(case.places) for case in cases_of(rows, choices))


def test_films_of_one_study_part_and_side_are_one_case():
    rows = [
        make_row(1, "wrist", "L"),
        make_row(2, "wrist", "R"),
        make_row(3, "wrist", "L"),
        make_row(4, "elbow", "L"),
        make_row(5, "wrist", "L", study="b"),
    ]
    assert grouped(rows) == [[1, 3], [2], [4], [5]]


def test_films_without_a_study_are_cases_of_their_own():
    rows = [make_row(1, study=None), make_row(2, study=None), make_row(3, error="x", study=None)]
    assert grouped(rows) == [[1], [2], [3]]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param([("wrist", "L"), (None, "L")], [[1, 2]], id="no part, one case"),
        pytest.param([("wrist", "L"), ("wrist", None)], [[1, 2]], id="no side, one case"),
        pytest.param([("wrist", "L"), (None, None)], [[1, 2]], id="neither, one case"),
        pytest.param([("wrist", "L"), (None, "R")], [[1], [2]], id="the other side"),
        pytest.param([("wrist", "L"), ("elbow", None)], [[1], [2]], id="another part"),
        pytest.param(
            [("wrist", "L"), ("wrist", "R"), ("wrist", None)], [[1], [2], [3]], id="either side"
        ),
        pytest.param(
            [("wrist", "L"), ("elbow", "L"), (None, "L"), (None, "L")],
            [[1], [2], [3, 4]],
            id="two films of an unknown part",
        ),
        pytest.param([("wrist", None), (None, None)], [[1, 2]], id="a case without a side"),
        pytest.param([("wrist", None), (None, "L"), (None, "R")], [[1], [2], [3]], id="both sides"),
        pytest.param([(None, None), (None, None)], [[1, 2]], id="nothing named in the study"),
    ],
)
def test_a_film_that_names_less_joins_the_only_case_it_can_belong_to(parts, expected):
    rows = [make_row(place, *part) for place, part in enumerate(parts, start=1)]
    for order in itertools.permutations(rows):
        assert grouped(order) == expected


def test_a_film_leaves_its_case_when_a_later_one_makes_it_doubtful():
    rows = [make_row(1, "wrist", "L"), make_row(2, "wrist"), make_row(3, "wrist", "R")]
    assert grouped(rows[:2]) == [[1, 2]]
    assert grouped(rows) == [[1], [2], [3]]


def test_the_verdict_is_that_of_the_most_urgent_film():
    rows = [
        make_row(1, "wrist", "L"),
        make_row(2, "wrist", "L", verdict=Verdict.FRACTURE, probability=0.8),
        make_row(3, "wrist", "L", verdict=Verdict.REVIEW, probability=0.5),
    ]
    (case,) = cases_of(rows)
    assert (case.verdict, case.places, case.n_films) == (Verdict.FRACTURE, (2, 3, 1), 3)
    assert (case.part.body_part, case.part.laterality) == ("wrist", "L")


def test_a_film_without_an_answer_keeps_a_case_from_being_called_no_fracture():
    rows = [make_row(1, "wrist", "L"), make_row(2, "wrist", "L", error="damaged")]
    assert cases_of(rows)[0].verdict is None
    rows[1] = make_row(2, "wrist", "L", verdict=Verdict.OUT_OF_SCOPE, probability=None)
    assert cases_of(rows)[0].verdict is Verdict.OUT_OF_SCOPE


def test_cases_are_sorted_by_urgency_and_numbered_in_the_order_of_the_list():
    rows = [
        make_row(1, "wrist", "L"),
        make_row(2, "elbow", "L", probability=0.3),
        make_row(3, "wrist", "L", verdict=Verdict.FRACTURE, probability=0.9),
        make_row(4, study=None, verdict=Verdict.REVIEW, probability=0.5),
    ]
    cases = cases_of(rows)
    assert [(case.number, case.places) for case in cases] == [(1, (3, 1)), (3, (4,)), (2, (2,))]


def test_copies_of_a_film_count_once():
    rows = [make_row(place, "wrist", "L", sha256="c" * 64) for place in (1, 2)]
    (case,) = cases_of(rows)
    assert (case.places, case.n_films) == ((1, 2), 1)


def test_what_the_user_joins_and_splits_counts_before_the_headers():
    rows = [make_row(place, "wrist", "L") for place in (1, 2, 3)]
    rows += [make_row(place, study=None) for place in (4, 5)]
    joined = NO_CHOICES.joined({3, 4})
    assert grouped(rows, joined) == [[1, 2], [3, 4], [5]]
    assert grouped(rows, joined.joined({4, 5})) == [[1, 2], [3], [4, 5]]
    assert grouped(rows, joined.split({3, 4})) == [[1, 2], [3], [4], [5]]
    assert grouped(rows, joined.split({1, 2, 3})) == [[1], [2], [3], [4], [5]]
    assert grouped(rows, joined.split({1, 3, 4}).joined({1, 2, 3, 4, 5})) == [[1, 2, 3, 4, 5]]


def test_a_film_that_is_joined_makes_no_case_of_its_study_doubtful():
    rows = [make_row(1, "wrist", "L"), make_row(2, "wrist", "R"), make_row(3, "wrist")]
    assert grouped(rows, NO_CHOICES.split({2})) == [[1, 3], [2]]


def test_a_joined_case_names_what_its_films_have_in_common():
    rows = [make_row(1, "wrist", "L"), make_row(2, "elbow", "L"), make_row(3, study=None)]
    (case,) = cases_of(rows, NO_CHOICES.joined({1, 2, 3}))
    assert case.part == StudyPart(study="a", body_part=None, laterality="L")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param("WRIST", "wrist", id="a limb"),
        pytest.param("L_WRIST", "wrist", id="with a side"),
        pytest.param("PA WRIST", "wrist", id="with a view"),
        pytest.param("FOOT", "foot", id="narrower than a region"),
        pytest.param("UPPER ARM", "upper arm", id="two words"),
        pytest.param("HAND / WRIST", "hand and wrist", id="two parts"),
        pytest.param("CHEST", "chest", id="no limb"),
        pytest.param(None, None, id="not named"),
    ],
)
def test_the_part_of_a_film_is_the_word_for_it_in_the_header(header, expected):
    film = make_radiograph(body_part=header, laterality="R", study="a")
    assert study_part(film) == StudyPart(study="a", body_part=expected, laterality="R")
