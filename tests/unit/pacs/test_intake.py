"""What a sender is answered, and what becomes of its film."""

import shutil
import tempfile
import threading

import pytest

from bonefx.pacs import intake as intake_module
from bonefx.pacs.film_reports import ReportRequest
from bonefx.pacs.intake import Intake
from bonefx.pacs.outbox import Outbox
from tests.fixtures.dicom_files import STUDY_ELEMENTS, make_dicom, make_dicom_of_study

SECRETS = [
    STUDY_ELEMENTS[keyword]
    for keyword in ("PatientName", "PatientID", "AccessionNumber", "SOPInstanceUID")
]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Folder of the run; the one of the system does not exist."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "system"))
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


@pytest.fixture
def lines():
    return []


@pytest.fixture
def make_intake(reader, lines, temporary):
    def make(outbox=None, forms=("sc", "sr"), **settings):
        request = ReportRequest(forms=forms)
        settings = {"on_line": lines.append} | settings
        return Intake(reader, request, folder=temporary, outbox=outbox, **settings)

    return make


def waiting(outbox):
    """Count the objects that wait in an outbox that was not started."""
    outbox.finish(0)
    return outbox.undelivered


def test_a_film_is_read_before_its_answer_and_nothing_of_it_is_kept(make_intake, lines, temporary):
    outbox = Outbox(lambda _: [])
    intake = make_intake(outbox)
    assert intake.take(make_dicom_of_study()).status == 0x0000
    assert (intake.read, intake.refused) == (1, 0)
    (line,) = lines
    assert (line["film"], line["model"]) == (1, "tiny")
    assert not any(secret in str(line) for secret in SECRETS)
    assert list(temporary.iterdir()) == []
    assert waiting(outbox) == 2


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(make_dicom_of_study(Modality="CT"), "modality CT", id="another modality"),
        pytest.param(make_dicom_of_study(Modality="OT"), "modality OT", id="as bonefx sends"),
        pytest.param(make_dicom_of_study()[:400], "", id="damaged"),
        pytest.param(make_dicom(), "StudyInstanceUID", id="without a study"),
        pytest.param(b"", "", id="empty"),
    ],
)  # fmt: skip
def test_a_film_that_cannot_be_read_is_refused_with_the_reason(
    make_intake, lines, temporary, content, why
):
    outbox = Outbox(lambda _: [])
    intake = make_intake(outbox)
    answer = intake.take(content)
    assert answer.status == 0xC000
    assert why in answer.comment
    assert lines == [{"film": 1, "error": answer.comment}]
    assert (intake.read, intake.refused) == (0, 1)
    assert list(temporary.iterdir()) == []
    assert waiting(outbox) == 0


def test_a_film_whose_sender_has_gone_leaves_no_reports_since_it_is_sent_again(make_intake, lines):
    outbox = Outbox(lambda _: [])
    answer = make_intake(outbox).take(make_dicom_of_study(), is_waiting=lambda: False)
    assert (answer.status, answer.comment) == (0xA700, intake_module.GONE)
    assert lines == [{"film": 1, "error": intake_module.GONE}]
    assert waiting(outbox) == 0


def test_without_a_pacs_films_are_read_and_no_reports_are_made(make_intake, lines):
    assert make_intake(forms=()).take(make_dicom()).status == 0x0000
    assert lines[0]["verdict"] is not None


@pytest.fixture
def slow(monkeypatch):
    """Let each film be decoded until the second event, and then fail."""
    entered, leave = threading.Event(), threading.Event()

    def decode(*_):
        entered.set()
        leave.wait()
        raise intake_module.UnreadableRadiographError("late")

    monkeypatch.setattr(intake_module, "open_film", decode)
    return entered, leave


def test_a_film_waits_for_a_limited_time_and_is_then_to_be_sent_again(make_intake, slow, lines):
    entered, leave = slow
    intake = make_intake(wait_s=0)
    first = threading.Thread(target=intake.take, args=(b"",))
    first.start()
    entered.wait()
    assert intake.is_busy
    answer = intake.take(b"")
    leave.set()
    first.join()
    assert (answer.status, answer.comment) == (0xA700, intake_module.BUSY)
    assert not intake.is_busy
    assert lines == [{"film": 2, "error": intake_module.BUSY}, {"film": 1, "error": "late"}]


def test_abandoned_films_leave_no_file_and_get_a_line_that_does_not_blame_them(
    make_intake, slow, lines, temporary
):
    entered, leave = slow
    intake, answers = make_intake(wait_s=60), []
    threads = [
        threading.Thread(target=lambda: answers.append(intake.take(make_dicom_of_study())))
        for _ in range(2)
    ]
    threads[0].start()
    entered.wait()
    threads[1].start()
    while intake._waiting < 2:
        threading.Event().wait(0.01)
    intake.abandon()
    shutil.rmtree(temporary)  # as at the end of a run
    leave.set()
    for thread in threads:
        thread.join()
    assert lines == [{"film": n, "error": intake_module.ABANDONED} for n in (1, 2)]
    assert {answer.comment for answer in answers} == {intake_module.STOPPING}
    assert (intake.read, intake.refused) == (0, 2)
    assert not temporary.exists()


def test_a_film_whose_line_cannot_be_written_leaves_no_reports_since_it_is_sent_again(make_intake):
    def closed(_):
        raise BrokenPipeError

    outbox = Outbox(lambda _: [])
    intake = make_intake(outbox, on_line=closed)
    assert intake.take(make_dicom_of_study()).status == 0x0110
    assert waiting(outbox) == 0


def test_a_full_outbox_refuses_films_for_the_moment(make_intake, lines):
    answer = make_intake(Outbox(lambda _: [], max_films=0)).take(make_dicom_of_study())
    assert (answer.status, answer.comment) == (0xA700, intake_module.OUTBOX_FULL)
    assert lines == [{"film": 1, "error": intake_module.OUTBOX_FULL}]


def test_an_intake_that_stops_refuses_films_for_the_moment(make_intake, lines):
    intake = make_intake()
    intake.stop()
    answer = intake.take(make_dicom_of_study())
    assert (answer.status, answer.comment) == (0xA700, intake_module.STOPPING)
    assert lines == [{"film": 1, "error": intake_module.STOPPING}]


def test_a_temporary_folder_without_space_refuses_films_for_the_moment(
    make_intake, monkeypatch, caplog
):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(intake_module.Path, "write_bytes", full)
    answer = make_intake().take(make_dicom_of_study())
    assert (answer.status, answer.comment) == (0xA700, intake_module.NO_SPACE)
    assert "No space left on device" in caplog.text


def test_a_fault_of_bonefx_is_answered_and_logged(make_intake, monkeypatch, caplog, lines):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(intake_module, "read_film", fail)
    answer = make_intake().take(make_dicom_of_study())
    assert (answer.status, answer.comment) == (0x0110, intake_module.FAILED)
    assert "ZeroDivisionError" in caplog.text
    assert lines == [{"film": 1, "error": intake_module.FAILED}]
