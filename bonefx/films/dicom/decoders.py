"""Decode native and compressed pixel data to the containers of the values.

Headers contradict their compressed pixels in many files, and a decoder follows the codestream. So
the form of the data counts, not the transfer syntax that the file gives: native pixels in a file
labelled as compressed are read, and so are pixels in another compression than the label says.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bonefx.films.codecs.codestreams import (
    JPEG_2000_SIZE,
    JPEG_LS_FRAME,
    JPEG_START,
    FrameHeader,
    read_frame_header,
)
from bonefx.films.codecs.deep_jpeg import decode_deep_jpeg
from bonefx.films.codecs.jpeg import decode_jpeg, is_damaged, with_end
from bonefx.films.dicom.elements import text, whole_number
from bonefx.films.dicom.header import damaged, encapsulated_value
from bonefx.films.dicom.pixel_format import MONOCHROME, PixelFormat

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

JPEG_BASELINE, JPEG_EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
JPEG = (0xC0, 0xC1, 0xC2, 0xC3)  # of SYNTAXES: lossy ones, and lossless without JPEG-LS
SYNTAXES = {  # by FrameHeader.marker; a decoder of the baseline syntax reads progressive ones too
    0xC0: JPEG_BASELINE,
    0xC1: JPEG_EXTENDED,
    0xC2: JPEG_BASELINE,
    0xC3: "1.2.840.10008.1.2.4.57",
    JPEG_LS_FRAME: "1.2.840.10008.1.2.4.80",
    JPEG_2000_SIZE: "1.2.840.10008.1.2.4.91",
}
GE_PRIVATE = "1.2.840.113619.5.2"  # Implicit VR Little Endian, but for big-endian pixels
# gdcm, which pydicom would take by itself where it is installed, ends the process on some files.
PLUGINS = {JPEG_BASELINE: "pillow", JPEG_EXTENDED: "pillow"}
OWN_PLUGIN = "pydicom"  # for all other syntaxes; it reads RLE


class Containers(NamedTuple):
    """Decoded pixels.

    Attributes:
        values: (H, W) of unsigned whole numbers, or (H, W, 3) for colour.
        form: How they are stored, after the codestream where it contradicts the header.
        damaged: A part of them may be missing or wrong.
    """

    values: NDArray[Any]
    form: PixelFormat
    damaged: bool = False


def decode_containers(header: FileDataset, form: PixelFormat) -> Containers:
    """Decode the first frame, a damaged JPEG as far as possible.

    Args:
        header: From parse_header.
        form: How the header says that pixels are stored.

    Raises:
        Exception: The pixels are damaged or in a compression that no decoder reads.
    """
    compressed = encapsulated_value(header)
    if compressed is None:
        native = _by_pydicom(header, form, _native_syntax(header))
        return Containers(_checked(native, form), form)
    frame = _only_frame(compressed)
    stream = read_frame_header(frame)
    if stream is None and frame.startswith(JPEG_START):
        raise damaged()
    if stream is None or stream.marker not in SYNTAXES:
        syntax = text(header.file_meta, "TransferSyntaxUID")
        return Containers(_checked(_by_pydicom(header, form, syntax, frame=frame), form), form)
    form, syntax = _of_codestream(form, stream), SYNTAXES[stream.marker]
    if stream.marker in JPEG:  # encoders of some vendors leave out the end
        complete = with_end(frame)
        by_pydicom = form.samples == 3 and syntax in PLUGINS and stream.bits == 8
        if complete != frame or is_damaged(complete) or not by_pydicom:
            return _jpeg(complete, stream, form)
        values = _by_pydicom(header, form, syntax, stream=stream, frame=frame)
        return Containers(_checked(values, form), form)
    return Containers(_by_imagecodecs(frame, stream, form), form)


def _only_frame(compressed: bytes) -> bytes:
    """Join all fragments, whatever the offset table says, which is wrong in some files."""
    from pydicom.encaps import generate_fragments, parse_basic_offsets

    buffer = io.BytesIO(compressed)
    parse_basic_offsets(buffer)
    return b"".join(generate_fragments(buffer))


def _native_syntax(header: FileDataset) -> str:
    """Return the syntax that stands for the byte order of native pixels."""
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

    little_endian = header.original_encoding[1]
    implicit = header.get_item("PixelData", keep_deferred=True).VR is None
    if implicit and text(header.file_meta, "TransferSyntaxUID") == GE_PRIVATE:
        little_endian = False
    return str(ExplicitVRLittleEndian if little_endian else ExplicitVRBigEndian)


def _of_codestream(form: PixelFormat, stream: FrameHeader) -> PixelFormat:
    """Return the form of decoded pixels: precision and components are those of the codestream."""
    if stream.columns != form.columns or stream.rows not in (0, form.rows):
        raise damaged()
    if stream.samples not in (1, 3):  # a decoder would make room for as many whole pictures
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


def _jpeg(frame: bytes, stream: FrameHeader, form: PixelFormat) -> Containers:
    """Decode a JPEG, and find out whether it is damaged.

    pydicom reads no lossy one of 12 bits, and passes over damage.
    """
    if stream.bits == 8 and SYNTAXES[stream.marker] in PLUGINS:
        image, is_partial = decode_jpeg(frame, salvage=True)
        values = np.asarray(image.convert("RGB" if form.samples == 3 else "L"))
    else:
        (values, _), is_partial = decode_deep_jpeg(frame, salvage=True)
    return Containers(_checked(values, form), form, is_partial)


def _by_imagecodecs(frame: bytes, stream: FrameHeader, form: PixelFormat) -> NDArray[Any]:
    """Decode JPEG-LS and JPEG 2000."""
    import imagecodecs

    is_jpeg_ls = stream.marker == JPEG_LS_FRAME
    decode = imagecodecs.jpegls_decode if is_jpeg_ls else imagecodecs.jpeg2k_decode
    values = np.asarray(decode(frame))
    return _checked(values.view(f"u{values.dtype.itemsize}"), form)


def _checked(values: NDArray[Any], form: PixelFormat) -> NDArray[Any]:
    """Return decoded values unchanged if they have the shape that the header says."""
    expected = (form.rows, form.columns)
    if values.shape != (expected if form.samples == 1 else (*expected, 3)):
        raise damaged()
    return values


def _by_pydicom(
    header: FileDataset,
    form: PixelFormat,
    syntax: str,
    *,
    stream: FrameHeader | None = None,
    frame: bytes | None = None,
) -> NDArray[Any]:
    """Decode by pydicom, with the decoder of a transfer syntax."""
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    element = header.get_item("PixelData", keep_deferred=True)
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
        element.value if frame is None else encapsulate([frame]),
        index=0,
        decoding_plugin="" if frame is None else PLUGINS.get(syntax, OWN_PLUGIN),
        **options,
    )
    native = decoded.astype(decoded.dtype.newbyteorder("="))
    return np.asarray(native.view(f"u{native.dtype.itemsize}"))
