"""Read the header of a DICOM radiograph, and refuse what is none.

Only the elements in ELEMENTS_READ are read from a file, so that patient data reaches neither a
record nor a message. Of the study only a hash leaves this package; see study.py.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

from bonefx.errors import UnreadableRadiographError
from bonefx.films.dicom.elements import code, numbers, whole_number
from bonefx.films.dicom.libraries import prepare_dicom_libraries
from bonefx.films.dicom.shutters import SHUTTER_ELEMENTS
from bonefx.records import SpacingPlane

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

MODALITIES = ("CR", "DX", "RG")
ELEMENTS_READ = (
    *("SOPClassUID", "SOPInstanceUID", "Modality", "PresentationIntentType", "NumberOfFrames"),
    *("BodyPartExamined", "AnatomicRegionSequence", "PrimaryAnatomicStructureSequence"),
    *("ViewPosition", "Laterality", "StudyInstanceUID"),
    *("ImageLaterality", "PixelSpacing", "ImagerPixelSpacing"),
    *("NominalScannedPixelSpacing", "PixelSpacingCalibrationType", "PixelAspectRatio"),
    *("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleSlope", "RescaleIntercept"),
    *("ModalityLUTSequence", "VOILUTSequence", "VOILUTFunction"),
    *("WindowCenter", "WindowWidth", "WindowCenterWidthExplanation"),
    *SHUTTER_ELEMENTS,
)
SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
CALIBRATIONS = ("GEOMETRY", "FIDUCIAL")  # values of Pixel Spacing Calibration Type
SAME_SPACING = 1e-3  # relative difference; manufacturers round one value and not the other
DEFLATED = "1.2.840.10008.1.2.1.99"  # its size is not known before it is unpacked
PIXEL_DATA_TAGS = (b"\xe0\x7f\x10\0", b"\x7f\xe0\0\x10")  # little- and big-endian
UNDEFINED_LENGTH = 0xFFFFFFFF
FIRST_ITEM = b"\xfe\xff\x00\xe0"  # tag of the first item of encapsulated pixel data
FILE_META_GROUP = 0x0002


def parse_header(data: bytes) -> FileDataset:
    """Read the header and the undecoded pixels of one single-frame radiograph.

    Args:
        data: The file's bytes, with or without preamble and file meta information.

    Returns:
        The elements of ELEMENTS_READ that the file has.

    Raises:
        UnreadableRadiographError: The file is damaged, not a radiograph, has several frames, or has
            no pixel data.
    """
    prepare_dicom_libraries()
    try:
        if is_deflated(data):
            raise UnreadableRadiographError(
                "found a DICOM file that is compressed as a whole (Deflated Explicit VR Little "
                "Endian), which is not supported; export it uncompressed"
            )
        header = _elements(data)
        _check_kind(header)
        _check_image(header, data)
    except (UnreadableRadiographError, MemoryError):
        raise
    except Exception:  # noqa: BLE001 (damaged data makes pydicom raise anything)
        raise damaged() from None  # the cause may quote values
    return header


def is_deflated(data: bytes) -> bool:
    """Return whether the file meta information gives the deflated transfer syntax.

    Only the file meta information tells: the same text may stand in any other element.
    """
    from pydicom.filereader import read_dataset, read_preamble

    stream = io.BytesIO(data)
    read_preamble(stream, force=True)
    meta = read_dataset(
        stream,
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, _vr, _length: tag.group != FILE_META_GROUP,
    )
    return str(meta.get("TransferSyntaxUID", "")).strip("\0 ") == DEFLATED


def size_px(header: FileDataset) -> tuple[int, int]:
    """Return rows and columns.

    Raises:
        UnreadableRadiographError: One of them is absent or not a positive whole number.
    """
    rows, columns = (whole_number(header, keyword) or 0 for keyword in ("Rows", "Columns"))
    if rows < 1 or columns < 1:
        raise damaged()
    return rows, columns


def encapsulated_value(header: FileDataset) -> bytes | None:
    """Return the pixel data if they are compressed frames; None if they are native."""
    element = header.get_item("PixelData", keep_deferred=True)
    undefined = getattr(element, "length", 0) == UNDEFINED_LENGTH
    return element.value if undefined or element.value.startswith(FIRST_ITEM) else None


def laterality(header: FileDataset) -> str | None:
    """Return the laterality, L or R; None if it is absent, unpaired or both."""
    found = code(header, "ImageLaterality") or code(header, "Laterality")
    return found if found in ("L", "R") else None


def spacing_mm(header: FileDataset) -> tuple[float, float] | None:
    """Return row and column spacing by the first of SPACINGS that is valid; None if none is."""
    return next(filter(None, (_valid_spacing(header, keyword) for keyword in SPACINGS)), None)


def spacing_plane(header: FileDataset) -> SpacingPlane | None:
    """Return where the distances of spacing_mm hold; None without spacing.

    Source:
        DICOM PS3.3, 10.7.1.1, Pixel Spacing: it equals the spacing at the detector, or on the
        scanned film, unless it was corrected or calibrated; without such a spacing and without a
        Pixel Spacing Calibration Type nobody can tell.
    """
    at_patient, *at_detector = (_valid_spacing(header, keyword) for keyword in SPACINGS)
    uncorrected = next(filter(None, at_detector), None)
    if at_patient is None:
        return SpacingPlane.DETECTOR if uncorrected else None
    if code(header, "PixelSpacingCalibrationType") in CALIBRATIONS:
        return SpacingPlane.PATIENT
    if uncorrected is None:
        return SpacingPlane.UNKNOWN
    sides = zip(at_patient, uncorrected, strict=True)
    same = all(math.isclose(*pair, rel_tol=SAME_SPACING) for pair in sides)
    return SpacingPlane.DETECTOR if same else SpacingPlane.PATIENT


def _valid_spacing(header: FileDataset, keyword: str) -> tuple[float, float] | None:
    pair = numbers(header, keyword)
    valid = len(pair) == 2 and all(side > 0 for side in pair)  # false for nan
    return (pair[0], pair[1]) if valid else None


def pixel_aspect(header: FileDataset) -> float | None:
    """Return the height of a pixel divided by its width; None if the header does not give it.

    Source:
        DICOM PS3.3, C.7.6.3.1.7, Pixel Aspect Ratio, which counts where there is no spacing.
    """
    pair = spacing_mm(header) or numbers(header, "PixelAspectRatio")
    return pair[0] / pair[1] if len(pair) == 2 and all(side > 0 for side in pair) else None


def damaged() -> UnreadableRadiographError:
    """Return the error for a file that cannot be parsed."""
    return UnreadableRadiographError(
        "the DICOM file is damaged or incomplete; export or copy it again"
    )


def undecoded(syntax: str, *, native: bool = False) -> UnreadableRadiographError:
    """Return the error for pixels that cannot be decoded.

    Args:
        syntax: Name of the transfer syntax.
        native: Whether the pixels are uncompressed.
    """
    if native:
        return UnreadableRadiographError(
            f"the DICOM pixels ({syntax}) are incomplete or do not fit their header; "
            "export or copy the film again"
        )
    return UnreadableRadiographError(
        f"the DICOM pixels ({syntax}) are damaged or in a compression that is not supported; "
        "export them uncompressed"
    )


def _elements(data: bytes) -> FileDataset:
    import pydicom
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    header = pydicom.dcmread(io.BytesIO(data), force=True, specific_tags=list(ELEMENTS_READ))
    if "TransferSyntaxUID" not in header.file_meta:  # a file without meta information
        implicit, little_endian = header.original_encoding
        explicit = ExplicitVRLittleEndian if little_endian else ExplicitVRBigEndian
        header.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return header


def _check_kind(header: FileDataset) -> None:
    from pydicom.uid import MediaStorageDirectoryStorage

    if header.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise UnreadableRadiographError(
            "found a DICOMDIR, the index of a disc; choose one of the images that it lists"
        )
    if len(header) == 0:
        raise damaged()
    modality = code(header, "Modality")
    if modality not in MODALITIES:
        raise UnreadableRadiographError(
            f"found a DICOM file of modality {modality or 'unknown'}; "
            "use a radiograph (CR, DX or RG)"
        )


def _check_image(header: FileDataset, data: bytes) -> None:
    pixels = header.get_item("PixelData", keep_deferred=True)
    if pixels is None and any(tag in data for tag in PIXEL_DATA_TAGS):
        raise UnreadableRadiographError(
            "found an element in the DICOM file that cannot be read, before the pixel data; "
            "export the film again, without private elements"
        )
    if pixels is None or not isinstance(pixels.value, bytes) or not pixels.value:
        raise UnreadableRadiographError(
            "found a DICOM file without pixel data; export the image itself"
        )
    frames = whole_number(header, "NumberOfFrames") or 1
    if frames > 1:
        raise UnreadableRadiographError(
            f"found {frames} frames in one DICOM file; export one of them as a single image"
        )
