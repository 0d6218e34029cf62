"""Reports to a PACS that is away, busy or unwilling."""

import threading

import numpy as np
import pytest

from bonefx.pacs import intake as intake_module
from bonefx.pacs import sender as sender_module
from bonefx.pacs.peers import Peer
from bonefx.pacs.sender import Sender, Sent
from tests.fixtures.dicom_files import STUDY_ELEMENTS, make_dicom, make_dicom_of_study
from tests.fixtures.servers.app import find_free_port
from tests.fixtures.servers.fake_pacs import (
    PACS_TITLE,
    FakePacs,
    associated,
    dataset_of,
    run_pacs,
    send,
    wait_until,
)


@pytest.fixture
def film():
    return dataset_of(make_dicom_of_study())


def test_reports_arrive_once_a_pacs_is_there_again(listen, film, caplog):
    port = find_free_port()
    bonefx = listen(port)
    assert send(bonefx.port, film).Status == 0x0000
    wait_until(lambda: "the PACS does not take reports at the moment" in caplog.text)
    with run_pacs(FakePacs(), port=port) as pacs:
        assert set(pacs.wait_for(2)) == {"OT", "SR"}
        wait_until(lambda: bonefx.outbox.delivered == 2)


def test_a_pacs_without_resources_gets_the_same_report_again(listen, film):
    with run_pacs(FakePacs(statuses=[0xA700])) as pacs:
        bonefx = listen(pacs.port)
        send(bonefx.port, film)
        pacs.wait_for(2)
        wait_until(lambda: bonefx.outbox.delivered == 2)
    assert bonefx.outbox.undelivered == 0


def test_reports_that_a_pacs_refuses_are_counted(listen, film, caplog):
    with run_pacs(FakePacs(statuses=[0xC001])) as pacs:
        bonefx = listen(pacs.port)
        send(bonefx.port, film)
        wait_until(lambda: (bonefx.outbox.delivered, bonefx.outbox.undelivered) == (1, 1))
    assert "1 reports of film 1 were not delivered: the PACS refused them" in caplog.text


def test_a_pacs_that_stays_away_is_given_up(listen, film, caplog):
    bonefx = listen(find_free_port(), patience_s=0)
    assert send(bonefx.port, film).Status == 0x0000
    wait_until(lambda: bonefx.outbox.undelivered == 2)
    assert "2 reports of film 1 were not delivered" in caplog.text


def test_a_film_whose_sender_gave_up_gets_no_reports(listen, film, pacs, monkeypatch):
    bonefx = listen(pacs.port)
    entered, leave, read_film = threading.Event(), threading.Event(), intake_module.read_film

    def slow(*arguments):
        entered.set()
        leave.wait(60)
        return read_film(*arguments)

    monkeypatch.setattr(intake_module, "read_film", slow)
    with associated(bonefx.port, film, answer_s=1) as association:
        assert "Status" not in association.send_c_store(film)
        assert entered.is_set()
        (received,) = bonefx.receiver._server.active_associations
        wait_until(lambda: received.dul.state_machine.current_state != "Sta6")
    leave.set()
    wait_until(lambda: bonefx.intake.refused == 1)
    assert bonefx.lines == [{"film": 1, "error": intake_module.GONE}]
    bonefx.outbox.finish(60)
    assert (bonefx.outbox.delivered, bonefx.outbox.undelivered) == (0, 0)


def test_a_pacs_that_reads_no_more_is_given_up_for_the_moment(monkeypatch):
    monkeypatch.setattr(sender_module, "ANSWER_S", 1)
    noise = np.random.default_rng(0).integers(0, 4096, (3000, 3000), np.uint16)
    large = make_dicom(noise, **STUDY_ELEMENTS)  # more than the buffers of a connection hold

    def stop_reading(event):
        event.assoc.dul._is_transport_event = lambda: False

    with run_pacs(FakePacs(), on_accepted=stop_reading, classes=[dataset_of(large)]) as pacs:
        peer = Peer(ae_title=PACS_TITLE, host="127.0.0.1", port=pacs.port)
        assert Sender(peer, ae_title="BONEFX").send([large]) == [Sent.LATER]
