"""Fingerprint of a film: checksum, header facts, thumbnail and perceptual hashes.

A truncated JPEG is not used for training, but may duplicate another film. Its fingerprint therefore
includes a thumbnail of the decodable part as well as the error.
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
from bonefx.films import formats
from bonefx.records import Radiograph

FINGERPRINT_VERSION = 1  # increase when the code below gives other fingerprints
FINGERPRINT_SIDE_PX = 96
UNDECODED_GREY = 128  # libjpeg fills missing parts with this grey
# (degrees, mirrored). Copies in the Kaggle set are rotated repeatedly, by up to about 15 degrees
# each time; neighbours in such a chain are within this range. The last four are common
# augmentations.
ROTATIONS = (
    *((angle, False) for angle in range(-45, 46, 5)),
    (90, False), (180, False), (270, False), (0, True),
)  # fmt: skip
NO_ROTATION = ROTATIONS.index((0, False))


class FilmThumbnail(NamedTuple):
    """A film resized to a square, and the mask of its decoded part.

    Attributes:
        pixels: (FINGERPRINT_SIDE_PX, FINGERPRINT_SIDE_PX) uint8.
        known: Same shape, bool; all true except for damaged films.
    """

    pixels: NDArray[np.uint8]
    known: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class Fingerprint:
    """Facts about a film that the audit stores.

    Attributes:
        sha256: Checksum of the file.
        hashes: (len(ROTATIONS),) uint64, a perceptual hash per rotation; empty without thumbnail.
        error: Why the film cannot be read; "" if it can.
        file_format: Format of the content; "" if unreadable.
        photometric: Photometric interpretation as in DICOM; "" if unreadable.
        bits: Bits per sample; 0 if unreadable.
        height: Height in pixels; 0 if nothing was decoded.
        width: Width in pixels; 0 if nothing was decoded.
        thumbnail: None if nothing was decoded.
    """

    sha256: str
    hashes: NDArray[np.uint64]
    error: str = ""
    file_format: str = ""
    photometric: str = ""
    bits: int = 0
    height: int = 0
    width: int = 0
    thumbnail: FilmThumbnail | None = None


def compute_fingerprint(data: bytes) -> Fingerprint:
    """Compute a film's fingerprint from the bytes of its file; a bad film raises no error."""
    sha256 = hashlib.sha256(data).hexdigest()
    no_hashes = np.zeros(0, np.uint64)
    try:
        film, error = formats.read_bytes(data), ""
    except UnreadableRadiographError as refusal:
        error, partial_film = str(refusal), read_damaged_jpeg(data)
        if partial_film is None:
            return Fingerprint(sha256=sha256, error=error, hashes=no_hashes)
        film = partial_film
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
                _perceptual_hash(rotate_square(thumbnail.pixels, rotation))
                for rotation in range(len(ROTATIONS))
            ],
            np.uint64,
        ),
    )


def read_damaged_jpeg(data: bytes) -> Radiograph | None:
    """Read the decodable part of a damaged or truncated JPEG; None if there is none."""
    try:
        return formats.read_bytes(data, salvage=True)
    except UnreadableRadiographError:
        return None


def rotation_matrix(rotation: int, *, side_px: int = FINGERPRINT_SIDE_PX) -> NDArray[np.float64]:
    """Compute the affine map, (2, 3), of an entry of ROTATIONS about a square's centre."""
    angle, mirrored = ROTATIONS[rotation]
    centre = (side_px - 1) / 2
    matrix = np.asarray(cv2.getRotationMatrix2D((centre, centre), angle, 1), np.float64)
    if mirrored:
        matrix = matrix @ np.array([[-1, 0, side_px - 1], [0, 1, 0], [0, 0, 1]], np.float64)
    return matrix


def rotate_square(square: NDArray[np.uint8], rotation: int) -> NDArray[np.uint8]:
    """Rotate a square about its centre by an entry of ROTATIONS; corners become black."""
    side = square.shape[0]
    matrix = rotation_matrix(rotation, side_px=side)
    return np.asarray(cv2.warpAffine(square, matrix, (side, side)), np.uint8)


def disc_mask(side_px: int) -> NDArray[np.bool_]:
    """Return the mask of a square's inscribed disc, (side_px, side_px) bool."""
    rows, columns = np.mgrid[:side_px, :side_px] - (side_px - 1) / 2
    return np.asarray(np.hypot(rows, columns) < side_px / 2)


DISC_MASK = disc_mask(FINGERPRINT_SIDE_PX)


def _make_thumbnail(film: Radiograph, *, damaged: bool) -> FilmThumbnail:
    """Resize a film to a square, ignoring its aspect ratio, as many copies have changed ratios."""
    size = (FINGERPRINT_SIDE_PX, FINGERPRINT_SIDE_PX)
    if not damaged:
        return FilmThumbnail(_resize_to_square(film.pixels), np.ones(size, bool))
    decoded = _decoded_mask(film.pixels)
    known = cv2.resize(decoded, size, interpolation=cv2.INTER_NEAREST) > 0
    extended = _extend_downwards(film.pixels, decoded)
    return FilmThumbnail(_resize_to_square(extended), known)


def _resize_to_square(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    square = cv2.resize(
        pixels, (FINGERPRINT_SIDE_PX, FINGERPRINT_SIDE_PX), interpolation=cv2.INTER_AREA
    )
    return np.clip(np.rint(square * 255), 0, 255).astype(np.uint8)


def _decoded_mask(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Mark the decoded pixels, (H, W): all but runs of UNDECODED_GREY at the lower edge."""
    grey = np.rint(pixels * 255) == UNDECODED_GREY
    missing = np.logical_and.accumulate(grey[::-1], axis=0)[::-1]
    return np.asarray(~missing, np.uint8)


def _extend_downwards(
    pixels: NDArray[np.float32], decoded: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Extend each column's last decoded value downwards, to avoid a false edge in hashes."""
    last = np.maximum(decoded.sum(axis=0, dtype=np.int64) - 1, 0)  # (W,)
    rows = np.minimum(np.arange(pixels.shape[0])[:, None], last)  # (H, W)
    return np.take_along_axis(pixels, rows, axis=0)


def _perceptual_hash(square: NDArray[np.uint8]) -> np.uint64:
    """Compute the 64-bit perceptual hash (imagehash) of the inscribed disc."""
    bits = imagehash.phash(Image.fromarray(np.where(DISC_MASK, square, np.uint8(0)))).hash
    return np.uint64(np.packbits(bits).view(np.uint64)[0])
