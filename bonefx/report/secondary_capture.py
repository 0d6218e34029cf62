"""Report -> DICOM Secondary Capture: the overlay with its words, filed with the film it is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bonefx.films.patient_ids import StudyHeader
from bonefx.report.dicom_filing import (
    DEVICE,
    MANUFACTURER,
    check_same_film,
    filed_bytes,
    local_time,
    reference,
    series,
    software,
)
from bonefx.report.image import filed_picture
from bonefx.report.record import Report

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SC_SERIES_NUMBER = 9101
CARRIED_OVER = (
    *("PatientOrientation", "Laterality", "ImageLaterality"),
    *("BodyPartExamined", "LossyImageCompression"),
)


def secondary_capture_bytes(report: Report, header: StudyHeader) -> bytes:
    """Make a Secondary Capture: RGB, RLE Lossless, of the source's patient and study.

    Args:
        report: Shows its overlay, or the film where there is none, and its words below.
        header: Of the same film.

    Returns:
        A DICOM file. Equal reports of one film give equal bytes and identifiers.

    Raises:
        SettingsError: The header is of another film.
    """
    import highdicom
    from pydicom.uid import RLELossless

    check_same_film(report, header)
    image = highdicom.sc.SCImage(
        filed_picture(report),
        "RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),  # replaced below by what the source says
        study_instance_uid=str(header.elements.StudyInstanceUID),
        series_number=SC_SERIES_NUMBER,
        series_description="bonefx overlay",
        transfer_syntax_uid=RLELossless,
        **series(report, header, "secondary capture"),
    )
    _describe(image, report, header)
    return filed_bytes(image, report, header)


def _describe(image: Dataset, report: Report, header: StudyHeader) -> None:
    """Say what the picture was made from and how; see PS3.3 C.7.6.1 and C.8.6."""
    made = local_time(report, header)
    image.PatientOrientation = None  # type 2C, empty where the source has none
    for keyword in CARRIED_OVER:
        if header.elements.get(keyword):
            image[keyword] = header.elements[keyword]
    if "Laterality" not in image and "ImageLaterality" not in image:
        image.Laterality = None  # type 2C, empty where the source does not tell
    image.ConversionType = "WSD"  # made on a workstation
    image.SecondaryCaptureDeviceManufacturer = MANUFACTURER
    image.SecondaryCaptureDeviceManufacturerModelName = DEVICE
    image.SecondaryCaptureDeviceSoftwareVersions = report.version
    image.DateOfSecondaryCapture = f"{made:%Y%m%d}"
    image.TimeOfSecondaryCapture = f"{made:%H%M%S.%f}"
    shown = "with an evidence map laid over it" if report.overlay else "without a map"
    image.DerivationDescription = (
        f"Film {shown}, the reading in words burned in below. {software(report)}"
    )
    image.BurnedInAnnotation = _burned_in(header)
    image.SourceImageSequence = [_source(header)]


def _burned_in(header: StudyHeader) -> str:
    """NO where the source says that its pixels name nobody, else YES, to be on the safe side.

    The words below the picture name nobody, but the film's own pixels are part of the picture.
    """
    return "NO" if header.elements.get("BurnedInAnnotation") == "NO" else "YES"


def _source(header: StudyHeader) -> Dataset:
    from highdicom.sr import CodedConcept
    from pydicom.dataset import Dataset
    from pydicom.sr.codedict import codes

    source = reference(header)
    item = Dataset()
    item.ReferencedSOPClassUID = source.SOPClassUID
    item.ReferencedSOPInstanceUID = source.SOPInstanceUID
    purpose = CodedConcept.from_code(codes.DCM.SourceImageForImageProcessingOperation)
    item.PurposeOfReferenceCodeSequence = [purpose]
    return item
