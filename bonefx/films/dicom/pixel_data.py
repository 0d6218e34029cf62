"""Decode the pixel data of a DICOM film, and take the stored values out of their bits.

pydicom's decoders give whole containers here. Bits beside the stored ones, where old files keep
overlays, are removed and signs extended in one place for all transfer syntaxes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bonefx.films.dicom.codestreams import Codestream, describe_codestream
from bonefx.films.dicom.elements import whole_number
from bonefx.films.dicom.header import damaged, undecoded
from bonefx.films.dicom.pixel_format import MONOCHROME, PixelFormat

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

UNDEFINED_LENGTH = 0xFFFFFFFF
PLUGINS = {"1.2.840.10008.1.2.4.50": "pillow"}  # gdcm ends the process on damaged colour JPEGs
FIRST_ITEM = b"\xfe\xff\x00\xe0"  # tag of the first item of encapsulated pixel data


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class StoredPixels:
    """Pixel values of a film before any transform.

    Attributes:
        values: (H, W) of whole numbers, or (H, W, 3) uint8 for a film stored in colour.
        form: How they are stored, after the codestream where it contradicts the header.
        padding: (H, W), True for pixels that only fill the rectangle; None if there are none.
    """

    values: NDArray[Any]
    form: PixelFormat
    padding: NDArray[np.bool_] | None = None


def decode_pixels(header: FileDataset, form: PixelFormat) -> StoredPixels:
    """Decode the pixels.

    Args:
        header: From parse_header.
        form: From pixel_format; the caller checks the size.

    Raises:
        UnreadableRadiographError: The pixels are damaged or in an unsupported transfer syntax.
    """
    syntax = str(header.file_meta.TransferSyntaxUID).strip("\0 ")
    try:
        frame = _encapsulated_frame(header)
        stream = None if frame is None else describe_codestream(frame)
        if frame is None:
            syntax = _native_syntax(header)
        elif stream is not None:
            syntax = stream.syntax
            form = _of_codestream(form, stream)
        containers = _containers(header, form, syntax, stream)
    except Exception:  # noqa: BLE001 (damaged data makes decoders raise anything)
        raise undecoded(_syntax_name(syntax)) from None  # the cause may quote values
    if form.samples == 3:
        return StoredPixels(values=containers, form=form)
    values = stored_values(containers, form)
    padding = padding_mask(header, containers, values, form)
    return StoredPixels(values=values, form=form, padding=padding)


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


def _encapsulated_frame(header: FileDataset) -> bytes | None:
    """Return the first compressed frame; None if the pixels are native, whatever the syntax is."""
    from pydicom.encaps import get_frame

    element = header.get_item("PixelData")
    value = element.value
    if getattr(element, "length", 0) != UNDEFINED_LENGTH and not value.startswith(FIRST_ITEM):
        return None
    return bytes(get_frame(value, 0, number_of_frames=1))


def _native_syntax(header: FileDataset) -> str:
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

    little_endian = header.original_encoding[1]
    return str(ExplicitVRLittleEndian if little_endian else ExplicitVRBigEndian)


def _of_codestream(form: PixelFormat, stream: Codestream) -> PixelFormat:
    """Return the form of decoded pixels: precision and components are those of the codestream."""
    if stream.columns != form.columns or stream.rows not in (0, form.rows):
        raise damaged()
    samples, photometric = form.samples, form.photometric
    if stream.samples == 1 and photometric not in MONOCHROME:
        samples, photometric = 1, "MONOCHROME2"
    if stream.bits >= form.stored:
        stored, high = form.stored, form.high if form.high < stream.bits else form.stored - 1
    else:
        stored, high = stream.bits, stream.bits - 1
    return replace(
        form,
        samples=samples,
        photometric=photometric,
        allocated=next(size for size in (8, 16, 32) if stream.bits <= size),
        stored=stored,
        high=high,
    )


def _containers(
    header: FileDataset, form: PixelFormat, syntax: str, stream: Codestream | None
) -> NDArray[Any]:
    """Return the decoded containers, (H, W) unsigned, or (H, W, 3) uint8 for colour."""
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    element = header.get_item("PixelData")
    options: Any = {  # without these, pydicom takes them from a header that it finds valid
        "rows": form.rows,
        "columns": form.columns,
        "number_of_frames": 1,
        "samples_per_pixel": form.samples,
        "photometric_interpretation": form.photometric,
        "planar_configuration": int(whole_number(header, "PlanarConfiguration") == 1),
        "bits_allocated": form.allocated,
        "bits_stored": form.allocated if stream is None else stream.bits,
        "pixel_representation": 0 if stream is None else int(stream.signed),
        "pixel_keyword": "PixelData",
        "pixel_vr": str(element.VR or "OW"),
    }
    decoded, _ = get_decoder(UID(syntax)).as_array(
        element.value, index=0, decoding_plugin=PLUGINS.get(syntax, ""), **options
    )
    if form.samples == 3:
        return np.asarray(decoded.astype(np.uint8, casting="safe"))
    native = decoded.astype(decoded.dtype.newbyteorder("="))
    return np.asarray(native.view(f"u{native.dtype.itemsize}"))


def _syntax_name(syntax: str) -> str:
    from pydicom.uid import UID

    uid = UID(syntax)
    return uid.name if not uid.is_private and uid.is_transfer_syntax else "unknown syntax"
