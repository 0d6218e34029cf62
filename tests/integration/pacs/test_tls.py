"""TLS in both directions, with certificates that each side checks."""

import shutil
import socket
import ssl
import subprocess

import pytest

from bonefx.errors import SettingsError
from bonefx.pacs.peers import Peer, TlsFiles
from bonefx.pacs.sender import Sender, Sent
from tests.fixtures.dicom_files import make_dicom_of_study
from tests.fixtures.servers.fake_pacs import (
    PACS_TITLE,
    FakePacs,
    associated,
    dataset_of,
    run_pacs,
    send,
)

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="openssl is not on the PATH")


def make_certificate(folder, name):
    """Write a certificate of this machine, signed by itself, and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject,
         "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files of bonefx, of a PACS that trusts bonefx alone, and the other way round."""
    folder = tmp_path_factory.mktemp("tls")
    own, other = make_certificate(folder, "bonefx"), make_certificate(folder, "pacs")
    return (
        TlsFiles(certificate=own[0], key=own[1], authority=other[0]),
        TlsFiles(certificate=other[0], key=other[1], authority=own[0]),
    )


@pytest.fixture
def film():
    return dataset_of(make_dicom_of_study())


def test_films_come_and_reports_go_over_tls(listen, files, film):
    own, other = files
    with run_pacs(FakePacs(), tls=other.receiving()) as pacs:
        bonefx = listen(pacs.port, tls=own.receiving(), send_tls=own.sending())
        assert send(bonefx.port, film, tls=other.sending()).Status == 0x0000
        assert set(pacs.wait_for(2)) == {"OT", "SR"}


def test_a_peer_without_certificate_or_without_tls_is_refused(listen, files, pacs):
    own, _ = files
    bonefx = listen(pacs.port, tls=own.receiving())
    anonymous = ssl.create_default_context(cafile=own.certificate)
    for tls in (anonymous, None):
        with associated(bonefx.port, tls=tls) as association:
            assert not association.is_established


def test_reports_do_not_go_to_a_pacs_whose_certificate_is_of_nobody_that_is_trusted(files):
    own, other = files
    impostor = TlsFiles(certificate=own.certificate, key=own.key, authority=own.certificate)
    with run_pacs(FakePacs(), tls=impostor.receiving()) as pacs:
        peer = Peer(ae_title=PACS_TITLE, host="127.0.0.1", port=pacs.port)
        trusting = TlsFiles(
            certificate=own.certificate, key=own.key, authority=other.certificate
        ).sending()
        sender = Sender(peer, ae_title="BONEFX", tls=trusting)
        assert sender.send([make_dicom_of_study()]) == [Sent.LATER]
    assert pacs.stored == []


def test_a_peer_that_does_not_shake_hands_keeps_nobody_waiting(listen, files, film, pacs):
    own, other = files
    bonefx = listen(pacs.port, tls=own.receiving())
    with socket.create_connection(("127.0.0.1", bonefx.port)):
        assert send(bonefx.port, film, tls=other.sending()).Status == 0x0000


def test_a_key_of_another_certificate_is_refused(files):
    own, other = files
    with pytest.raises(SettingsError, match="check --tls-cert"):
        TlsFiles(certificate=own.certificate, key=other.key).receiving()
