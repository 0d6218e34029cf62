"""Send DICOM objects to a PACS (storage SCU)."""

from __future__ import annotations

import enum
import io
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bonefx.pacs.film_classes import NATIVE_SYNTAXES
from bonefx.pacs.library import prepare_network
from bonefx.pacs.peers import Peer

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset
    from pynetdicom.association import Association
    from pynetdicom.events import Event

CONNECT_S, ANSWER_S = 10, 60
SUCCESS = 0x0000
WARNINGS = range(0xB000, 0xC000)  # stored, though some elements were changed or left out
OUT_OF_RESOURCES = range(0xA700, 0xA800)  # PS3.4, table B.2-1


class Sent(enum.Enum):
    """What became of an object: stored, not taken at the moment, or refused for good."""

    STORED = enum.auto()
    LATER = enum.auto()
    REFUSED = enum.auto()


class Sender:
    """Sends DICOM objects to one PACS."""

    def __init__(self, peer: Peer, *, ae_title: str, tls: ssl.SSLContext | None = None) -> None:
        prepare_network()
        self._peer = peer
        self._ae_title = ae_title
        self._tls = tls

    def send(self, objects: Sequence[bytes]) -> list[Sent]:
        """Send objects over one association.

        Args:
            objects: Contents of DICOM files that bonefx has written.

        Returns:
            What became of each, in order.
        """
        from pydicom import dcmread

        datasets = [dcmread(io.BytesIO(content)) for content in objects]
        try:
            association = self._associate(datasets)
        except OSError:  # no such name
            return [Sent.LATER] * len(datasets)
        if not association.is_established:
            return [Sent.LATER] * len(datasets)
        try:
            return [_store(association, dataset) for dataset in datasets]
        finally:
            association.release()

    def _associate(self, datasets: Sequence[FileDataset]) -> Association:
        from pynetdicom import AE, evt

        prepare_network()
        entity = AE(ae_title=self._ae_title)
        entity.connection_timeout = CONNECT_S
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = ANSWER_S
        for dataset in datasets:
            entity.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
            entity.add_requested_context(dataset.SOPClassUID, list(NATIVE_SYNTAXES))
        tls: Any = (self._tls, self._peer.host) if self._tls else None
        return entity.associate(
            self._peer.host, self._peer.port, ae_title=self._peer.ae_title, tls_args=tls,
            evt_handlers=[(evt.EVT_CONN_OPEN, _limit)],
        )  # fmt: skip


def _limit(event: Event) -> None:
    """Limit how long the PACS may neither send nor read; pynetdicom would wait for ever."""
    connection: Any = event.assoc.dul.socket
    connection.socket.settimeout(ANSWER_S)


def _store(association: Association, dataset: FileDataset) -> Sent:
    accepted = {
        syntax
        for context in association.accepted_contexts
        if context.abstract_syntax == dataset.SOPClassUID
        for syntax in context.transfer_syntax
    }
    if not accepted:
        return Sent.REFUSED
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_compressed and syntax not in accepted:
        dataset.decompress()
    try:
        status = association.send_c_store(dataset)
    except RuntimeError:  # the association has ended
        return Sent.LATER
    return _sent(status.get("Status"))


def _sent(status: int | None) -> Sent:
    """Return what a status means; None is that of an answer that did not come."""
    if status is None or status in OUT_OF_RESOURCES:
        return Sent.LATER
    return Sent.STORED if status == SUCCESS or status in WARNINGS else Sent.REFUSED
