"""DICOM bytes -> header and pixel values, for images.py, which owns the limits and the Radiograph.

Only the elements in KEEP are ever read from a file, so that patient data reaches neither a record
nor a message. pydicom and highdicom are imported inside the functions, because they load slowly.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bonefx.errors import UnreadableRadiographError
from bonefx.films.windows import linear_windows
from bonefx.records import Window

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

MODALITIES = ("CR", "DX", "RG")
MONOCHROME = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
CODE_STRING = re.compile(r"[A-Z0-9_ ]{1,16}")  # value representation CS, PS3.5 section 6.2
KEEP = [
    *("SOPClassUID", "SOPInstanceUID", "Modality", "NumberOfFrames", "PixelData"),
    *("BodyPartExamined", "ViewPosition", "Laterality", "ImageLaterality"),
    *("PixelSpacing", "ImagerPixelSpacing", "Rows", "Columns", "SamplesPerPixel"),
    *("PhotometricInterpretation", "PlanarConfiguration", "PixelRepresentation"),
    *("BitsAllocated", "BitsStored", "HighBit", "RescaleSlope", "RescaleIntercept"),
    *(
        "ModalityLUTSequence",
        "VOILUTSequence",
        "VOILUTFunction",
        "WindowCenter",
        "WindowWidth",
        "WindowCenterWidthExplanation",
    ),
]
WHOLE_NUMBERS = ("Rows", "Columns", "BitsAllocated", "BitsStored", "SamplesPerPixel")
DEFLATED = b"1.2.840.10008.1.2.1.99"  # could unpack to any size before that can be checked


def parse_dicom(data: bytes) -> FileDataset:
    """Read the header and the undecoded pixels of one single-frame radiograph.

    Args:
        data: The file's bytes, with or without preamble and file meta information.

    Returns:
        Those elements of KEEP that the file gives a value to.

    Raises:
        UnreadableRadiographError: damaged, not a radiograph, several frames, or no pixel data.
    """
    if DEFLATED in data[:2048]:
        raise _undecoded("Deflated Explicit VR Little Endian")
    try:
        header = _elements(data)
        _check_kind(header)
        _check_image(header)
    except UnreadableRadiographError:
        raise
    except Exception:  # noqa: BLE001 (damaged data makes pydicom raise anything)
        raise _damaged() from None  # the cause may quote values
    return header


class DecodedPixels(NamedTuple):
    """Pixel values of a film; see Radiograph for pixels, full and windows.

    A film stored in colour has pixels (H, W, 3) uint8.
    """

    pixels: NDArray[Any]
    full: NDArray[np.float32] | None = None
    windows: tuple[Window, ...] = ()


def decode_pixels(header: FileDataset) -> DecodedPixels:
    """Decode the pixels and apply the modality and the VOI transform.

    Without a VOI the film's own smallest and largest value become 0 and 1. The photometric
    interpretation alone says the polarity, and not PresentationLUTShape: every film has the first,
    viewers go by it, and some files have a shape that contradicts it.

    Args:
        header: What parse returned; its size is checked by the caller.

    Raises:
        UnreadableRadiographError: the pixels are damaged or in a syntax that is not decoded here.
    """
    photometric = header.PhotometricInterpretation
    try:
        stored: NDArray[Any] = header.pixel_array  # kept by pydicom, highdicom takes it from there
        if photometric not in MONOCHROME:
            return DecodedPixels(stored.astype(np.uint8, casting="safe"))
        found = _transformed(header)
    except Exception:  # noqa: BLE001 (so do the decoders)
        syntax = header.file_meta.TransferSyntaxUID
        known = not syntax.is_private and syntax.is_transfer_syntax
        raise _undecoded(syntax.name if known else "unknown syntax") from None
    if photometric == "MONOCHROME2":
        return found
    return found._replace(
        pixels=1 - found.pixels, full=None if found.full is None else 1 - found.full
    )


def full_range(values: NDArray[Any]) -> NDArray[np.float32]:
    """Scale values of any range to float32 in [0, 1]; all zero where they are all the same."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.zeros(values.shape, np.float32)
    above = values.astype(np.float32) - np.float32(low)
    return np.asarray(np.clip(above / np.float32(high - low), 0, 1), np.float32)


def code_string(value: Any) -> str | None:
    """Return a DICOM code in upper case; None where it is absent or not a valid code.

    Hyphens and slashes, which some vendors write, become underscores.
    """
    text = re.sub("[-/]", "_", str(value if value is not None else "").strip().upper())
    return text if CODE_STRING.fullmatch(text) else None


def laterality(header: FileDataset) -> str | None:
    """Return L or R; None where it is absent, unpaired, or both."""
    value = code_string(header.get("ImageLaterality", header.get("Laterality")))
    return value if value in ("L", "R") else None


def spacing_mm(header: FileDataset) -> tuple[float, float] | None:
    """Return the row and column distance of pixels, or else that in the plane of the detector."""
    value = header.get("PixelSpacing", header.get("ImagerPixelSpacing"))
    try:
        row, column = (float(part) for part in value)
    except (TypeError, ValueError):  # absent, or not two numbers
        return None
    return (row, column) if 0 < row < float("inf") and 0 < column < float("inf") else None


def _elements(data: bytes) -> FileDataset:
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    silence_dicom_libraries()
    header = pydicom.dcmread(io.BytesIO(data), force=True, specific_tags=list(KEEP))
    if "TransferSyntaxUID" not in header.file_meta:  # a file without meta information
        implicit = header.original_encoding[0]
        syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        header.file_meta.TransferSyntaxUID = syntax
    for element in list(header):  # decodes each one, so that damage shows here
        if element.is_empty:  # an empty window is none
            del header[element.tag]
    return header


def silence_dicom_libraries() -> None:
    """Keep the libraries from quoting a file's values, each time anew because others reset it.

    A filter, because warnings.catch_warnings is not safe between threads.
    """
    warnings.filterwarnings("ignore", module=r"pydicom|highdicom")
    for name in ("pydicom", "highdicom"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _check_kind(header: FileDataset) -> None:
    from pydicom.uid import MediaStorageDirectoryStorage

    if header.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise UnreadableRadiographError(
            "found a DICOMDIR, the index of a disc; choose one of the images that it lists"
        )
    if len(header) == 0:
        raise _damaged()
    if header.get("Modality") not in MODALITIES:
        found = code_string(header.get("Modality")) or "unknown"
        raise UnreadableRadiographError(
            f"found a DICOM file of modality {found}; use a radiograph (CR, DX or RG)"
        )


def _check_image(header: FileDataset) -> None:
    if "PixelData" not in header:
        raise UnreadableRadiographError(
            "found a DICOM file without pixel data; export the image itself"
        )
    frames = int(header.get("NumberOfFrames", 1))
    if frames > 1:
        raise UnreadableRadiographError(
            f"found {frames} frames in one DICOM file; export one of them as a single image"
        )
    if not all(isinstance(header[keyword].value, int) for keyword in WHOLE_NUMBERS):
        raise _damaged()
    _check_samples(header)


def _check_samples(header: FileDataset) -> None:
    photometric = header.PhotometricInterpretation
    if photometric in MONOCHROME and header.SamplesPerPixel == 1:
        return
    if photometric in COLOUR and header.SamplesPerPixel == 3 and header.BitsAllocated == 8:
        return
    found = code_string(photometric) or "an unknown kind"
    raise UnreadableRadiographError(
        f"found DICOM pixels stored as {found} with "
        f"{header.SamplesPerPixel} samples of {header.BitsAllocated} bit; "
        "export them as MONOCHROME2"
    )


def _transformed(header: FileDataset) -> DecodedPixels:
    """Apply the transforms, but not yet the polarity, to pixels and full range."""
    import highdicom

    windowed = "VOILUTSequence" in header or _has_window(header)
    film = highdicom.Image.from_dataset(header, copy=False)
    plain = film.get_frame(1, apply_voi_transform=False, apply_presentation_lut=False)  # see decode
    if not windowed:
        return DecodedPixels(full_range(plain))
    shown = film.get_frame(1, apply_voi_transform=None, apply_presentation_lut=False)
    within = shown.min() >= 0 and shown.max() <= 1
    pixels = np.asarray(shown, np.float32) if within else full_range(shown)
    low, high = float(plain.min()), float(plain.max())
    windows = linear_windows(header, low=low, high=high) if low < high else ()
    return DecodedPixels(pixels, full_range(plain) if windows else None, windows)


def _has_window(header: FileDataset) -> bool:
    """Say whether there is a window of at least one value; drop any other, which means nothing."""
    widths = np.atleast_1d(np.asarray(header.get("WindowWidth", 0), float))
    if "WindowCenter" in header and widths[0] >= 1:
        return True
    for keyword in ("WindowCenter", "WindowWidth"):
        header.pop(keyword, None)
    return False


def _damaged() -> UnreadableRadiographError:
    return UnreadableRadiographError(
        "the DICOM file is damaged or incomplete; export or copy it again"
    )


def _undecoded(syntax: str) -> UnreadableRadiographError:
    return UnreadableRadiographError(
        f"the DICOM pixels ({syntax}) are damaged or in a compression that is not read here; "
        "export them uncompressed or as JPEG Lossless"
    )
