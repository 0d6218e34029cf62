"""Files that are spoilt at random: the same seed and number always give the same file."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from functools import cache
from typing import Any

import imagecodecs
import numpy as np
import pydicom
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from tests.fixtures.dicom_files import make_dicom, make_dicom_of_study
from tests.fixtures.image_files import encode_image, make_16_bit_png, make_grey

ROWS, COLUMNS = 96, 110
DX_IMAGE = UID("1.2.840.10008.5.1.4.1.1.1.1")
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF)  # bytes at which lengths and signs change
ODD_TEXT = ("", " ", "-1", "0", "1e308", "nan", "inf", "1,5", "9" * 20, "\\", "A\\B\\C", "SECRET^P")


@cache
def codestreams() -> dict[str, bytes]:
    """Return one film in each compression, by transfer syntax."""
    ramp = np.add.outer(np.arange(ROWS), 30 * np.arange(COLUMNS)).astype(np.uint16)
    streams = {
        "1.2.840.10008.1.2.4.50": imagecodecs.jpeg8_encode((ramp >> 4).astype(np.uint8), level=90),
        "1.2.840.10008.1.2.4.70": imagecodecs.jpeg8_encode(ramp, lossless=True),
        "1.2.840.10008.1.2.4.80": imagecodecs.jpegls_encode(ramp),
        "1.2.840.10008.1.2.4.90": imagecodecs.jpeg2k_encode(ramp, codecformat="j2k", level=0),
    }
    return {syntax: bytes(stream) for syntax, stream in streams.items()}


@cache
def whole_files() -> tuple[bytes, ...]:
    """Return a valid file of each format that bonefx reads."""
    grey, deep = make_grey(), make_grey(high=4095, dtype=np.uint16)
    colour = np.dstack([grey] * 3)
    return (
        make_dicom(), make_dicom_of_study(), make_dicom(colour),
        encode_image(grey), encode_image(colour), make_16_bit_png(deep),
        encode_image(grey, "JPEG"), encode_image(grey, "JPEG", progressive=True),
        encode_image(grey, "TIFF"), encode_image(deep, "TIFF", compression="tiff_lzw"),
        encode_image(grey, "BMP"), encode_image(grey, "WEBP", lossless=True),
        encode_image(grey, "JPEG2000"), encode_image(grey, "AVIF"),
    )  # fmt: skip


def spoil(content: bytes, draw: random.Random, *, header: int = 400) -> bytes:
    """Change bytes of a file, those of its header above all, repeat a part, or cut it off."""
    spoilt = bytearray(content)
    kind = draw.random()
    if kind < 0.15:
        return bytes(spoilt[: draw.randrange(1, len(spoilt))])
    if kind < 0.25:
        start, length = draw.randrange(len(spoilt)), draw.randrange(1, 64)
        spoilt[start:start] = spoilt[start : start + length] * draw.choice([1, 2, 50])
        return bytes(spoilt)
    for _ in range(draw.choice([1, 1, 2, 5, 20])):
        end = min(draw.choice([header, len(spoilt)]), len(spoilt))
        spoilt[draw.randrange(end)] = draw.choice([draw.randrange(256), *INTERESTING])
    return bytes(spoilt)


def spoilt_file(draw: random.Random) -> bytes:
    """Spoil a valid file."""
    return spoil(draw.choice(whole_files()), draw)


def contradictory_film(draw: random.Random) -> bytes:
    """Make a DICOM film whose header and codestream contradict each other here and there."""
    streams = codestreams()
    syntax = draw.choice(list(streams))
    film: Any = pydicom.Dataset()
    film.file_meta = pydicom.dataset.FileMetaDataset()
    film.file_meta.TransferSyntaxUID = draw.choice([syntax] * 4 + list(streams))
    film.file_meta.MediaStorageSOPClassUID = film.SOPClassUID = DX_IMAGE
    film.file_meta.MediaStorageSOPInstanceUID = film.SOPInstanceUID = UID("1.2.3")
    film.Modality = "DX"
    film.Rows = draw.choice([ROWS] * 6 + [ROWS - 1, ROWS + 1, 1, 4000])
    film.Columns = draw.choice([COLUMNS] * 6 + [COLUMNS - 1, COLUMNS + 1, 4000])
    film.SamplesPerPixel = draw.choice([1] * 6 + [3])
    film.PhotometricInterpretation = draw.choice(["MONOCHROME2"] * 4 + ["RGB", "YBR_FULL_422"])
    film.BitsAllocated = draw.choice([8, 16, 16, 16, 32])
    film.BitsStored = draw.choice([7, 8, 10, 12, 12, 12, 16])
    film.HighBit = film.BitsStored - 1
    film.PixelRepresentation = draw.choice([0, 0, 0, 1])
    stream = streams[syntax] if draw.random() < 0.2 else spoil(streams[syntax], draw, header=120)
    film.add_new("PixelData", "OB", encapsulate([stream]))
    film["PixelData"].is_undefined_length = True
    content = io.BytesIO()
    film.save_as(content, enforce_file_format=True)
    return content.getvalue()


def odd_header(draw: random.Random) -> bytes:
    """Make a native DICOM film, and write odd text over values of its header."""
    content = bytearray(make_dicom_of_study(
        WindowCenter="2048.0 ", WindowWidth="4096.0 ", RescaleSlope="1.00000 ",
        RescaleIntercept="0.0 ", PixelSpacing="0.1434\\0.1434 ", VOILUTFunction="LINEAR",
        NumberOfFrames="1 ", ViewPosition="AP", BodyPartExamined="HAND",
    ))  # fmt: skip
    values = (
        b"2048.0 ", b"4096.0 ", b"1.00000 ", b"0.1434\\0.1434 ", b"LINEAR", b"1 ", b"AP", b"HAND",
        b"MONOCHROME2 ", b"DX",
    )  # fmt: skip
    for value in draw.sample(values, k=draw.choice([1, 1, 2, 4])):
        place = content.find(value)
        odd = draw.choice(ODD_TEXT).encode()
        if place >= 0:
            content[place : place + len(value)] = odd[: len(value)].ljust(len(value))
    return bytes(content) if draw.random() < 0.8 else spoil(bytes(content), draw, header=1500)


def odd_archive(draw: random.Random) -> bytes:
    """Make a zip archive of spoilt files, and sometimes spoil the archive, too."""
    content = io.BytesIO()
    with zipfile.ZipFile(
        content, "w", draw.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    ) as zipped:
        for number in range(draw.randrange(4)):
            name = draw.choice(["film.dcm", "a/b.png", "../c.jpg", "", "DICOMDIR", "x\\y", "é.tif"])
            member = zipfile.ZipInfo(f"{number}{name}", date_time=(2026, 1, 1, 0, 0, 0))
            zipped.writestr(member, spoilt_file(draw), zipped.compression)
    whole = content.getvalue()
    return whole if draw.random() < 0.5 else spoil(whole, draw)


FAMILIES: dict[str, Callable[[random.Random], bytes]] = {
    "spoilt": spoilt_file,
    "contradictory": contradictory_film,
    "header": odd_header,
    "archive": odd_archive,
}


def make_file(seed: int, number: int) -> tuple[str, bytes]:
    """Return the family and the content of a file."""
    families = list(FAMILIES)
    family = families[number % len(families)]
    return family, FAMILIES[family](random.Random(f"{seed} {number}"))
