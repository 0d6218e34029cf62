"""bonefx as a receiver of films, in this process, with a small model and a fake PACS."""

import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

pytest.importorskip("pynetdicom", reason="bonefx[pacs] is not installed")

import torch

from bonefx.films.discs.archives import MAX_FILM_BYTES
from bonefx.pacs.film_reports import ReportRequest
from bonefx.pacs.intake import Intake
from bonefx.pacs.outbox import Outbox
from bonefx.pacs.peers import Peer
from bonefx.pacs.receiver import Receiver, ReceiverSettings
from bonefx.pacs.sender import Sender
from bonefx.reading.reader import Reader
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.servers.fake_pacs import MODALITY_TITLE, PACS_TITLE, FakePacs, run_pacs


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pacs") / "weights"
    make_model_folder(folder)
    return folder


@pytest.fixture(scope="session")
def reader(weights):
    return Reader.from_folder(weights, device=torch.device("cpu"), engine="torch")


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def pacs():
    with run_pacs(FakePacs()) as pacs:
        yield pacs


@dataclass
class Listening:
    """A receiver that runs; `port` is a port of this machine, `lines` are what it printed."""

    port: int
    receiver: Receiver
    intake: Intake
    outbox: Outbox
    lines: list[dict[str, Any]]


@pytest.fixture
def listen(reader, temporary):
    """Return a function that starts a receiver which sends reports to a port."""

    @contextmanager
    def listening(
        pacs_port, *, tls=None, send_tls=None, max_film_bytes=MAX_FILM_BYTES, patience_s=60
    ):
        peer = Peer(ae_title=PACS_TITLE, host="127.0.0.1", port=pacs_port)
        sender = Sender(peer, ae_title="BONEFX", tls=send_tls)
        outbox = Outbox(sender.send, patience_s=patience_s)
        lines: list[dict[str, Any]] = []
        request = ReportRequest(forms=("sc", "sr"))
        intake = Intake(reader, request, folder=temporary, outbox=outbox, on_line=lines.append)
        settings = ReceiverSettings(
            host="127.0.0.1", port=0, ae_title="BONEFX", allowed=(MODALITY_TITLE,), tls=tls,
            max_film_bytes=max_film_bytes,
        )  # fmt: skip
        receiver = Receiver(settings, intake.take)
        receiver.start()
        outbox.start()
        try:
            yield Listening(
                port=receiver.port, receiver=receiver, intake=intake, outbox=outbox, lines=lines
            )
        finally:
            receiver.close()
            receiver.disconnect()
            outbox.finish(0)

    with ExitStack() as running:
        yield lambda *args, **settings: running.enter_context(listening(*args, **settings))
