"""One film's bytes -> its fingerprint: checksum, header facts, thumbnail and perceptual hashes.

A damaged JPEG is no film to train on, yet what is left of it may repeat another film; so it gets a
thumbnail of its decoded part beside its error.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bonefx.errors import UnreadableRadiographError
from bonefx.films.images import read_radiograph_bytes
from bonefx.records import Radiograph

FINGERPRINT_VERSION = 1  # count up when anything below gives other fingerprints
FINGERPRINT_SIDE_PX = 96
JPEG_START_MARKER, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
UNDECODED_GREY = 128  # libjpeg fills what is missing with this grey
# Measured on the Kaggle set: its copies are turned by up to about 15 degrees a step and the steps
# add up; neighbours in such a chain lie within this range. The last turns are common augmentations.
ROTATIONS = (
    *((angle, False) for angle in range(-45, 46, 5)),
    (90, False), (180, False), (270, False), (0, True),
)  # fmt: skip
NO_ROTATION = ROTATIONS.index((0, False))


class Thumbnail(NamedTuple):
    """A film squeezed into a square, and which of it was decoded.

    Attributes:
        pixels: (SIDE_PX, SIDE_PX) uint8.
        known: (SIDE_PX, SIDE_PX) bool; all but for damaged films.
    """

    pixels: NDArray[np.uint8]
    known: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class Fingerprint:
    """What the audit keeps of a film.

    Attributes:
        sha256: Checksum of the file's bytes.
        error: Why images.read refuses the film; "" when it does not.
        file_format: What the content was found to be; "" when unreadable.
        photometric: Grey, colour or palette, in DICOM's words; "" when unreadable.
        bits: Bits per sample; 0 when unreadable.
        height: In pixels; 0 when nothing was decoded.
        width: In pixels; 0 when nothing was decoded.
        thumbnail: None if nothing was decoded.
        hashes: (len(TURNS),) uint64, one perceptual hash for each turn; empty without thumbnail.
    """

    sha256: str
    hashes: NDArray[np.uint64]
    error: str = ""
    file_format: str = ""
    photometric: str = ""
    bits: int = 0
    height: int = 0
    width: int = 0
    thumbnail: Thumbnail | None = None


def compute_fingerprint(data: bytes) -> Fingerprint:
    """Take the fingerprint of a film from the bytes of its file; never raises for a bad film."""
    sha256 = hashlib.sha256(data).hexdigest()
    nothing = np.zeros(0, np.uint64)
    try:
        film, error = read_radiograph_bytes(data), ""
    except UnreadableRadiographError as refusal:
        error, rest = str(refusal), read_truncated_jpeg(data)
        if rest is None:
            return Fingerprint(sha256=sha256, error=error, hashes=nothing)
        film = rest
    thumbnail = _make_thumbnail(film, damaged=bool(error))
    height, width = film.pixels.shape
    return Fingerprint(
        sha256=sha256,
        error=error,
        file_format="" if error else film.file_format,
        photometric="" if error else film.photometric,
        bits=0 if error else film.bits,
        height=height,
        width=width,
        thumbnail=thumbnail,
        hashes=np.array(
            [
                _perceptual_hash(rotate_square(thumbnail.pixels, turn))
                for turn in range(len(ROTATIONS))
            ],
            np.uint64,
        ),
    )


def read_truncated_jpeg(data: bytes) -> Radiograph | None:
    """Read what is left of a truncated JPEG; None where nothing can be read.

    A decoder that meets the end mark early keeps what it has, so the mark is put there.
    """
    if not data.startswith(JPEG_START_MARKER):
        return None
    try:
        return read_radiograph_bytes(data + JPEG_END)
    except UnreadableRadiographError:
        return None


def rotation_matrix(turn: int, *, side_px: int = FINGERPRINT_SIDE_PX) -> NDArray[np.float64]:
    """Give the affine map, (2, 3), that turns a square about its middle as TURNS says."""
    angle, mirrored = ROTATIONS[turn]
    middle = (side_px - 1) / 2
    matrix = np.asarray(cv2.getRotationMatrix2D((middle, middle), angle, 1), np.float64)
    if mirrored:
        matrix = matrix @ np.array([[-1, 0, side_px - 1], [0, 1, 0], [0, 0, 1]], np.float64)
    return matrix


def rotate_square(square: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """Turn a square about its middle; black comes in at the corners."""
    side = square.shape[0]
    matrix = rotation_matrix(turn, side_px=side)
    return np.asarray(cv2.warpAffine(square, matrix, (side, side)), np.uint8)


def disc_mask(side_px: int) -> NDArray[np.bool_]:
    """The part of a square that stays in it at any turn, (side_px, side_px)."""
    rows, columns = np.mgrid[:side_px, :side_px] - (side_px - 1) / 2
    return np.asarray(np.hypot(rows, columns) < side_px / 2)


DISC_MASK = disc_mask(FINGERPRINT_SIDE_PX)


def _make_thumbnail(film: Radiograph, *, damaged: bool) -> Thumbnail:
    """Squeeze a film into a square, whatever its sides are: many copies have been squeezed so."""
    size = (FINGERPRINT_SIDE_PX, FINGERPRINT_SIDE_PX)
    if not damaged:
        return Thumbnail(_resize_to_square(film.pixels), np.ones(size, bool))
    decoded = _decoded_mask(film.pixels)
    known = cv2.resize(decoded, size, interpolation=cv2.INTER_NEAREST) > 0
    rest = _extend_downwards(film.pixels, decoded)
    return Thumbnail(_resize_to_square(rest), known)


def _resize_to_square(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    square = cv2.resize(
        pixels, (FINGERPRINT_SIDE_PX, FINGERPRINT_SIDE_PX), interpolation=cv2.INTER_AREA
    )
    return np.clip(np.rint(square * 255), 0, 255).astype(np.uint8)


def _decoded_mask(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Mark what was decoded: all but the runs of one grey that reach the lower edge, (H, W)."""
    grey = np.rint(pixels * 255) == UNDECODED_GREY
    missing = np.logical_and.accumulate(grey[::-1], axis=0)[::-1]
    return np.asarray(~missing, np.uint8)


def _extend_downwards(
    pixels: NDArray[np.float32], decoded: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Continue each column's last decoded value downwards, so that hashes meet no false edge."""
    last = np.maximum(decoded.sum(axis=0, dtype=np.int64) - 1, 0)  # (W,)
    rows = np.minimum(np.arange(pixels.shape[0])[:, None], last)  # (H, W)
    return np.take_along_axis(pixels, rows, axis=0)


def _perceptual_hash(square: NDArray[np.uint8]) -> np.uint64:
    """Hash the middle disc with imagehash's perceptual hash, 64 bits."""
    bits = imagehash.phash(Image.fromarray(np.where(DISC_MASK, square, np.uint8(0)))).hash
    return np.uint64(np.packbits(bits).view(np.uint64)[0])
