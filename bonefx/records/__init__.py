"""The nouns that every room of bonefx speaks: plain, frozen records without torch.

LoadedModel is the one noun that lives elsewhere (registry.py), because it holds a network.
"""

from bonefx.records.films import Radiograph, Window, inverted
from bonefx.records.models import (
    Calibration,
    Estimate,
    Guarantee,
    OperatingPoint,
    Origin,
    RegionFigures,
    TrustLimits,
    probability_text,
)
from bonefx.records.readings import Agreement, Reading, Trust, Verdict

__all__ = [
    "Agreement", "Calibration", "Estimate", "Guarantee", "OperatingPoint", "Origin", "Radiograph",
    "Reading", "RegionFigures", "Trust", "TrustLimits", "Verdict", "Window", "inverted",
    "probability_text",
]  # fmt: skip
