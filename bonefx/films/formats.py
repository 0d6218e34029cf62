"""Read a Radiograph from a picture or DICOM file.

The format is recognised by content, never by file name. No message contains a file name or patient
data; callers add the name if they may show it.
"""

from __future__ import annotations

import hashlib
import os
import re

from bonefx.errors import UnreadableRadiographError
from bonefx.films import pictures
from bonefx.films.dicom.film import read_dicom
from bonefx.films.exposed_field import with_exposed_field
from bonefx.films.opening import read_film_file
from bonefx.records import Radiograph

USABLE_FORMATS = "use PNG, JPEG, TIFF, WebP, BMP or DICOM"
SUPPORTED_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "JPEG2000", "AVIF", "DICOM")
SIGNATURE_BYTES = 4096
SIGNATURES = [  # the first match counts; the preamble of a DICOM file may be a TIFF header
    (name, re.compile(pattern, re.DOTALL))
    for name, pattern in (
        ("DICOM", rb".{128}DICM"),
        ("PNG", rb"\x89PNG\r\n\x1a\n"),
        ("JPEG", rb"\xff\xd8\xff"),
        ("TIFF", rb"II[*+]\0|MM\0[*+]"),
        ("WEBP", rb"RIFF.{4}WEBP"),
        ("BMP", rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0{3}"),  # size of the next header
        ("GIF", rb"GIF8[79]a"),
        ("PDF", rb"%PDF"),
        ("SVG", rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg"),
        ("AVIF", rb".{4}ftyp(avi[fs]|mi[af][1f].{4}(.{4}){0,8}avi[fs])"),
        ("HEIC", rb".{4}ftyp(hei|hev|mif|msf)"),
        ("JPEG2000", rb"\0{3}\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
        ("JPEG XL", rb"\xff\x0a|\0{3}\x0cJXL "),
        ("ICO", rb"\0\0\x01\0.\0"),
        ("Photoshop", rb"8BPS"),
        ("ZIP", rb"PK\x03\x04"),
        ("gzip", rb"\x1f\x8b"),
        ("DICOM", rb"[\x02\x08]\0.\0([A-Z]{2}|..\0\0)"),  # without preamble
        ("DICOM", rb"\0[\x02\x08]\0.[A-Z]{2}"),  # the same in big-endian order
    )
]


def read(path: str | os.PathLike[str], *, salvage: bool = False) -> Radiograph:
    """Read one film from a file, in this process; decoding.pool.decode_film does it outside.

    Args:
        path: Path of the file; its name and extension have no effect.
        salvage: See read_bytes.

    Returns:
        The film as a viewer shows it, white = dense.

    Raises:
        UnreadableRadiographError: There is no such file, or read_bytes refuses it.
    """
    return read_bytes(read_film_file(path), salvage=salvage)


def read_bytes(data: bytes, *, salvage: bool = False) -> Radiograph:
    """Read one film from the bytes of its file.

    8-bit grey is divided by 255. Deeper pictures are scaled from their smallest and largest value
    to [0, 1]: most hold 10 to 14-bit data in a 16-bit container, and would otherwise be nearly
    black. DICOM has transforms of its own (see dicom/voi.py).

    Args:
        data: Content of a whole file.
        salvage: Read a damaged JPEG, alone or in DICOM, as far as it can be decoded, with
            FilmNote.DAMAGED; what is missing becomes grey. Only by an explicit act of a user, and
            for repeating published figures that include such films.

    Returns:
        The film, (H, W) float32 in [0, 1], white = dense, with its exposed field.

    Raises:
        DamagedRadiographError: A part of the film can be read with salvage.
        UnreadableRadiographError: The file is not a supported film; the message says what was found
            and what to do.
    """
    file_format = _format_of(data)
    sha256 = hashlib.sha256(data).hexdigest()
    if file_format == "DICOM":
        film = read_dicom(data, sha256, salvage=salvage)
    else:
        film = pictures.read_picture(data, file_format, sha256, salvage=salvage)
    return _checked(with_exposed_field(film))


def _checked(film: Radiograph) -> Radiograph:
    """Return a film unchanged, after checking that its values are what a Radiograph promises.

    Raises:
        ValueError: They are not, which is a fault of a decoder that no check before has found.
    """
    for picture in (film.pixels, film.values):
        if picture.shape != film.pixels.shape:
            raise ValueError("the pictures of a film differ in size")
        if not (picture.min() >= 0 and picture.max() <= 1):  # also for nan
            raise ValueError("a film has values outside of [0, 1]")
    return film


def _format_of(data: bytes) -> str:
    if not data:
        raise UnreadableRadiographError("the file is empty; copy or export it again")
    found = recognise(data)
    if found is None:
        raise UnreadableRadiographError(f"the file is not an image; {USABLE_FORMATS}")
    if found not in SUPPORTED_FORMATS:
        raise UnreadableRadiographError(f"found a {found} file; {USABLE_FORMATS}")
    return found


def recognise(data: bytes) -> str | None:
    """Return the name of a format in SIGNATURES by the first bytes of a file; None if unknown."""
    start = data[:SIGNATURE_BYTES]
    return next((name for name, signature in SIGNATURES if signature.match(start)), None)
