"""Frozen records that every other package of bonefx uses; none of them needs torch.

LoadedModel is in bonefx.models.registry, because it holds a network.
"""

from bonefx.records.estimate import (
    NOT_MEASURED,
    Estimate,
    estimate_parts,
    estimate_text,
    probability_text,
)
from bonefx.records.model import (
    Calibration,
    Guarantee,
    OperatingPoint,
    Origin,
    RegionFigures,
    TrustLimits,
)
from bonefx.records.radiograph import Radiograph, Window, invert_radiograph
from bonefx.records.reading import Agreement, Reading, Reason, ReasonCode, Trust, Verdict

__all__ = [
    "NOT_MEASURED", "Agreement", "Calibration", "Estimate", "Guarantee", "OperatingPoint", "Origin",
    "Radiograph", "Reading", "Reason", "ReasonCode", "RegionFigures", "Trust", "TrustLimits",
    "Verdict", "Window", "estimate_parts", "estimate_text", "invert_radiograph", "probability_text",
]  # fmt: skip
