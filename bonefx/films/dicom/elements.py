"""Read values of header elements as viewers do, whatever their form in the file.

Scanners and archives write decimal commas, blanks, other value representations and wrong
separators. pydicom refuses such values, so that the bytes of an element are read here.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

CODE_STRING = re.compile(r"[A-Z0-9_ ]{1,16}")  # value representation CS, PS3.5 section 6.2
BINARY = {  # value representations that are no text, PS3.5 section 6.2
    "US": "u2", "SS": "i2", "UL": "u4", "SL": "i4", "FL": "f4", "FD": "f8", "OW": "u2",
    "US or SS": "u2", "US or OW": "u2", "US or SS or OW": "u2", "OB or OW": "u2",
}  # fmt: skip
SEPARATORS = re.compile(r"[;|/\s]+")
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+\.\d*")  # 1,024.5
THOUSANDS_BY_POINT = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d*")  # 1.024,5


def text(dataset: Dataset, keyword: str) -> str:
    """Return an element as text without padding; empty if it is absent."""
    value, vr, _ = _stored(dataset, keyword)
    if isinstance(value, bytes) and vr not in BINARY:
        value = value.decode("latin-1")
    if isinstance(value, str):
        return value.replace("\0", " ").strip()
    return "\\".join(str(part) for part in numbers(dataset, keyword))


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """Return the numbers of an element; nan for a part that is no number, inf included.

    Args:
        dataset: A header or an item of one of its sequences.
        keyword: An element of numbers, in text or in binary form.
    """
    value, vr, little_endian = _stored(dataset, keyword)
    if not isinstance(value, bytes):
        parts = () if value is None else np.atleast_1d(np.asarray(value, object))
        return tuple(_number(str(part)) for part in parts)
    if vr in BINARY:
        form = np.dtype(BINARY[vr]).newbyteorder("<" if little_endian else ">")
        whole = value[: len(value) // form.itemsize * form.itemsize]
        return tuple(_finite(float(part)) for part in np.frombuffer(whole, form))
    given = value.decode("latin-1").replace("\0", " ").strip()
    return tuple(number for part in given.split("\\") for number in _numbers_of(part, given))


def whole_number(dataset: Dataset, keyword: str) -> int | None:
    """Return the first number of an element; None if it is absent or not whole."""
    found = numbers(dataset, keyword)
    return int(found[0]) if found and found[0].is_integer() else None


def code_string(value: Any) -> str | None:
    """Return a DICOM code string in upper case; None if it is absent or not valid.

    Hyphens and slashes, which some manufacturers write, become underscores.
    """
    given = re.sub("[-/]", "_", str(value if value is not None else "").strip(" \0").upper())
    return given if CODE_STRING.fullmatch(given) else None


def code(dataset: Dataset, keyword: str) -> str | None:
    """Return an element as code_string does; the first of several values."""
    return code_string(text(dataset, keyword).split("\\")[0])


def items(dataset: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """Return the items of a sequence that hold an element; none if it is damaged or no sequence."""
    from pydicom.dataset import Dataset

    if keyword not in dataset:
        return ()
    try:
        found = tuple(dataset[keyword].value or ())
        return tuple(item for item in found if isinstance(item, Dataset) and len(item))
    except Exception:  # noqa: BLE001 (pydicom raises anything for a damaged sequence)
        return ()  # as without the sequence, which viewers ignore


def stored_words(dataset: Dataset, keyword: str) -> tuple[bytes, NDArray[np.uint16]]:
    """Return the bytes of an element in little-endian order, and the same as 16-bit words."""
    value, vr, little_endian = _stored(dataset, keyword)
    if not isinstance(value, bytes):
        values = np.atleast_1d(np.asarray([] if value is None else value))
        value, little_endian = (values.astype(np.int64) & 0xFFFF).astype("<u2").tobytes(), True
    whole = value[: len(value) // 2 * 2]
    if not little_endian and vr not in ("OB", "UN"):  # bytes are never swapped
        value = np.frombuffer(whole, ">u2").astype("<u2").tobytes() + value[len(whole) :]
    return value, np.frombuffer(value[: len(whole)], "<u2")


def _stored(dataset: Dataset, keyword: str) -> tuple[Any, str, bool]:
    """Return the value of an element, its value representation, and whether little-endian.

    The value is bytes, unless pydicom has converted it already. None for an absent element, and
    for a sequence, which has no value.
    """
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    tag = tag_for_keyword(keyword)
    if tag is None or tag not in dataset:
        return None, "", True
    element = dataset.get_item(tag, keep_deferred=True)
    known = element.VR not in (None, "UN")
    vr = str(element.VR) if known else dictionary_VR(tag)
    if vr == "SQ":
        return None, "", True
    return element.value, vr, getattr(element, "is_little_endian", True)


def _numbers_of(part: str, given: str) -> list[float]:
    """Return the numbers between two backslashes, with other separators that are found in files."""
    if not part.strip():  # one of several values may be empty
        return [math.nan] if given else []
    return [number for one in SEPARATORS.split(part) if one for number in _comma_numbers(one)]


def _comma_numbers(part: str) -> list[float]:
    """Return the numbers of a text without separators other than commas."""
    if THOUSANDS.fullmatch(part):
        return [_number(part.replace(",", ""))]
    if THOUSANDS_BY_POINT.fullmatch(part):
        return [_number(part.replace(".", "").replace(",", "."))]
    if part.count(",") == 1 and "." not in part:
        return [_number(part.replace(",", "."))]
    return [_number(number) for number in part.split(",") if number]


def _number(given: str) -> float:
    try:
        return _finite(float(given))
    except ValueError:
        return math.nan


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.nan
