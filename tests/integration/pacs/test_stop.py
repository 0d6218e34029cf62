"""From the stop signal to the end: the film in progress, further films, and waiting reports."""

import os
import signal
import threading
from contextlib import contextmanager

import pytest

from bonefx.pacs import intake as intake_module
from bonefx.pacs.film_reports import ReportRequest
from bonefx.pacs.intake import Intake
from bonefx.pacs.listener import Listener
from bonefx.pacs.outbox import Outbox
from bonefx.pacs.peers import Peer
from bonefx.pacs.receiver import Receiver, ReceiverSettings
from bonefx.pacs.sender import Sender
from tests.fixtures.dicom_files import make_dicom_of_study
from tests.fixtures.servers.fake_pacs import (
    MODALITY_TITLE,
    PACS_TITLE,
    associated,
    dataset_of,
    wait_until,
)


@pytest.fixture
def listener(reader, temporary, pacs):
    sender = Sender(Peer(ae_title=PACS_TITLE, host="127.0.0.1", port=pacs.port), ae_title="BONEFX")
    outbox = Outbox(sender.send)
    request = ReportRequest(forms=("sc", "sr"))
    intake = Intake(reader, request, folder=temporary, outbox=outbox, on_line=lambda _: None)
    settings = ReceiverSettings(
        host="127.0.0.1", port=0, ae_title="BONEFX", allowed=(MODALITY_TITLE,)
    )
    receiver = Receiver(settings, intake.take)
    return lambda stop_s: Listener(receiver=receiver, intake=intake, outbox=outbox, stop_s=stop_s)


@contextmanager
def beside(work):
    """Do some work in a thread until the end of the block."""
    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join(60)


@pytest.fixture
def slow(monkeypatch):
    """Let the reading of a film wait; return the events of its begin, and to let it go on."""
    entered, leave, read_film = threading.Event(), threading.Event(), intake_module.read_film

    def wait_and_read(*arguments):
        entered.set()
        leave.wait(60)
        return read_film(*arguments)

    monkeypatch.setattr(intake_module, "read_film", wait_and_read)
    return entered, leave


def test_the_film_in_progress_is_answered_and_reported_and_further_ones_are_refused(
    listener, pacs, slow
):
    entered, leave = slow
    films = [dataset_of(make_dicom_of_study(SOPInstanceUID=f"1.2.{n}")) for n in (1, 2)]
    running, started = listener(60), threading.Event()
    statuses: list[int] = []

    def modality():
        started.wait(60)
        with associated(running.receiver.port, *films) as association:
            statuses.extend(association.send_c_store(film).Status for film in films)

    def operator():
        entered.wait(60)
        os.kill(os.getpid(), signal.SIGTERM)
        wait_until(lambda: running.intake._stopping)
        leave.set()

    with beside(modality), beside(operator):
        assert running.serve(started.set)
    assert statuses == [0x0000, 0xA700]
    assert {dataset.Modality for dataset in pacs.stored} == {"OT", "SR"}
    assert (running.outbox.delivered, running.outbox.undelivered) == (2, 0)


def test_a_film_that_takes_longer_than_the_limit_is_not_waited_for(listener, pacs, slow):
    entered, leave = slow
    film = dataset_of(make_dicom_of_study())
    running, started, answers = listener(0), threading.Event(), []

    def modality():
        started.wait(60)
        with associated(running.receiver.port, film) as association:
            answers.append(association.send_c_store(film))

    def operator():
        entered.wait(60)
        os.kill(os.getpid(), signal.SIGTERM)

    with beside(modality), beside(operator):
        assert not running.serve(started.set)
        assert (running.intake.read, running.intake.refused) == (0, 1)
        leave.set()
    assert "Status" not in answers[0]
    wait_until(lambda: not running.intake.is_busy)
    assert pacs.stored == []
