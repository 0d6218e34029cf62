"""Find out by their content which files of a folder, an archive or a patient's disc are films.

Only the first kilobytes are looked at. In doubt a file counts as a film, so that it is read or gets
a line with its error, and none is lost.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import PurePath

from bonefx.films.codecs.codestreams import jpeg_frame_header
from bonefx.films.formats import SUPPORTED_FORMATS, recognise
from bonefx.records import MIN_SIDE_PX

START_BYTES = 4096
FILM_SUFFIXES = {  # also of what a user can convert: HEIC, JPEG XL
    *(".avif", ".bmp", ".dcm", ".dicom", ".heic", ".j2k", ".jp2", ".jpe", ".jpeg", ".jpg", ".jxl"),
    *(".png", ".tif", ".tiff", ".webp"),
}
MAYBE_FILMS = {*SUPPORTED_FORMATS, "HEIC", "JPEG XL"}  # the last two with a way to convert them
OTHER_SUFFIXES = {  # of what discs hold besides films
    *(".bat", ".cfg", ".chm", ".com", ".css", ".db", ".dll", ".doc", ".exe", ".gif", ".hlp"),
    *(".htm", ".html", ".ico", ".inf", ".ini", ".js", ".jar", ".json", ".log", ".manifest", ".md"),
    *(".msi", ".ocx", ".pdf", ".rtf", ".so", ".sys", ".txt", ".url", ".xls", ".xml", ".xsl"),
}
RESOURCE_FORKS = "__MACOSX"
PROGRAM_SUFFIXES = {".apk", ".docx", ".jar", ".odt", ".pptx", ".war", ".xlsx"}
PROGRAM_MEMBERS = (b"META-INF/", b"[Content_Types].xml", b"mimetypeapplication/")
NOT_IMAGE_CLASSES = (  # UIDs of SOP classes, PS3.6, annex A
    rb"1\.2\.840\.10008\.1\.3\.10",  # Media Storage Directory: DICOMDIR
    rb"1\.2\.840\.10008\.5\.1\.4\.1\.1\.(?:9|11|88|104)[.\d]*",  # waveforms, presentation states,
    # structured reports and key object selections, encapsulated documents; raw data, registrations:
    rb"1\.2\.840\.10008\.5\.1\.4\.1\.1\.66(?:\.[125])?",
    rb"1\.2\.840\.10008\.5\.1\.4\.1\.1\.481\.[3-9]",  # radiotherapy: contours, plans, records
    rb"1\.2\.840\.10008\.5\.1\.4\.3[89]\.\d+",  # hanging protocols, colour palettes
    rb"1\.3\.12\.2\.1107\.5\.9\.1",  # CSA Non-Image of Siemens
)
SOP_CLASS = re.compile(  # value of (0002,0002) or (0008,0016), the latter also in big-endian order
    rb"(?:\x02\0\x02\0|\x08\0\x16\0|\0\x08\0\x16)(?:UI..|..\0\0)([\d.]{1,64})", re.DOTALL
)
NOT_IMAGES = re.compile(b"|".join(NOT_IMAGE_CLASSES))
ITEM = b"\xfe\xff\x00\xe0"  # tag of an item of a sequence
VALUE_REPRESENTATIONS = re.compile(
    rb"AE|AS|AT|CS|DA|DS|DT|FD|FL|IS|LO|LT|OB|OD|OF|OL|OV|OW|PN|SH|SL|SQ|SS|ST|SV|TM|UC|UI|UL|UN"
    rb"|UR|US|UT|UV"
)
LAST_GROUP = 0x7FE0
GROUP_LENGTH_BYTES = 4


def is_hidden(name: PurePath) -> bool:
    """Return whether a file or one of its folders is hidden, or holds resource forks of a Mac."""
    return any(
        part == RESOURCE_FORKS
        or (part.startswith(".") and part.strip(".") and part.lower() not in FILM_SUFFIXES)
        for part in name.parts
    )


def may_be_film(name: PurePath, start: bytes) -> bool:
    """Return whether a file of a folder or archive is to be read as a film.

    Args:
        name: Its path in the folder or archive.
        start: Its first START_BYTES.

    Returns:
        False for other files, icons, programs and DICOM objects that are no images. True for
        pictures and DICOM images, damaged ones too, and for what has the name of a film.
    """
    if is_hidden(name):
        return False
    found, named_so = recognise(start), name.suffix.lower() in FILM_SUFFIXES
    if found == "ZIP":
        return not is_program(name, start)
    if found == "DICOM":
        return not _is_other_object(start) and (
            named_so or start[128:132] == b"DICM" or _begins_with_elements(start)
        )
    if found in MAYBE_FILMS:
        return found not in SIZES or not _is_icon(found, start)
    return named_so


def is_named_as_film(name: PurePath) -> bool:
    """Return whether a file whose content cannot be looked at may be a film, by its name."""
    if is_hidden(name) or name.name.upper() == "DICOMDIR":
        return False
    return name.suffix.lower() not in OTHER_SUFFIXES | PROGRAM_SUFFIXES


def _is_other_object(start: bytes) -> bool:
    """Return whether a DICOM file is of a class that is no image.

    The first class counts, unless a sequence comes before it: its items have classes, too.
    """
    found = SOP_CLASS.search(start)
    if found is None or ITEM in start[: found.start()]:
        return False
    return NOT_IMAGES.fullmatch(found[1]) is not None


def _begins_with_elements(start: bytes) -> bool:
    """Return whether a file that may be DICOM without preamble begins with elements."""
    if VALUE_REPRESENTATIONS.match(start, 4):
        return True
    group, number, length = struct.unpack_from("<HHI", start.ljust(8, b"\0"))
    following = start[8 + length :][:4]
    if len(following) < 4 or (number == 0 and length != GROUP_LENGTH_BYTES):
        return False
    return (group, number) < struct.unpack("<HH", following) <= (LAST_GROUP, 0xFFFF)


def is_program(name: PurePath, start: bytes) -> bool:
    """Return whether a zip archive is a Java program or an office document."""
    named = name.suffix.lower() in PROGRAM_SUFFIXES
    return named or any(member in start for member in PROGRAM_MEMBERS)


def _is_icon(file_format: str, start: bytes) -> bool:
    """Return whether a picture is smaller than any film, if its first bytes tell that."""
    try:
        size = SIZES[file_format](start)
    except (ValueError, struct.error):  # the rest of the file is missing
        return False
    return 0 < min(size) < MIN_SIDE_PX


def _png_size(start: bytes) -> tuple[int, ...]:
    return struct.unpack_from(">II", start, 16)


def _bmp_size(start: bytes) -> tuple[int, ...]:
    short = start[14:18] == b"\x0c\0\0\0"
    return tuple(map(abs, struct.unpack_from("<HH" if short else "<ii", start, 18)))


def _jpeg_size(start: bytes) -> tuple[int, ...]:
    header = jpeg_frame_header(start)
    return header.columns, header.rows


def _webp_size(start: bytes) -> tuple[int, ...]:
    """Return the size of a lossy, lossless or extended file.

    Source:
        RFC 9649 (WebP), 2.5 to 2.7 and 3.4; RFC 6386 (VP8), 9.1.
    """
    if start[12:16] == b"VP8 ":
        return tuple(side & 0x3FFF for side in struct.unpack_from("<HH", start, 26))
    if start[12:16] == b"VP8L":
        (packed,) = struct.unpack_from("<I", start, 21)
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    if start[12:16] == b"VP8X" and len(start) >= 30:
        return tuple(int.from_bytes(start[at : at + 3], "little") + 1 for at in (24, 27))
    raise ValueError("there is no size")


SIZES: dict[str, Callable[[bytes], tuple[int, ...]]] = {  # without a decoder; see decoding/
    "PNG": _png_size,
    "BMP": _bmp_size,
    "JPEG": _jpeg_size,
    "WEBP": _webp_size,
}
