"""Read header and pixel values of a DICOM file, for formats.py, which checks limits.

Only the elements in ELEMENTS_READ are read from a file, so that patient data reaches neither a
record nor a message. pydicom and highdicom are imported inside functions, because they load slowly.
"""

from __future__ import annotations

import io
import logging
import re
import sys
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
ELEMENTS_READ = [
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
DEFLATED = b"1.2.840.10008.1.2.1.99"  # its size is not known before it is unpacked


def parse_dicom(data: bytes) -> FileDataset:
    """Read the header and the undecoded pixels of one single-frame radiograph.

    Args:
        data: The file's bytes, with or without preamble and file meta information.

    Returns:
        The elements of ELEMENTS_READ that have a value.

    Raises:
        UnreadableRadiographError: The file is damaged, not a radiograph, has several frames, or has
            no pixel data.
    """
    prepare_dicom_libraries()
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

    The pixels of a film stored in colour are (H, W, 3) uint8.
    """

    pixels: NDArray[Any]
    full: NDArray[np.float32] | None = None
    windows: tuple[Window, ...] = ()


def decode_pixels(header: FileDataset) -> DecodedPixels:
    """Decode the pixels and apply the modality and the VOI transform.

    Without a VOI transform the smallest and largest value of the film become 0 and 1. Only the
    photometric interpretation determines the polarity, not PresentationLUTShape: every film has
    the former, viewers use it, and the shape of some files contradicts it.

    Args:
        header: From parse_dicom; the caller checks its size.

    Raises:
        UnreadableRadiographError: The pixels are damaged or in an unsupported transfer syntax.
    """
    photometric = header.PhotometricInterpretation
    try:
        stored: NDArray[Any] = header.pixel_array  # cached by pydicom, reused by highdicom
        if photometric not in MONOCHROME:
            return DecodedPixels(stored.astype(np.uint8, casting="safe"))
        decoded = _transformed(header)
    except Exception:  # noqa: BLE001 (as do the decoders)
        syntax = header.file_meta.TransferSyntaxUID
        known = not syntax.is_private and syntax.is_transfer_syntax
        raise _undecoded(syntax.name if known else "unknown syntax") from None
    if photometric == "MONOCHROME2":
        return decoded
    return decoded._replace(
        pixels=1 - decoded.pixels, full=None if decoded.full is None else 1 - decoded.full
    )


def full_range(values: NDArray[Any]) -> NDArray[np.float32]:
    """Scale values of any range to float32 in [0, 1]; equal values become 0."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.zeros(values.shape, np.float32)
    above = values.astype(np.float32) - np.float32(low)
    return np.asarray(np.clip(above / np.float32(high - low), 0, 1), np.float32)


def code_string(value: Any) -> str | None:
    """Return a DICOM code string in upper case; None if it is absent or not valid.

    Hyphens and slashes, which some manufacturers write, become underscores.
    """
    text = re.sub("[-/]", "_", str(value if value is not None else "").strip().upper())
    return text if CODE_STRING.fullmatch(text) else None


def laterality(header: FileDataset) -> str | None:
    """Return the laterality, L or R; None if it is absent, unpaired or both."""
    value = code_string(header.get("ImageLaterality", header.get("Laterality")))
    return value if value in ("L", "R") else None


def spacing_mm(header: FileDataset) -> tuple[float, float] | None:
    """Return row and column spacing: PixelSpacing, else ImagerPixelSpacing; None if absent."""
    value = header.get("PixelSpacing", header.get("ImagerPixelSpacing"))
    try:
        row, column = (float(part) for part in value)
    except (TypeError, ValueError):  # absent, or not two numbers
        return None
    return (row, column) if 0 < row < float("inf") and 0 < column < float("inf") else None


def _elements(data: bytes) -> FileDataset:
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    header = pydicom.dcmread(io.BytesIO(data), force=True, specific_tags=list(ELEMENTS_READ))
    if "TransferSyntaxUID" not in header.file_meta:  # a file without meta information
        implicit = header.original_encoding[0]
        syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        header.file_meta.TransferSyntaxUID = syntax
    for element in list(header):  # iterating decodes each element, which finds damage
        if element.is_empty:  # an empty window means that there is none
            del header[element.tag]
    return header


def prepare_dicom_libraries() -> None:
    """Load gdcm and pydicom, and keep them from logging values of a file.

    The libraries reset their own settings, so that this runs before every file. A filter, because
    warnings.catch_warnings is not safe between threads.
    """
    _load_gdcm()
    import pydicom  # noqa: F401  (importing it sets its log level)

    warnings.filterwarnings("ignore", module=r"pydicom|highdicom")
    for name in ("pydicom", "highdicom"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _load_gdcm() -> None:
    """Load gdcm before pydicom does, with its probes for modules of Python 2 blocked.

    gdcm imports `dl`, then `DLFCN`, and uses what it finds. A folder of such a name in the working
    directory would make gdcm, and with it pydicom, fail to load.
    """
    if "gdcm" in sys.modules:
        return
    blocked = [name for name in ("dl", "DLFCN") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(blocked))  # type: ignore[arg-type]  # None blocks an import
    try:
        import gdcm  # noqa: F401
    finally:
        for name in blocked:
            sys.modules.pop(name, None)


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
    """Apply the modality and VOI transform, without the polarity, to pixels and full range."""
    import highdicom

    windowed = "VOILUTSequence" in header or _has_window(header)
    film = highdicom.Image.from_dataset(header, copy=False)
    # without presentation LUT: decode_pixels applies the polarity
    plain = film.get_frame(1, apply_voi_transform=False, apply_presentation_lut=False)
    if not windowed:
        return DecodedPixels(full_range(plain))
    shown = film.get_frame(1, apply_voi_transform=None, apply_presentation_lut=False)
    within = shown.min() >= 0 and shown.max() <= 1
    pixels = np.asarray(shown, np.float32) if within else full_range(shown)
    low, high = float(plain.min()), float(plain.max())
    windows = linear_windows(header, low=low, high=high) if low < high else ()
    return DecodedPixels(pixels, full_range(plain) if windows else None, windows)


def _has_window(header: FileDataset) -> bool:
    """Return whether the first window is at least 1 wide; remove any narrower, invalid window."""
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
        f"the DICOM pixels ({syntax}) are damaged or in a compression that is not supported; "
        "export them uncompressed or as JPEG Lossless"
    )
