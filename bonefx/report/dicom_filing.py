"""What both DICOM forms of a report share: patient and study of the source, new identifiers, times.

highdicom builds the objects from a source without patient data, and the identifiers are put in
afterwards as they are, because it would refuse or log values of real archives that are not quite
to the standard.
"""

from __future__ import annotations

import io
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from bonefx.errors import SettingsError
from bonefx.films import dicom
from bonefx.films.patient_ids import FILED_UNDER, UTF_8, StudyHeader
from bonefx.report.record import Report
from bonefx.report.tables import json_bytes
from bonefx.report.wording import NOTICE

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MANUFACTURER = "bonefx"
DEVICE = "bonefx (research software)"


def check_same_film(report: Report, header: StudyHeader) -> None:
    """Refuse to file a report under the patient of another film.

    Raises:
        SettingsError: The header was read from another file than the reading.
    """
    dicom.silence_dicom_libraries()
    if header.sha256 != report.reading.radiograph_sha256:
        raise SettingsError(
            "the identifiers are of another film than the reading; read the film again and make "
            "the report from that reading"
        )


def new_uid(report: Report, header: StudyHeader, what: str) -> str:
    """Make an identifier that is the same for the same report only, so that none files twice."""
    from pydicom.uid import generate_uid

    source = str(header.elements.SOPInstanceUID)
    return str(generate_uid(entropy_srcs=[json_bytes(report).decode(), source, what]))


def local_time(report: Report, header: StudyHeader) -> datetime:
    """When the report was made, on the clock that the source's times are told by."""
    offset = re.fullmatch(
        r"([+-])(\d\d)(\d\d)", str(header.elements.get("TimezoneOffsetFromUTC") or "")
    )
    if offset is None:
        return report.created
    sign = -1 if offset[1] == "-" else 1
    return report.created.astimezone(
        timezone(sign * timedelta(hours=int(offset[2]), minutes=int(offset[3])))
    )


def reference(header: StudyHeader) -> Dataset:
    """The source as highdicom refers to it, with an empty patient."""
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


def series(report: Report, header: StudyHeader, what: str) -> dict[str, Any]:
    """What the constructors of both forms take alike."""
    return {
        "series_instance_uid": new_uid(report, header, f"{what} series"),
        "sop_instance_uid": new_uid(report, header, what),
        "instance_number": 1,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": DEVICE,
        "software_versions": report.version,
        "device_serial_number": report.reading.weights_sha256,
        "specific_character_set": UTF_8,
    }


def filed_bytes(dataset: Dataset, report: Report, header: StudyHeader) -> bytes:
    """Put patient, study and times in, and write the file."""
    from pydicom import dcmwrite

    for keyword in FILED_UNDER:
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


def software(report: Report) -> str:
    """Which software and model, as one line."""
    return f"bonefx {report.version}, model {report.reading.model}. {NOTICE}"
