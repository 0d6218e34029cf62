"""A radiograph as it was read, and the windows that it is shown through."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The part of a film's values that is shown between black and white.

    Attributes:
        name: What the film's file calls it; empty where it does not say.
        low: Value that is shown black, in the scale of Radiograph.values; may lie outside [0, 1].
        high: Value that is shown white, > low.
    """

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"a window needs low < high, got {self.low} and {self.high}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds an array
class Radiograph:
    """One film as read from its file, without any patient data.

    Attributes:
        pixels: (H, W) float32 in [0, 1]; white is dense, whatever the file's polarity was.
        sha256: Checksum of the file's bytes, 64 hexadecimal digits.
        file_format: What the content was found to be: PNG, JPEG, TIFF, WEBP, BMP or DICOM.
        bits: Bits per sample that the file stores.
        photometric: DICOM photometric interpretation, or what answers to it for other formats.
        modality: DICOM modality (CR, DX or RG); None for other formats.
        body_part: DICOM body part examined; None where not given.
        view: DICOM view position; None where not given.
        laterality: L or R; None where not given.
        spacing_mm: Row and column distance of pixel centres; None where not given.
        full: (H, W) float32 in [0, 1], all values that the file holds, where the file says to show
            a part of them as pixels; None where pixels hold them all.
        windows: That the file gives; the first is the one of pixels. Empty without full.
        inverted: Black and white were swapped because a user said that the file shows bone dark.
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
    spacing_mm: tuple[float, float] | None = None
    full: NDArray[np.float32] | None = None
    windows: tuple[Window, ...] = ()
    inverted: bool = False

    @property
    def values(self) -> NDArray[np.float32]:
        """All values that the file holds, (H, W) in [0, 1], white = dense."""
        return self.pixels if self.full is None else self.full

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or self.pixels.dtype != np.float32:
            raise ValueError(
                f"pixels must be (H, W) float32, got {self.pixels.shape} {self.pixels.dtype}"
            )


def invert_radiograph(film: Radiograph) -> Radiograph:
    """Swap black and white, values and windows too; the checksum stays that of the file."""
    return replace(
        film,
        pixels=np.float32(1) - film.pixels,
        full=None if film.full is None else np.float32(1) - film.full,
        windows=tuple(
            replace(window, low=1 - window.high, high=1 - window.low) for window in film.windows
        ),
        inverted=not film.inverted,
    )
