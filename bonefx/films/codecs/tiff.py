"""Find the film in a TIFF file, and decode the values for which Pillow has no mode.

Pillow decodes unsigned pictures of 1, 2, 4 or 8 bit; tifffile decodes the others: packed 9 to 15
bit, 16 and 32 bit, signed and floating point values, grey with alpha, and rare compressions.
"""

from __future__ import annotations

import io
import logging
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL.TiffImagePlugin import COMPRESSION_INFO

from bonefx.errors import UnreadableRadiographError
from bonefx.films.codecs.deep_values import DeepValues, deep_values
from bonefx.films.limits import check_size

if TYPE_CHECKING:
    from tifffile import TiffPage

PILLOW_BITS = (1, 2, 4, 8)
MIN_IS_WHITE, MIN_IS_BLACK, RGB = 0, 1, 2  # PhotometricInterpretation
SIGNED = 2  # SampleFormat
REDUCED, MASK = 1, 4  # bits of NewSubfileType
OLD_SUBFILE_TYPE, OLD_REDUCED = 255, 2  # SubfileType, replaced by NewSubfileType in TIFF 6.0
ORIENTATION = 274
PHOTOMETRIC = 262
UNASSOCIATED = 2  # ExtraSamples: alpha with which the values are not yet multiplied
THUMBNAIL = 2  # times smaller than the film at each side, at least
MAX_PAGES = 64  # that are looked at


class FilmPage(NamedTuple):
    """The page of a TIFF file that holds the film.

    Attributes:
        place: Its index in the file.
        bits: Stored bits per sample.
        white_is_zero: Its smallest value is white.
        orientation: As in EXIF, 1 to 8.
        deep: Its values as stored; None if Pillow decodes them.
    """

    place: int
    bits: int
    white_is_zero: bool
    orientation: int
    deep: DeepValues | None


def read_film_page(data: bytes) -> FilmPage:
    """Find and read the only full page; thumbnails and masks beside it are ignored.

    Raises:
        UnreadableRadiographError: There are several full pages, or it has too many or too few
            pixels, or samples that are not supported.
        Exception: Any other, if the file is damaged.
    """
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)  # it logs values of the file
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        pages = [page.aspage() for page in islice(file.pages, MAX_PAGES)]
        full = [i for i, page in enumerate(pages) if not _is_auxiliary(page)] or [0]
        full = [i for i in full if i == full[0] or not _is_thumbnail(pages[i], pages[full[0]])]
        if len(full) > 1:
            raise UnreadableRadiographError(
                f"found {len(full)} pictures in one file; save the film as a single picture"
            )
        page = pages[full[0]]
        check_size(page.imagewidth, page.imagelength)
        return FilmPage(
            place=full[0],
            bits=page.bitspersample,
            white_is_zero=page.photometric == MIN_IS_WHITE and _has_photometric(page),
            orientation=int(page.tags.valueof(ORIENTATION, 1)),
            deep=_deep_values(page, len(data)) if _is_deep(page) else None,
        )


def _is_auxiliary(page: TiffPage) -> bool:
    return bool(
        page.subfiletype & (REDUCED | MASK) or page.tags.valueof(OLD_SUBFILE_TYPE, 0) == OLD_REDUCED
    )


def _is_thumbnail(page: TiffPage, film: TiffPage) -> bool:
    """Return whether a page after the film is much smaller, as untagged thumbnails are."""
    return bool(
        page.imagewidth * THUMBNAIL <= film.imagewidth
        and page.imagelength * THUMBNAIL <= film.imagelength
    )


def _is_deep(page: TiffPage) -> bool:
    grey = page.photometric in (MIN_IS_WHITE, MIN_IS_BLACK)
    big_endian_64 = page.parent.is_bigtiff and page.parent.byteorder == ">"  # unknown to Pillow
    return bool(
        page.bitspersample not in PILLOW_BITS
        or big_endian_64
        or (grey and not _has_photometric(page))
        or (grey and page.compression not in COMPRESSION_INFO)
        or (grey and (page.sampleformat != 1 or page.samplesperpixel > 1))
    )


def _has_photometric(page: TiffPage) -> bool:
    """Return whether PhotometricInterpretation is given; without it, viewers take 0 as black."""
    return PHOTOMETRIC in page.tags or page.bitspersample == 1


def _deep_values(page: TiffPage, file_bytes: int) -> DeepValues:
    colours = {MIN_IS_WHITE: 1, MIN_IS_BLACK: 1, RGB: 3}.get(page.photometric, 0)
    extra = page.samplesperpixel - colours
    if not colours or page.imagedepth > 1 or not 0 <= extra <= 1:
        raise UnreadableRadiographError(
            f"found a TIFF file with {page.samplesperpixel} samples of {page.bitspersample} bit; "
            "save it as grey with 8 or 16 bit"
        )
    _check_segments(page, file_bytes)
    stored = page.asarray(squeeze=False, maxworkers=1)  # (planes, 1, H, W, interleaved samples)
    samples = np.concatenate(list(stored[:, 0]), axis=-1)  # (H, W, samples)
    if page.sampleformat == SIGNED and page.bitspersample == 8:
        samples = (samples.astype(np.int16) + 128).astype(np.uint8)
    return deep_values(samples, is_alpha=extra == 1 and UNASSOCIATED in page.extrasamples)


def _check_segments(page: TiffPage, file_bytes: int) -> None:
    """Refuse a page with missing strips or tiles, which tifffile would fill with zeros."""
    for offset, size in zip(page.dataoffsets, page.databytecounts, strict=True):
        if offset == 0 or size == 0 or (offset + size > file_bytes and not page.is_contiguous):
            raise ValueError("a strip or tile is missing")
