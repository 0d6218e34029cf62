"""Damaged and contradictory DICOM films do not end the process, and each gives a sentence."""

from __future__ import annotations

import io
import random
import subprocess
import sys

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from bonefx.errors import UnreadableRadiographError
from bonefx.films import formats

FILMS = 250  # for each seed
ROWS, COLUMNS = 96, 110
DX_IMAGE = UID("1.2.840.10008.5.1.4.1.1.1.1")


def codestreams():
    """One film in each compression, by transfer syntax."""
    ramp = np.add.outer(np.arange(ROWS), 30 * np.arange(COLUMNS)).astype(np.uint16)
    return {
        "1.2.840.10008.1.2.4.50": imagecodecs.jpeg8_encode((ramp >> 4).astype(np.uint8), level=90),
        "1.2.840.10008.1.2.4.70": imagecodecs.jpeg8_encode(ramp, lossless=True),
        "1.2.840.10008.1.2.4.80": imagecodecs.jpegls_encode(ramp),
        "1.2.840.10008.1.2.4.90": imagecodecs.jpeg2k_encode(ramp, codecformat="j2k", level=0),
    }


def spoil(stream, draw):
    """Change bytes of a codestream, those of its header above all, or cut it off."""
    content = bytearray(stream)
    if draw.random() < 0.2:
        return bytes(content[: draw.randrange(4, len(content))])
    for _ in range(draw.choice([0, 1, 1, 2, 5, 20])):
        end = draw.choice([120, len(content)])
        content[draw.randrange(min(end, len(content)))] = draw.randrange(256)
    return bytes(content)


def make_film(draw, streams):
    """A DICOM film whose header and codestream contradict each other here and there."""
    syntax = draw.choice(list(streams))
    film = pydicom.Dataset()
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
    film.add_new("PixelData", "OB", encapsulate([spoil(streams[syntax], draw)]))
    film["PixelData"].is_undefined_length = True
    content = io.BytesIO()
    film.save_as(content, enforce_file_format=True)
    return content.getvalue()


def read_all(seed):
    """Read films, and return how many could be read and how many were refused."""
    draw, streams = random.Random(seed), codestreams()
    read = 0
    for _ in range(FILMS):
        try:
            formats.read_bytes(make_film(draw, streams))
        except UnreadableRadiographError:
            continue
        read += 1
    return read, FILMS - read


@pytest.mark.parametrize("seed", [2, 3, 4])  # gdcm ends the process on the first
def test_the_process_survives_and_every_fault_is_a_sentence(seed):
    code = f"from {__name__} import read_all; print(*read_all({seed}))"
    command = [sys.executable, "-c", code]
    child = subprocess.run(command, check=False, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr[-2000:]
    read, refused = map(int, child.stdout.split())
    assert read > 0
    assert refused > 0
