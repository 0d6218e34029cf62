"""Decode the pixel data of a DICOM film, and take the stored values out of their bits.

pydicom's decoders give whole containers here. Bits beside the stored ones, where old files keep
overlays, are removed and signs extended in one place for all transfer syntaxes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bonefx.errors import DamagedRadiographError
from bonefx.films.dicom.decoders import decode_containers
from bonefx.films.dicom.elements import text, whole_number
from bonefx.films.dicom.header import encapsulated_value, undecoded
from bonefx.films.dicom.pixel_format import PixelFormat, not_grey

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class StoredPixels:
    """Pixel values of a film before any transform.

    Attributes:
        values: (H, W) of whole numbers, or (H, W, 3) uint8 for a film stored in colour.
        form: How they are stored, after the codestream where it contradicts the header.
        padding: (H, W), True for pixels that only fill the rectangle; None if there are none.
        damaged: A part of the values may be missing or wrong.
    """

    values: NDArray[Any]
    form: PixelFormat
    padding: NDArray[np.bool_] | None = None
    damaged: bool = False


def without_pixels(stored: StoredPixels, outside: NDArray[np.bool_]) -> StoredPixels:
    """Return a film without the pixels outside of its display shutter: they become black."""
    if stored.values.ndim == 3:
        return replace(stored, values=np.where(outside[..., None], np.uint8(0), stored.values))
    padding = outside if stored.padding is None else outside | stored.padding
    return stored if padding.all() else replace(stored, padding=padding)


def decode_pixels(header: FileDataset, form: PixelFormat, *, salvage: bool) -> StoredPixels:
    """Decode the pixels.

    Args:
        header: From parse_header.
        form: From pixel_format; the caller checks the size.
        salvage: See formats.read_bytes.

    Raises:
        DamagedRadiographError: A part of the pixels can be read with salvage.
        UnreadableRadiographError: The pixels are damaged or in an unsupported transfer syntax.
    """
    try:
        containers, form, damaged = decode_containers(header, form)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 (damaged data makes decoders raise anything)
        native = encapsulated_value(header) is None
        raise undecoded(_syntax_name(header), native=native) from None  # the cause may quote values
    if damaged and not salvage:
        raise DamagedRadiographError(
            "the JPEG pixels of the DICOM file are damaged or incomplete: a part of the picture is "
            "missing or wrong; export or copy the film again, or read the rest anyway, in Read or "
            "with bonefx read --damaged"
        )
    if form.samples == 3 and form.allocated == 8:
        return StoredPixels(values=_colour(containers, form), form=form, damaged=damaged)
    if form.samples == 3:
        containers, form = _grey_samples(containers, form)
    values = stored_values(containers, form)
    padding = padding_mask(header, containers, values, form)
    return StoredPixels(values=values, form=form, padding=padding, damaged=damaged)


def stored_values(containers: NDArray[Any], form: PixelFormat) -> NDArray[Any]:
    """Return the values of the stored bits, without the bits above and below, signs extended.

    Args:
        containers: (H, W) of unsigned whole numbers, with form.allocated bits at least.
        form: Which bits are stored.

    Source:
        DICOM PS3.5, 8.1.1, Pixel Data Encoding of Related Data Elements.
    """
    size = 8 * containers.dtype.itemsize
    above = size - 1 - form.high
    shifted = containers << containers.dtype.type(above)
    if form.signed:
        shifted = shifted.view(f"i{containers.dtype.itemsize}")
    return np.asarray(shifted >> shifted.dtype.type(size - form.stored))


def _colour(containers: NDArray[Any], form: PixelFormat) -> NDArray[np.uint8]:
    """Return colours in the range of 8 bits."""
    if form.photometric != "RGB" or form.stored == 8:
        return containers
    values = stored_values(containers, replace(form, signed=False))
    return np.asarray(np.rint(values * (255 / (2**form.stored - 1))), np.uint8)


def _grey_samples(containers: NDArray[Any], form: PixelFormat) -> tuple[NDArray[Any], PixelFormat]:
    """Return one sample of a film whose samples are equal.

    Raises:
        UnreadableRadiographError: They are not.
    """
    first = containers[:, :, 0]
    if not (containers == first[:, :, None]).all():
        raise not_grey(form.photometric, form.samples, form.allocated)
    return first, replace(form, samples=1, photometric="MONOCHROME2")


def padding_mask(
    header: FileDataset, containers: NDArray[Any], values: NDArray[Any], form: PixelFormat
) -> NDArray[np.bool_] | None:
    """Return which pixels only fill the rectangle of the film; None if no pixel does, or all do.

    The value may be written with the wrong sign, or as the whole container.

    Source:
        DICOM PS3.3, C.7.5.1.1.2, Pixel Padding Value and Pixel Padding Range Limit.
    """
    given = [whole_number(header, name) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    if given[0] is None:
        return None
    first = _as_stored(given[0], form)
    last = first if given[1] is None else _as_stored(given[1], form)
    padding = containers == given[0] % (1 << form.allocated)
    if first is not None and last is not None:
        padding |= (values >= min(first, last)) & (values <= max(first, last))
    return padding if padding.any() and not padding.all() else None


def _as_stored(value: int, form: PixelFormat) -> int | None:
    """Return a value of the header as a stored value; None if it does not fit in the bits."""
    unsigned = value % (1 << form.allocated)
    half = 1 << (form.stored - 1)
    if not form.signed:
        return unsigned if unsigned < 2 * half else None
    if unsigned < 2 * half:  # not extended, or not negative
        return unsigned - 2 * half if unsigned >= half else unsigned
    extended = unsigned - (1 << form.allocated)
    return extended if extended >= -half else None


def _syntax_name(header: FileDataset) -> str:
    from pydicom.uid import UID

    syntax = UID(text(header.file_meta, "TransferSyntaxUID"))  # text in any value representation
    known = not syntax.is_private and syntax.is_transfer_syntax
    return str(syntax.name) if known else "unknown syntax"
