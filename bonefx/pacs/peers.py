"""Names and addresses of the DICOM programs that bonefx talks to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bonefx.errors import SettingsError

AE_TITLE = re.compile(r"[ -\[\]-~]{1,16}", re.ASCII)  # PS3.5, 6.2, AE: no control characters, no \
ADDRESS = re.compile(r"(?P<host>[^\s\[\]@:]+|\[[0-9A-Fa-f:.]+\]):(?P<port>\d{1,5})", re.ASCII)
MAX_PORT = 65535


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
