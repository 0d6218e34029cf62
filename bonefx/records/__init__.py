"""The nouns that every room of bonefx speaks: plain, frozen records without torch.

LoadedModel is the one noun that lives elsewhere (registry.py), because it holds a network.
"""

from bonefx.records.estimate import Estimate, estimate_text, probability_text
from bonefx.records.model import (
    Calibration,
    Guarantee,
    OperatingPoint,
    Origin,
    RegionFigures,
    TrustLimits,
)
from bonefx.records.radiograph import Radiograph, Window, invert_radiograph
from bonefx.records.reading import Agreement, Reading, Trust, Verdict

__all__ = [
    "Agreement", "Calibration", "Estimate", "Guarantee", "OperatingPoint", "Origin", "Radiograph",
    "Reading", "RegionFigures", "Trust", "TrustLimits", "Verdict", "Window", "estimate_text",
    "invert_radiograph", "probability_text",
]  # fmt: skip
