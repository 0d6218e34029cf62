"""Who may send, and how much."""

import socket
import struct
import threading
from functools import partial

import numpy as np
import pytest
from pynetdicom import evt

from bonefx.pacs import association_server, intake, receiver
from tests.fixtures.dicom_files import STUDY_ELEMENTS, make_dicom, make_dicom_of_study
from tests.fixtures.servers.fake_pacs import associated, dataset_of, send, wait_until


@pytest.fixture
def film():
    return dataset_of(make_dicom_of_study())


def test_an_echo_is_answered(listen, pacs):
    with associated(listen(pacs.port).port) as association:
        assert association.send_c_echo().Status == 0x0000


@pytest.mark.parametrize("names", [{"title": "STRANGER"}, {"called": "OTHER"}])
def test_other_titles_are_refused_and_their_names_stay_out_of_the_log(listen, pacs, caplog, names):
    with associated(listen(pacs.port).port, **names) as association:
        assert association.is_rejected
    wait_until(lambda: "an association was refused" in caplog.text)
    assert not any(name in caplog.text for name in names.values())


def test_a_film_beyond_the_limit_ends_its_association_and_no_other(listen, pacs, film, caplog):
    bonefx = listen(pacs.port, max_film_bytes=100_000)
    noise = np.random.default_rng(0).integers(0, 4096, (1500, 1500), np.uint16)
    large = dataset_of(make_dicom(noise, **STUDY_ELEMENTS))
    with associated(bonefx.port, film) as other:
        assert "Status" not in send(bonefx.port, large)
        assert "sent more than a film may have" in caplog.text
        assert other.send_c_store(film).Status == 0x0000
    assert len(bonefx.lines) == 1


def test_the_limit_is_that_of_each_film_not_of_an_association(listen, pacs, caplog):
    noise = np.random.default_rng(0).integers(0, 4096, (900, 900), np.uint16)
    film = dataset_of(make_dicom(noise, **STUDY_ELEMENTS))
    bonefx = listen(pacs.port, max_film_bytes=100_000)
    with associated(bonefx.port, film) as association:
        assert [association.send_c_store(film).Status for _ in range(3)] == [0, 0, 0]
    assert "sent more" not in caplog.text


@pytest.mark.parametrize("kind", [0x01, 0x04], ids=["association", "data"])
def test_a_message_that_claims_gigabytes_ends_its_connection_at_once(listen, pacs, kind):
    with socket.create_connection(("127.0.0.1", listen(pacs.port).port), timeout=30) as peer:
        peer.sendall(struct.pack(">BBL", kind, 0, 0xFFFFFFFF) + b"\0" * 100)
        assert peer.recv(100) == b""


def test_a_film_that_is_read_for_longer_than_a_peer_may_be_silent_is_answered(
    listen, pacs, film, monkeypatch
):
    monkeypatch.setattr(receiver, "SILENT_S", 2)
    bonefx, read_film = listen(pacs.port), intake.read_film

    def slow(*arguments):
        (received,) = bonefx.receiver._server.active_associations
        wait_until(received.dul.idle_timer_expired)
        return read_film(*arguments)

    monkeypatch.setattr(intake, "read_film", slow)
    with associated(bonefx.port, film) as association:
        assert [association.send_c_store(film).Status for _ in range(2)] == [0, 0]
        assert association.is_established


def test_no_more_connections_are_kept_than_a_limit(listen, pacs, monkeypatch):
    monkeypatch.setattr(association_server, "MAX_CONNECTIONS", 2)
    bonefx = listen(pacs.port)
    connect = partial(socket.create_connection, ("127.0.0.1", bonefx.port), timeout=30)
    with connect(), connect():
        wait_until(lambda: len(bonefx.receiver._server.active_associations) == 2)
        with connect() as third:
            assert third.recv(100) == b""


def test_a_peer_that_is_silent_in_a_message_does_not_hold_up_the_end(listen, pacs, film):
    bonefx = listen(pacs.port)
    with associated(bonefx.port, film) as association:
        (received,) = bonefx.receiver._server.active_associations
        association.dul.socket.socket.sendall(struct.pack(">BBL", 0x04, 0, 500) + b"a part")
        wait_until(lambda: not received.dul.socket.ready)
        bonefx.receiver.disconnect()
        assert not received.dul.is_alive()


def test_peers_that_connect_and_say_nothing_keep_nobody_waiting(listen, pacs, film):
    bonefx = listen(pacs.port)
    silent = [socket.create_connection(("127.0.0.1", bonefx.port)) for _ in range(5)]
    wait_until(lambda: len(bonefx.receiver._server.active_associations) == 5)
    assert send(bonefx.port, film).Status == 0x0000
    for peer in silent:
        peer.close()


def test_a_peer_that_sends_one_byte_is_disconnected_like_one_that_sends_none(
    listen, pacs, monkeypatch
):
    monkeypatch.setattr(receiver, "ASSOCIATE_S", 0.5)
    bonefx = listen(pacs.port)
    with socket.create_connection(("127.0.0.1", bonefx.port), timeout=30) as peer:
        peer.sendall(b"\x01")
        assert peer.recv(100) == b""
    wait_until(lambda: not bonefx.receiver._server.active_associations)


def test_no_more_associations_are_open_than_a_limit(listen, pacs, film, monkeypatch, caplog):
    monkeypatch.setattr(receiver, "MAX_ASSOCIATIONS", 1)
    bonefx = listen(pacs.port)
    with associated(bonefx.port, film) as first:
        with associated(bonefx.port, film) as second:
            assert second.is_rejected
        assert first.send_c_store(film).Status == 0x0000
    wait_until(lambda: "too many are open" in caplog.text)
    wait_until(lambda: not bonefx.receiver._server.active_associations)
    assert send(bonefx.port, film).Status == 0x0000


def test_messages_that_wait_for_their_answers_share_one_allowance(
    listen, pacs, film, caplog, monkeypatch
):
    monkeypatch.setattr(receiver, "OVERHEAD_BYTES", 0)
    gates = [threading.Event(), threading.Event()]
    entered = [threading.Event(), threading.Event()]
    read_film, films = intake.read_film, iter(range(2))

    def slow(*arguments):
        number = next(films)
        entered[number].set()
        gates[number].wait(60)
        return read_film(*arguments)

    bonefx = listen(pacs.port, max_film_bytes=60_000)
    with associated(bonefx.port, film) as association:
        sent: list[bytes] = []
        association.bind(evt.EVT_DATA_SENT, lambda event: sent.append(event.data))
        association.send_c_echo()
        association.send_c_store(film)
        echo, store = sent[0], b"".join(sent[1:])
        assert 20_000 > len(store) > 15_000
        monkeypatch.setattr(intake, "read_film", slow)
        (received,) = bonefx.receiver._server.active_associations
        peer = association.dul.socket.socket
        peer.sendall(store)
        entered[0].wait(60)
        peer.sendall(echo + store)
        wait_until(lambda: received.dimse.msg_queue.qsize() == 2)
        gates[0].set()
        entered[1].wait(60)
        assert "sent more" not in caplog.text
        peer.sendall(store + store)
        wait_until(lambda: "sent more than a film may have" in caplog.text)
        gates[1].set()
