"""Shared by both DICOM forms of a report: patient and study of the film, identifiers, times.

highdicom builds the objects from a source without patient data. The identifiers are inserted
afterwards, unchanged, because highdicom refuses or logs values of real archives that do not conform
to the standard.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from bonefx.errors import SettingsError
from bonefx.films.dicom.libraries import prepare_dicom_libraries
from bonefx.films.patient_ids import FILING_ELEMENTS, UTF_8, StudyHeader
from bonefx.report.record import Report
from bonefx.report.tables import json_bytes
from bonefx.report.wording.readings import NOTICE

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MANUFACTURER = "bonefx"
DEVICE = "bonefx (research software)"


class FiledReport(NamedTuple):
    """A report of a film, and the identifiers of the same film."""

    report: Report
    header: StudyHeader


def check_same_film(report: Report, header: StudyHeader) -> None:
    """Refuse to file a report with the patient of another film.

    Raises:
        SettingsError: Header and reading are of different files.
    """
    prepare_dicom_libraries()
    if header.sha256 != report.reading.radiograph_sha256:
        raise SettingsError(
            "the identifiers are of another film than the reading; read the film again and make "
            "the report from that reading"
        )


def new_uid(films: Sequence[FiledReport], what: str) -> str:
    """Return a UID that is equal for equal reports only, so that none is filed twice."""
    from pydicom.uid import generate_uid

    sources = [
        text
        for report, header in films
        for text in (json_bytes(report).decode(), str(header.elements.SOPInstanceUID))
    ]
    return str(generate_uid(entropy_srcs=[*sources, what]))


def local_time(report: Report, header: StudyHeader) -> datetime:
    """Return the time of the report in the time zone of the source."""
    offset = re.fullmatch(
        r"([+-])(\d\d)(\d\d)", str(header.elements.get("TimezoneOffsetFromUTC") or "")
    )
    if offset is None:
        return report.created
    sign = -1 if offset[1] == "-" else 1
    return report.created.astimezone(
        timezone(sign * timedelta(hours=int(offset[2]), minutes=int(offset[3])))
    )


def source_reference(header: StudyHeader) -> Dataset:
    """Return the source image for references by highdicom, with an empty patient."""
    from pydicom.dataset import Dataset

    source = Dataset()
    for keyword in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        setattr(source, keyword, str(header.elements[keyword].value))
    for keyword in (
        *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
        *("AccessionNumber", "StudyID", "StudyDate", "StudyTime"),
    ):
        setattr(source, keyword, None)
    return source


def evidence_reference(header: StudyHeader) -> Dataset:
    """Return the source image for highdicom, which accepts no private SOP class."""
    from pydicom.uid import ComputedRadiographyImageStorage

    evidence = source_reference(header)
    evidence.SOPClassUID = ComputedRadiographyImageStorage
    return evidence


def name_own_classes(document: Dataset, films: Sequence[FiledReport]) -> None:
    """Give each image in the evidence of a structured report its own SOP class again."""
    sources = [source_reference(header) for _, header in films]
    classes = {source.SOPInstanceUID: source.SOPClassUID for source in sources}
    (study,) = document.CurrentRequestedProcedureEvidenceSequence
    for series in study.ReferencedSeriesSequence:
        for image in series.ReferencedSOPSequence:
            image.ReferencedSOPClassUID = classes[image.ReferencedSOPInstanceUID]


def series_attributes(films: Sequence[FiledReport], what: str) -> dict[str, Any]:
    """Return the arguments that the constructors of both forms share."""
    report = films[0].report
    return {
        "series_instance_uid": new_uid(films, f"{what} series"),
        "sop_instance_uid": new_uid(films, what),
        "instance_number": 1,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": DEVICE,
        "software_versions": report.version,
        "device_serial_number": report.reading.weights_sha256,
        "specific_character_set": UTF_8,
    }


def filing_bytes(dataset: Dataset, report: Report, header: StudyHeader) -> bytes:
    """Insert patient, study and times; return the content of the file."""
    from pydicom import dcmwrite

    for keyword in FILING_ELEMENTS:
        if keyword in header.elements:
            dataset[keyword] = header.elements[keyword]
    made = local_time(report, header)
    for keyword in ("InstanceCreation", "Content", "Series"):
        setattr(dataset, f"{keyword}Date", f"{made:%Y%m%d}")
        setattr(dataset, f"{keyword}Time", f"{made:%H%M%S.%f}")
    for equipment in dataset.ContributingEquipmentSequence:
        equipment.ContributionDateTime = f"{made:%Y%m%d%H%M%S.%f}"
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def software_text(report: Report) -> str:
    """Return software, version and model as one line, with the notice."""
    return f"bonefx {report.version}, model {report.reading.model}. {NOTICE}"
