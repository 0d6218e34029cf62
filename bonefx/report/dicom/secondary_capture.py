"""Write a report as DICOM Secondary Capture: the overlay with a caption, filed with its film."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bonefx.films.patient_ids import StudyHeader
from bonefx.report.dicom.filing import (
    DEVICE,
    MANUFACTURER,
    FiledReport,
    check_same_film,
    filing_bytes,
    local_time,
    series_attributes,
    software_text,
    source_reference,
)
from bonefx.report.image import draw_capture
from bonefx.report.record import Report

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SC_SERIES_NUMBER = 9101
ORIENTATION = "PatientOrientation"  # of rows and columns; not valid for a film that was turned
COPIED_ELEMENTS = (
    *(ORIENTATION, "Laterality", "ImageLaterality"),
    *("BodyPartExamined", "LossyImageCompression"),
)


def secondary_capture_bytes(report: Report, header: StudyHeader) -> bytes:
    """Write a Secondary Capture, RGB and RLE Lossless, for the patient and study of the film.

    Args:
        report: Content of the report; its overlay is shown, or the film if there is none.
        header: Identifiers of the same film.

    Returns:
        A DICOM file. Equal reports of one film give equal bytes and identifiers.

    Raises:
        SettingsError: The header belongs to another film.
    """
    import highdicom
    from pydicom.uid import RLELossless

    check_same_film(report, header)
    image = highdicom.sc.SCImage(
        draw_capture(report),
        "RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),  # replaced below by that of the source
        study_instance_uid=str(header.elements.StudyInstanceUID),
        series_number=SC_SERIES_NUMBER,
        series_description="bonefx overlay",
        transfer_syntax_uid=RLELossless,
        **series_attributes([FiledReport(report, header)], "secondary capture"),
    )
    _describe(image, report, header)
    return filing_bytes(image, report, header)


def _describe(image: Dataset, report: Report, header: StudyHeader) -> None:
    """Describe the source and the derivation of the picture, PS3.3 C.7.6.1 and C.8.6."""
    made = local_time(report, header)
    image.PatientOrientation = None  # type 2C, empty if not known
    turned = report.reading.edit.mirrored or report.reading.edit.quarter_turns
    for keyword in COPIED_ELEMENTS:
        if header.elements.get(keyword) and not (keyword == ORIENTATION and turned):
            image[keyword] = header.elements[keyword]
    if "Laterality" not in image and "ImageLaterality" not in image:
        image.Laterality = None  # type 2C, empty if the source has none
    image.ConversionType = "WSD"  # made on a workstation
    image.SecondaryCaptureDeviceManufacturer = MANUFACTURER
    image.SecondaryCaptureDeviceManufacturerModelName = DEVICE
    image.SecondaryCaptureDeviceSoftwareVersions = report.version
    image.DateOfSecondaryCapture = f"{made:%Y%m%d}"
    image.TimeOfSecondaryCapture = f"{made:%H%M%S.%f}"
    shown = "with an evidence map laid over it" if report.overlay else "without a map"
    image.DerivationDescription = (
        f"Film {shown}, the reading in words burned in below. {software_text(report)}"
    )
    image.BurnedInAnnotation = _burned_in(header)
    image.SourceImageSequence = [_source(header)]


def _burned_in(header: StudyHeader) -> str:
    """Return NO if the source declares that its pixels contain no patient data, else YES.

    The caption contains no patient data, but the pixels of the film are part of the picture.
    """
    return "NO" if header.elements.get("BurnedInAnnotation") == "NO" else "YES"


def _source(header: StudyHeader) -> Dataset:
    from highdicom.sr import CodedConcept
    from pydicom.dataset import Dataset
    from pydicom.sr.codedict import codes

    source = source_reference(header)
    item = Dataset()
    item.ReferencedSOPClassUID = source.SOPClassUID
    item.ReferencedSOPInstanceUID = source.SOPInstanceUID
    purpose = CodedConcept.from_code(codes.DCM.SourceImageForImageProcessingOperation)
    item.PurposeOfReferenceCodeSequence = [purpose]
    return item
