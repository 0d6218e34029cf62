"""Cases in the table of the worklist: grouped as films arrive, joined and split by the user."""

from __future__ import annotations

import gradio as gr
import pytest
import torch

from bonefx.reading.reader import Reader
from bonefx.records import Verdict
from bonefx.web.worklist.handlers import WorklistHandlers
from bonefx.web.worklist.session_list import SessionLists
from tests.fixtures.dicom_files import STUDY_ELEMENTS, make_dicom_of_study
from tests.fixtures.image_files import make_grey
from tests.fixtures.model_folders import make_model_folder

FILMS = (  # study, body part, side, view
    ("1.2.1", "WRIST", "L", "PA"),
    ("1.2.2", "ELBOW", "R", "AP"),
    ("1.2.1", "WRIST", "L", "LL"),
    ("1.2.1", "", "L", "LL"),
)


@pytest.fixture(scope="module")
def handlers(tmp_path_factory):
    weights = tmp_path_factory.mktemp("weights")
    make_model_folder(weights)
    reader = Reader.from_folder(weights, device=torch.device("cpu"))
    return WorklistHandlers(reader=reader, session_lists=SessionLists())


@pytest.fixture
def session_list(handlers, tmp_path):
    """Return a queued list of four films: three of one case, and another."""
    for index, (study, part, side, view) in enumerate(FILMS):
        content = make_dicom_of_study(
            stored=make_grey(high=4000 - index, dtype="uint16"),
            StudyInstanceUID=study, BodyPartExamined=part, Laterality=side, ViewPosition=view,
        )  # fmt: skip
        (tmp_path / f"{index}.dcm").write_bytes(content)
    queued = handlers.session_lists.open("session")
    queued.add_uploads(sorted(str(path) for path in tmp_path.glob("*.dcm")), from_folder=False)
    queued.queue()
    yield queued
    queued.close()


def run(handlers, session_list):
    return list(handlers.on_run(session_list, "tiny", "balanced"))


def change(handlers, session_list, action, places, *, number=None):
    """Join or split films as the page asks for it; return their cases in the new table."""
    number = session_list.sequence_number if number is None else number
    event = gr.EventData(None, {"action": action, "places": places, "number": number})
    value = handlers.on_cases(session_list, event)
    return value if value == gr.skip() else places_of(value)


def places_of(value):
    return [sorted(case["places"]) for case in value["cases"]]


def test_films_are_grouped_as_they_arrive(handlers, session_list):
    values = run(handlers, session_list)
    assert [places_of(value) for value in values] == [
        [], [], [[1, 3]], [[1, 3, 4]], [[1, 3, 4]],
    ]  # fmt: skip
    (case,) = values[-1]["cases"]
    assert "Case: wrist, left, 3 films" in case["html"]
    assert f"Study {session_list.rows[0].part.study}" in case["html"]


def test_rows_show_part_side_and_view(handlers, session_list):
    rows = run(handlers, session_list)[-1]["rows"]
    for row, words in zip(
        rows, ("wrist, left, PA", "elbow, right, AP", "wrist, left, LL", "left, LL"), strict=True
    ):
        assert f"<small>{words}</small>" in row


def test_the_table_names_no_study_and_no_patient(handlers, session_list):
    told = str(run(handlers, session_list)[-1])
    for secret in ("1.2.1", STUDY_ELEMENTS["AccessionNumber"], STUDY_ELEMENTS["PatientID"]):
        assert secret not in told


def test_a_case_has_the_verdict_of_its_most_urgent_film(handlers, session_list):
    (case,) = run(handlers, session_list)[-1]["cases"]
    most_urgent = session_list.rows[case["places"][0] - 1]
    assert isinstance(most_urgent.verdict, Verdict)
    assert f'class="head {most_urgent.verdict.value}"' in case["html"]
    assert f"Verdict of number {most_urgent.place}" in case["html"]


def test_selected_films_are_joined_and_split(handlers, session_list):
    run(handlers, session_list)
    assert change(handlers, session_list, "join", [2, 3]) == [[1, 4], [2, 3]]
    assert change(handlers, session_list, "split", [1, 2]) == []
    assert change(handlers, session_list, "join", [1, 2, 3, 4, 5, 0]) == [[1, 2, 3, 4]]


def test_a_stale_request_and_one_while_films_are_read_change_nothing(handlers, session_list):
    running = handlers.on_run(session_list, "tiny", "balanced")
    next(running)
    assert change(handlers, session_list, "join", [1, 2]) == gr.skip()
    list(running)
    old = session_list.sequence_number
    change(handlers, session_list, "join", [1, 2])
    assert change(handlers, session_list, "split", [1, 2], number=old) == gr.skip()


def test_what_was_joined_stays_at_another_operating_point_and_is_gone_with_the_list(
    handlers, session_list
):
    run(handlers, session_list)
    change(handlers, session_list, "join", [1, 2])
    value = handlers.on_point("screening", session_list, session_list.key)
    assert places_of(value) == [[1, 2], [3, 4]] or places_of(value) == [[3, 4], [1, 2]]
    session_list.close()
    with pytest.raises(gr.Error, match="choose them again"):
        change(handlers, session_list, "join", [1, 2])
    assert handlers.session_lists.open("session").case_choices.groups == ()
