"""A radiograph as read from its file, and the windows that it is displayed with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds an array
class Radiograph:
    """One film as read from its file, without any patient data.

    Attributes:
        pixels: (H, W) float32 in [0, 1]; white is dense, whatever the file's polarity was.
        sha256: Checksum of the file's bytes, 64 hexadecimal digits.
        file_format: Format of the content: PNG, JPEG, TIFF, WEBP, BMP or DICOM.
        bits: Stored bits per sample.
        photometric: DICOM photometric interpretation, or its equivalent for other formats.
        modality: DICOM modality (CR, DX or RG); None for other formats.
        body_part: DICOM body part examined; None if not given.
        view: DICOM view position; None if not given.
        laterality: L or R; None if not given.
        spacing_mm: Row and column distance of pixel centres; None if not given.
        full: All values of the file, (H, W) float32 in [0, 1], if pixels are a windowed part of
            them; None if pixels are all values.
        windows: Windows in the file; the first is that of pixels. Empty without full.
        inverted: The user had black and white swapped, because the file shows bone dark.
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
        """All values of the file, (H, W) in [0, 1], white = dense."""
        return self.pixels if self.full is None else self.full

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or self.pixels.dtype != np.float32:
            raise ValueError(
                f"pixels must be (H, W) float32, got {self.pixels.shape} {self.pixels.dtype}"
            )


def invert_radiograph(film: Radiograph) -> Radiograph:
    """Swap black and white in pixels, values and windows; the checksum stays that of the file."""
    return replace(
        film,
        pixels=np.float32(1) - film.pixels,
        full=None if film.full is None else np.float32(1) - film.full,
        windows=tuple(
            replace(window, low=1 - window.high, high=1 - window.low) for window in film.windows
        ),
        inverted=not film.inverted,
    )
