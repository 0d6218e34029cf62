"""The DICOM programs that bonefx talks to: their names and addresses, and TLS with them."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from bonefx.errors import SettingsError
from bonefx.process.address import MAX_PORT

AE_TITLE = re.compile(r"[ -\[\]-~]{1,16}", re.ASCII)  # PS3.5, 6.2, AE: no control characters, no \
ADDRESS = re.compile(r"(?P<host>[^\s\[\]@:]+|\[[0-9A-Fa-f:.]+\]):(?P<port>\d{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A DICOM program that takes reports.

    Attributes:
        ae_title: Its application entity title, 1 to 16 characters.
        host: Its name or address, IPv6 without brackets.
        port: Its port, 1 to 65535.
    """

    ae_title: str
    host: str
    port: int


def parse_peer(text: str) -> Peer:
    """Read a peer from AE@HOST:PORT, such as PACS@10.0.0.5:104 or PACS@[fd00::5]:104.

    Raises:
        SettingsError: The text is not of that form.
    """
    title, _, address = text.rpartition("@")
    found = ADDRESS.fullmatch(address)
    if found is None or not 1 <= int(found["port"]) <= MAX_PORT:
        raise SettingsError(f"{text!r} is no address of a PACS; use AE@HOST:PORT")
    return Peer(
        ae_title=parse_ae_title(title), host=found["host"].strip("[]"), port=int(found["port"])
    )


def parse_ae_title(text: str) -> str:
    r"""Return an application entity title without the spaces around it, which do not count.

    Raises:
        SettingsError: It has not 1 to 16 printable ASCII characters, or a \\ among them.
    """
    title = text.strip(" ")
    if AE_TITLE.fullmatch(title) is None:
        raise SettingsError(
            f"{text!r} is no AE title; use 1 to 16 letters, digits and signs of ASCII, without \\"
        )
    return title


def parse_ae_titles(text: str) -> tuple[str, ...]:
    """Read AE titles that are separated by commas; see parse_ae_title."""
    return tuple(dict.fromkeys(parse_ae_title(part) for part in text.split(",")))


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Files of TLS, in PEM.

    Attributes:
        certificate: Certificate of bonefx, with its chain.
        key: Its private key, without a password.
        authority: Certificates of the authorities that peers' certificates are checked against;
            None to take films from peers without a certificate, and to check that of the PACS
            against the authorities of the system.
    """

    certificate: Path
    key: Path
    authority: Path | None = None

    def receiving(self) -> ssl.SSLContext:
        """Return the rules for peers that connect; TLS 1.2 or later.

        Raises:
            SettingsError: A file cannot be read, or they do not belong together.
        """
        context = self._context(ssl.Purpose.CLIENT_AUTH)
        if self.authority is not None:
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def sending(self) -> ssl.SSLContext:
        """Return the rules for a PACS that bonefx connects to; see receiving."""
        return self._context(ssl.Purpose.SERVER_AUTH)

    def _context(self, purpose: ssl.Purpose) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(
                purpose, cafile=None if self.authority is None else str(self.authority)
            )
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except OSError as error:  # that of ssl, too
            raise SettingsError(
                f"the files of TLS cannot be used ({error.strerror or type(error).__name__}); "
                "check --tls-cert, --tls-key and --tls-ca"
            ) from None
        return context


def _no_password() -> str:
    """Refuse a key with a password; without this OpenSSL would ask for it in the terminal."""
    return ""
