"""Whose film it is: the identifiers that a DICOM report needs to file under its patient and study.

The one place that reads patient data. They stay in a StudyHeader, which shows nothing of them and
belongs in the memory of one session alone: in no Radiograph, Reading, log, JSON or cache. Only
report/dicom.py and report/structured.py take them out again, into a DICOM file.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bonefx.errors import UnreadableRadiographError
from bonefx.films import dicom

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

FILED_UNDER = (  # copied into each DICOM report
    *("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"),
    *("PatientAge", "PatientIdentityRemoved", "DeidentificationMethod"),
    *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber"),
    *("ReferringPhysicianName", "StudyDescription", "TimezoneOffsetFromUTC"),
)
OF_THE_IMAGE = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID"),
    *("PatientOrientation", "Laterality", "ImageLaterality", "BodyPartExamined"),
    *("BurnedInAnnotation", "LossyImageCompression"),
)
NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
UTF_8 = "ISO_IR 192"
STUDY_REMEDY = "make the report as PDF, or export the film again from the archive"

DATE = re.compile(r"(\d{4})\.?(\d\d)\.?(\d\d)")  # value representation DA, and its old form
TIME = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(\.\d{1,6})?)?)?")  # TM, and its old form
OFFSET = re.compile(r"([+-]\d{4})")  # (0008,0201)
SEX = re.compile(r"([MFO])")
VALUE_PATTERNS = {
    "PatientBirthDate": DATE,
    "StudyDate": DATE,
    "StudyTime": TIME,
    "TimezoneOffsetFromUTC": OFFSET,
    "PatientSex": SEX,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class StudyHeader:
    """Identifiers of one DICOM film, opaque: what is printed of it names nobody.

    Attributes:
        sha256: Checksum of the film's file, so that no report files under another film's patient.
        elements: FILED_UNDER and OF_THE_IMAGE as far as given, as Unicode; patient data.
    """

    sha256: str
    elements: Dataset

    def __repr__(self) -> str:
        return "StudyHeader(identifiers not shown)"


def read_study_header(source: bytes | str | os.PathLike[str]) -> StudyHeader:
    """Read the identifiers of a DICOM film.

    Args:
        source: The bytes of the file, or its path.

    Returns:
        The identifiers as the file gives them; dates, times and sexes in no valid form are left
        empty.

    Raises:
        UnreadableRadiographError: no such file, not DICOM, damaged, or without one of NEEDED.
    """
    data = source if isinstance(source, bytes) else _bytes_of(Path(source))
    elements = _elements(data)
    missing = [keyword for keyword in NEEDED if not elements.get(keyword)]
    if missing:
        raise UnreadableRadiographError(
            f"the DICOM file has no {' and no '.join(missing)}, without which a DICOM report "
            f"cannot be filed with it; {STUDY_REMEDY}"
        )
    return StudyHeader(sha256=hashlib.sha256(data).hexdigest(), elements=elements)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise UnreadableRadiographError(
            f"the file cannot be opened ({reason}); check its name and that you may read it"
        ) from None  # the cause holds the path


def _elements(data: bytes) -> Dataset:
    import pydicom
    from pydicom.dataset import Dataset

    dicom.silence_dicom_libraries()
    if dicom.DEFLATED in data[:2048]:
        raise _unread()
    kept = Dataset()
    try:
        header = pydicom.dcmread(
            io.BytesIO(data),
            force=True,
            stop_before_pixels=True,
            specific_tags=["SpecificCharacterSet", *FILED_UNDER, *OF_THE_IMAGE],
        )
        for keyword in (*FILED_UNDER, *OF_THE_IMAGE):
            if keyword in header:
                kept.add(_clean(header[keyword]))
    except Exception:  # noqa: BLE001 (damaged data makes pydicom raise anything)
        raise _unread() from None  # the cause may quote values
    if len(kept) == 0:
        raise _unread()
    kept.SpecificCharacterSet = UTF_8
    return kept


def _clean(element: DataElement) -> DataElement:
    """Return an element as Unicode, unchecked, because an identifier must stay as it is."""
    from pydicom import config
    from pydicom.dataelem import DataElement

    value: Any = element.value
    if element.VR == "PN" and value:  # bytes in the file's character set until asked as text
        value = "\\".join(str(name) for name in ([value] if element.VM == 1 else value))
    form = VALUE_PATTERNS.get(element.keyword)
    if form is not None:
        found = form.fullmatch(str(value or "").strip())
        value = "".join(part or "" for part in found.groups()) if found else ""
    return DataElement(element.tag, element.VR, value, validation_mode=config.IGNORE)


def _unread() -> UnreadableRadiographError:
    return UnreadableRadiographError(
        f"the header of the file cannot be read as that of a DICOM film; {STUDY_REMEDY}"
    )
