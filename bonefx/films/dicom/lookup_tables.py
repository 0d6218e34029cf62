"""Read the look-up tables of modality and VOI transforms, and apply them.

Vendors write descriptors that do not fit the data; what a table means is usually clear anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bonefx.films.dicom.elements import items, numbers, stored_words

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

WORD = 1 << 16
MAX_BITS = 16
MIN_COMPLETE = 0.99  # of the entries; tables lack one or two in files of some vendors


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds an array
class LookupTable:
    """A table of output values.

    Attributes:
        first: Input value that the first entry belongs to.
        entries: (N,) unsigned output values.
        bits: Bits of an output value; 2 ** bits - 1 is the largest possible one.
    """

    first: int
    entries: NDArray[np.uint16]
    bits: int

    def output(self, values: NDArray[Any]) -> NDArray[np.uint16]:
        """Return the entry of each value; the first or last for values outside of the table."""
        at = values.astype(np.int32) if values.dtype.kind in "iu" else np.rint(values)
        inside = np.clip(at, self.first, self.first + len(self.entries) - 1)
        return np.asarray(self.entries[(inside - self.first).astype(np.int32)])

    def shown(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return the values as displayed: the possible output becomes [0, 1]."""
        return self.output(values).astype(np.float32) / np.float32((1 << self.bits) - 1)


def first_table(dataset: Dataset, keyword: str, values: NDArray[Any]) -> LookupTable | None:
    """Return the first usable table of a sequence; None if there is none.

    Args:
        dataset: A header.
        keyword: ModalityLUTSequence or VOILUTSequence.
        values: (H, W), input values, which decide whether the first input value is signed.
    """
    low, high = float(values.min()), float(values.max())
    tables = (read_table(item, low=low, high=high) for item in items(dataset, keyword))
    return next((table for table in tables if table is not None), None)


def read_table(item: Dataset, *, low: float, high: float) -> LookupTable | None:
    """Read one item of a sequence of tables.

    Args:
        item: With LUT Descriptor and LUT Data.
        low: Smallest input value.
        high: Largest input value.

    Returns:
        The table; None if descriptor and data do not fit together, or all entries are equal.

    Source:
        DICOM PS3.3, C.11.1.1 and C.11.2.1.1. Entries of 8 bits may fill 16-bit words, or lie in
        pairs in them; the length of the data tells.
    """
    descriptor = numbers(item, "LUTDescriptor")
    if len(descriptor) != 3 or not all(value.is_integer() for value in descriptor):
        return None
    count, first, bits = (int(value) for value in descriptor)
    count = count % WORD or WORD
    entries = _entries(item, count, bits)
    if len(entries) < max(1, MIN_COMPLETE * count - 1) or np.ptp(entries) == 0:
        return None
    largest = int(entries.max()).bit_length()
    return LookupTable(
        first=_first_input(first, len(entries), low=low, high=high),
        entries=entries,
        bits=max(largest, bits if 1 <= bits <= MAX_BITS else 8),
    )


def _entries(item: Dataset, count: int, bits: int) -> NDArray[np.uint16]:
    stored, words = stored_words(item, "LUTData")
    packed = bits <= 8 and len(stored) < 1.5 * count
    entries = np.frombuffer(stored, np.uint8).astype(np.uint16) if packed else words
    return entries[:count]


def _first_input(first: int, count: int, *, low: float, high: float) -> int:
    """Return the first input value, read as signed or unsigned so that the table fits the values.

    Its representation in the file is wrong in many films, and so is the sign of the pixels.
    """
    unsigned = first % WORD
    if unsigned < WORD // 2:
        return unsigned
    readings = (unsigned, unsigned - WORD) if low >= 0 else (unsigned - WORD, unsigned)
    return max(readings, key=lambda start: min(high, start + count - 1) - max(low, start))
