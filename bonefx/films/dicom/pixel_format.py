"""How a DICOM film stores its pixels: size, samples, polarity and bits.

Where the header is silent or contradicts itself, the values are those that other viewers take.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bonefx.errors import UnreadableRadiographError
from bonefx.films.dicom.elements import code_string, stored_words, text, whole_number
from bonefx.films.dicom.header import encapsulated_value, size_px

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

MONOCHROME = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelFormat:
    """Form of stored pixel values.

    Attributes:
        rows: Height of the film.
        columns: Width of the film.
        samples: 1 for grey, 3 for colour.
        photometric: Photometric interpretation, one of MONOCHROME or COLOUR.
        allocated: Bits of the container of one sample.
        stored: Bits of the value in it, at most those allocated.
        high: Position of the value's highest bit.
        signed: Whether the value is a two's complement.

    Source:
        DICOM PS3.3, C.7.6.3, Image Pixel Module, and PS3.5, 8.1.1.
    """

    rows: int
    columns: int
    samples: int
    photometric: str
    allocated: int
    stored: int
    high: int
    signed: bool

    @property
    def white_is_zero(self) -> bool:
        """Whether the smallest value is meant to be displayed white."""
        return self.photometric == "MONOCHROME1"


def pixel_format(header: FileDataset) -> PixelFormat:
    """Return how the pixels of a film are stored.

    Raises:
        UnreadableRadiographError: The header has no size, or the pixels are stored in a form that
            is not read.
    """
    rows, columns = size_px(header)
    given = whole_number(header, "SamplesPerPixel")
    photometric = _photometric(header, given)
    samples = given or (3 if photometric in COLOUR else 1)
    allocated = _allocated(header, rows * columns * samples)
    monochrome = photometric in MONOCHROME and samples > 1
    if monochrome and not _has_all_samples(header, rows * columns, allocated):
        samples = 1  # whatever the header says
    _check_samples(photometric, samples, allocated)
    stored, high = _stored(header, allocated)
    return PixelFormat(
        rows=rows,
        columns=columns,
        samples=samples,
        photometric=photometric,
        allocated=allocated,
        stored=stored,
        high=high,
        signed=whole_number(header, "PixelRepresentation") == 1,
    )


def not_grey(photometric: str, samples: int, allocated: int) -> UnreadableRadiographError:
    """Return the error for pixels in a form that is not read."""
    return UnreadableRadiographError(
        f"found DICOM pixels stored as {photometric} with {samples} samples of {allocated} bit; "
        "export them as grey, with one sample a pixel"
    )


def _photometric(header: FileDataset, samples: int | None) -> str:
    given = text(header, "PhotometricInterpretation").split("\\")[0].strip()
    if not given:  # viewers take grey with white as dense
        return "RGB" if samples == 3 else "MONOCHROME2"
    found = code_string(given) or "an unknown kind"
    joined = found.replace(" ", "").replace("_", "")
    if joined.startswith("MONOCHROME"):
        return "MONOCHROME1" if joined == "MONOCHROME1" else "MONOCHROME2"
    return found


def _has_all_samples(header: FileDataset, pixels: int, allocated: int) -> bool:
    """Return whether native pixel data are long enough for three samples of each pixel."""
    native = encapsulated_value(header) is None
    return native and 8 * len(stored_words(header, "PixelData")[0]) >= 3 * pixels * allocated


def _allocated(header: FileDataset, samples: int) -> int:
    """Return the bits of a container; from the length of the pixel data if the header is wrong."""
    allocated = whole_number(header, "BitsAllocated") or 0
    stored = whole_number(header, "BitsStored") or 0
    if allocated >= max(1, stored):
        return allocated
    by_length = 8 * (len(stored_words(header, "PixelData")[0]) // samples)
    return max(8, -(-stored // 8) * 8) if by_length not in (8, 16, 32) else by_length


def _stored(header: FileDataset, allocated: int) -> tuple[int, int]:
    """Return the number of stored bits and the position of the highest."""
    stored = whole_number(header, "BitsStored") or allocated
    if not 1 <= stored <= allocated:
        stored = allocated
    high = whole_number(header, "HighBit")
    if high is None or not stored - 1 <= high < allocated:
        high = stored - 1
    return stored, high


def _check_samples(photometric: str, samples: int, allocated: int) -> None:
    if photometric in MONOCHROME and samples == 1:
        return
    if photometric in COLOUR and samples == 3 and allocated == 8:
        return
    if photometric == "RGB" and samples == 3 and allocated == 16:  # it may be grey
        return
    raise not_grey(photometric, samples, allocated)
