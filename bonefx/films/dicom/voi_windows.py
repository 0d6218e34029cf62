"""The display windows of a DICOM header, in the three functions of the standard."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bonefx.films.automatic_window import unit_range
from bonefx.films.dicom.elements import code, numbers, text
from bonefx.records import Window

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
LARGEST_VALUE = 1e30  # float32 holds it; no detector gives more
MAX_WINDOW_NAME = 32  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiWindow:
    """A window on the output of the modality transform.

    Attributes:
        name: Explanation in the header; empty if there is none.
        centre: Finite.
        width: At least 1 for LINEAR, above 0 otherwise.
        function: One of FUNCTIONS.

    Source:
        DICOM PS3.3, C.11.2.1.2.1 (LINEAR), C.11.2.1.3.1 (SIGMOID), C.11.2.1.3.2 (LINEAR_EXACT).
    """

    name: str
    centre: float
    width: float
    function: str

    @property
    def edges(self) -> tuple[float, float] | None:
        """Values displayed black and white; None for a window that is no line."""
        if self.function == "SIGMOID":
            return None
        if self.function == "LINEAR_EXACT":
            return self.centre - self.width / 2, self.centre + self.width / 2
        half = (self.width - 1) / 2
        return self.centre - 0.5 - half, self.centre - 0.5 + half

    def shown(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return the values as displayed, in [0, 1]."""
        if self.edges is not None:
            return unit_range(values, low=self.edges[0], high=self.edges[1])
        steep = np.clip(-4 * (values.astype(np.float64) - self.centre) / self.width, -700, 700)
        return np.asarray(1 / (1 + np.exp(steep)), np.float32)


def header_windows(header: Dataset) -> tuple[VoiWindow, ...]:
    """Return the windows of a header that are valid, in their order.

    A function that is absent or unknown is LINEAR, as for other viewers.
    """
    function = code(header, "VOILUTFunction")
    function = function if function in FUNCTIONS else "LINEAR"
    least = 1.0 if function == "LINEAR" else math.ulp(0.0)
    centres, widths = numbers(header, "WindowCenter"), numbers(header, "WindowWidth")
    names = _names(header)
    return tuple(
        VoiWindow(
            name=names[index] if index < len(names) else "",
            centre=centre,
            width=width,
            function=function,
        )
        for index, (centre, width) in enumerate(zip(centres, widths, strict=False))
        if abs(centre) < LARGEST_VALUE and least <= width < LARGEST_VALUE
    )


def linear_windows(
    windows: tuple[VoiWindow, ...], *, low: float, high: float, white_is_zero: bool
) -> tuple[Window, ...]:
    """Return windows in the scale of Radiograph.values.

    Args:
        windows: Windows of a header; those that are no line are left out.
        low: Smallest value of the film after the modality transform; becomes 0.
        high: Largest value of the film after the modality transform, > low; becomes 1.
        white_is_zero: Whether small values are dense.
    """
    found = []
    for window in windows:
        first, last = ((edge - low) / (high - low) for edge in window.edges or (0.0, 0.0))
        if first < last:
            black, white = (1 - last, 1 - first) if white_is_zero else (first, last)
            found.append(Window(name=window.name, low=black, high=white))
    return tuple(found)


def _names(header: Dataset) -> list[str]:
    """Return short names for the screen; manufacturers write NORMAL, HARDER, SOFTER."""
    given = text(header, "WindowCenterWidthExplanation").split("\\")
    return [name.strip()[:MAX_WINDOW_NAME].capitalize() for name in given]
