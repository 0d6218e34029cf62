"""A radiograph as read from its file, its exposed field, and the windows it is displayed with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

MIN_SIDE_PX = 64  # of a film, and of a part that is read alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Range of a film's values that is displayed from black to white.

    Attributes:
        name: Explanation in the film's file; empty if there is none.
        low: Value displayed black, in the scale of Radiograph.values; may lie outside [0, 1].
        high: Value displayed white, > low.
    """

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"a window needs low < high, got {self.low} and {self.high}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelBox:
    """A rectangle of whole pixels: rows top to bottom - 1 and columns left to right - 1."""

    top: int
    left: int
    bottom: int
    right: int

    def __post_init__(self) -> None:
        if not (0 <= self.top < self.bottom and 0 <= self.left < self.right):
            raise ValueError(f"a box needs 0 <= top < bottom and 0 <= left < right, got {self}")

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the rectangle in an array of (H, W, ...)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


Corners = tuple[tuple[float, float], ...]  # (x, y); a film spans 0 to width and 0 to height


def convex_mask(corners: Corners | NDArray[np.float64], box: PixelBox) -> NDArray[np.bool_]:
    """Return which pixels of a box have their centre in a convex polygon, (h, w)."""
    rows, columns = np.ogrid[box.top : box.bottom, box.left : box.right]
    sides = list(zip(corners, [*corners[1:], corners[0]], strict=True))
    turns = [
        (x2 - x1) * (rows + 0.5 - y1) - (y2 - y1) * (columns + 0.5 - x1)
        for (x1, y1), (x2, y2) in sides
    ]
    shape = box.height, box.width
    left, right = np.ones(shape, bool), np.ones(shape, bool)
    for turn in turns:  # a point inside lies on the same side of every edge
        left &= turn <= 0
        right &= turn >= 0
    return left | right


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmEdit:
    """What a user changed on a film before it was read, in this order.

    Attributes:
        crop: The part that was kept, on the grid of the film as read; None for the whole film.
        mirrored: Left and right were swapped.
        quarter_turns: Number of clockwise turns by 90 degrees, 0 to 3.
        inverted: Black and white were swapped, because the file shows bone dark.
    """

    crop: PixelBox | None = None
    mirrored: bool = False
    quarter_turns: int = 0
    inverted: bool = False


NOT_EDITED = FilmEdit()


class FilmNote(StrEnum):
    """What a user must know about how a film's file was read; report.film_wording has the texts."""

    DAMAGED = "damaged"  # read at the user's request; a part of the picture may be wrong
    FOR_PROCESSING = "for_processing"  # PresentationIntentType: not meant for viewing
    PIXELS_MADE_SQUARE = "pixels_made_square"
    WINDOW_NOT_USED = "window_not_used"  # the file's window does not fit its values


class SpacingPlane(StrEnum):
    """Where the distances of spacing_mm hold: the beam enlarges what lies before the detector."""

    PATIENT = "patient"  # corrected for magnification, or calibrated with an object of known size
    DETECTOR = "detector"  # at the detector or on the scanned film, not corrected
    UNKNOWN = "unknown"  # the file does not tell whether it was corrected


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds an array
class Radiograph:
    """One film as read from its file, without any patient data.

    Attributes:
        pixels: (H, W) float32 in [0, 1]; white is dense, whatever the file's polarity was.
        sha256: Checksum of the file's bytes, 64 hexadecimal digits.
        file_format: Format of the content, of formats.SUPPORTED_FORMATS.
        bits: Stored bits per sample.
        photometric: DICOM photometric interpretation, or its equivalent for other formats.
        modality: DICOM modality (CR, DX or RG); None for other formats.
        body_part: DICOM body part examined; None if not given.
        view: DICOM view position; None if not given.
        laterality: L or R; None if not given.
        study: Hash of the study's identifier, which only films of one study share; see
            films.dicom.study. None if the file names no study.
        spacing_mm: Row and column distance of pixel centres; None if not given.
        spacing_plane: Where spacing_mm holds; None without it.
        full: All values of the file, (H, W) float32 in [0, 1], if pixels are a windowed part of
            them; None if pixels are all values.
        windows: Windows of the file, or the automatic one; the first is that of pixels. Empty where
            pixels are all values as they are.
        field: Bounds of the exposed field, which the models read; None for the whole film.
        field_corners: Corners of a convex field that does not fill its bounds; empty otherwise.
        notes: What a user must know about how the file was read.
        edit: What the user changed; pixels, full, windows, field and spacing_mm are those after it.
    """

    pixels: NDArray[np.float32]
    sha256: str
    file_format: str
    bits: int
    photometric: str
    modality: str | None = None
    body_part: str | None = None
    view: str | None = None
    laterality: str | None = None
    study: str | None = None
    spacing_mm: tuple[float, float] | None = None
    spacing_plane: SpacingPlane | None = None
    full: NDArray[np.float32] | None = None
    windows: tuple[Window, ...] = ()
    field: PixelBox | None = None
    field_corners: Corners = ()
    notes: tuple[FilmNote, ...] = ()
    edit: FilmEdit = NOT_EDITED

    @property
    def exposed(self) -> NDArray[np.float32]:
        """Pixels in the bounds of the exposed field, (h, w) in [0, 1]; black beside the field.

        All pixels of a film without a field.
        """
        if self.field is None:
            return self.pixels
        part = self.pixels[self.field.slices]
        if not self.field_corners:
            return part
        return np.where(convex_mask(self.field_corners, self.field), part, np.float32(0))

    @property
    def inverted(self) -> bool:
        """Whether the user had black and white swapped."""
        return self.edit.inverted

    @property
    def nbytes(self) -> int:
        """Bytes of the pixels and of all values, in memory."""
        others = 0 if self.full is None or self.full is self.pixels else self.full.nbytes
        return self.pixels.nbytes + others

    @property
    def values(self) -> NDArray[np.float32]:
        """All values of the file, (H, W) in [0, 1], white = dense."""
        return self.pixels if self.full is None else self.full

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or self.pixels.dtype != np.float32:
            raise ValueError(
                f"pixels must be (H, W) float32, got {self.pixels.shape} {self.pixels.dtype}"
            )
