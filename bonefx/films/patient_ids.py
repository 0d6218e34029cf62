"""Read the identifiers that file a DICOM report under the patient and study of its film.

This is the only module that reads patient data. The data stay in a StudyHeader, which never prints
them and is kept only in the memory of one session: never in a Radiograph, Reading, log, JSON or
cache. Only bonefx/report/dicom uses them.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Iterable, MutableSequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bonefx.errors import UnreadableRadiographError
from bonefx.films.dicom.header import is_deflated
from bonefx.films.dicom.libraries import prepare_dicom_libraries
from bonefx.films.opening import read_film_file

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset, FileDataset

FILING_ELEMENTS = (  # copied into each DICOM report
    *("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"),
    *("PatientAge", "PatientIdentityRemoved", "DeidentificationMethod"),
    *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber"),
    *("ReferringPhysicianName", "StudyDescription", "TimezoneOffsetFromUTC"),
)
IMAGE_ELEMENTS = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID"),
    *("PatientOrientation", "Laterality", "ImageLaterality", "BodyPartExamined"),
    *("BurnedInAnnotation", "LossyImageCompression", "Rows", "Columns"),
)
REQUIRED_ELEMENTS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
CHARACTER_SET, UTF_8 = "SpecificCharacterSet", "ISO_IR 192"
STUDY_REMEDY = "make the report as PDF, or export the film again from the archive"

# Value representations DA and TM with their older forms, PS3.5 section 6.2
DATE = re.compile(r"(\d{4})\.?(\d\d)\.?(\d\d)")
TIME = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(\.\d{1,6})?)?)?")
OFFSET = re.compile(r"([+-]\d{4})")  # TimezoneOffsetFromUTC
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
    """Identifiers of one DICOM film; its repr shows no patient data.

    Attributes:
        sha256: Checksum of the file, to check that a report is filed with the same film.
        elements: The FILING_ELEMENTS and IMAGE_ELEMENTS of the file, as Unicode; patient data.
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
        The identifiers of the file; dates, times and sexes that are not valid are left empty.

    Raises:
        UnreadableRadiographError: There is no such file, or it is not DICOM, damaged, or without
            one of REQUIRED_ELEMENTS.
    """
    data = source if isinstance(source, bytes) else read_film_file(source)
    elements = _elements(data)
    missing = [keyword for keyword in REQUIRED_ELEMENTS if not elements.get(keyword)]
    if missing:
        raise UnreadableRadiographError(
            f"the DICOM file has no {' and no '.join(missing)}, without which a DICOM report "
            f"cannot be filed with it; {STUDY_REMEDY}"
        )
    return StudyHeader(sha256=hashlib.sha256(data).hexdigest(), elements=elements)


def _elements(data: bytes) -> Dataset:
    prepare_dicom_libraries()
    import pydicom

    try:
        if is_deflated(data):
            raise _unread()
        header = pydicom.dcmread(
            io.BytesIO(data),
            force=True,
            stop_before_pixels=True,
            specific_tags=[CHARACTER_SET, *FILING_ELEMENTS, *IMAGE_ELEMENTS],
        )
        kept = _kept(header)
    except (UnreadableRadiographError, MemoryError):
        raise
    except Exception:  # noqa: BLE001 (damaged data makes pydicom raise anything)
        raise _unread() from None  # the cause may quote values
    if len(kept) == 0:
        raise _unread()
    kept.SpecificCharacterSet = UTF_8
    return kept


def _kept(header: FileDataset) -> Dataset:
    from pydicom.dataset import Dataset

    kept = Dataset()
    for keyword in (*FILING_ELEMENTS, *IMAGE_ELEMENTS):
        if keyword in header:
            kept.add(_clean(header[keyword]))
    for keyword in ("SOPClassUID", "SOPInstanceUID"):  # some files have them in the meta alone
        in_meta = header.file_meta.get(f"MediaStorage{keyword}")
        if in_meta and not kept.get(keyword):
            setattr(kept, keyword, in_meta)
    return kept


def _clean(element: DataElement) -> DataElement:
    """Return an element as Unicode, not validated, because an identifier must stay unchanged."""
    from pydicom import config
    from pydicom.dataelem import DataElement

    value: Any = element.value
    if element.VR == "PN" and value:  # in the character set of the file until converted
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


def study_rows(header: StudyHeader) -> tuple[tuple[str, str, Any], ...]:
    """Return keyword, value representation and value of each element, for another process.

    Values that are neither text nor numbers, as in elements of a wrong kind, are left out.
    """
    return tuple(
        (element.keyword, str(element.VR), _plain(element.value)) for element in header.elements
    )


def study_from_rows(sha256: str, rows: Iterable[tuple[str, str, Any]]) -> StudyHeader:
    """Rebuild the identifiers of a film from study_rows.

    Raises:
        ValueError: A row is not one of FILING_ELEMENTS or IMAGE_ELEMENTS.
    """
    prepare_dicom_libraries()
    from pydicom import config
    from pydicom.datadict import tag_for_keyword
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

    elements = Dataset()
    for keyword, kind, value in rows:
        tag = tag_for_keyword(keyword)
        if tag is None or keyword not in (CHARACTER_SET, *FILING_ELEMENTS, *IMAGE_ELEMENTS):
            raise ValueError("an element is not one of those that are read")
        elements.add(DataElement(tag, kind, value, validation_mode=config.IGNORE))
    return StudyHeader(sha256=sha256, elements=elements)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (int, float)):
        return value
    if isinstance(value, str) or type(value).__name__ == "PersonName":
        return str(value)
    if isinstance(value, MutableSequence) and not hasattr(value, "is_undefined_length"):
        return [_plain(part) for part in value]
    return None
