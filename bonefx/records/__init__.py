"""Frozen records that every other package of bonefx uses; none of them needs torch.

LoadedModel is in bonefx.models.registry, because it holds a network.
"""

from bonefx.records.case import NO_CHOICES, NO_PART, Case, CaseChoices, StudyPart
from bonefx.records.estimate import (
    NOT_MEASURED,
    Estimate,
    estimate_parts,
    estimate_text,
    probability_text,
)
from bonefx.records.film_edit import (
    QUARTER_TURN_DEGREES,
    box_as_read,
    box_of_edges,
    crop_radiograph,
    edit_matrix,
    edit_radiograph,
    invert_radiograph,
    mirror_radiograph,
    turn_radiograph,
)
from bonefx.records.finding import Finding
from bonefx.records.model import (
    Calibration,
    Guarantee,
    OperatingPoint,
    Origin,
    RegionFigures,
    VerdictShares,
)
from bonefx.records.radiograph import (
    MIN_SIDE_PX,
    NOT_EDITED,
    Corners,
    FilmEdit,
    FilmNote,
    PixelBox,
    Radiograph,
    SpacingPlane,
    Window,
    convex_mask,
)
from bonefx.records.reading import (
    Agreement,
    Reading,
    Reason,
    ReasonCode,
    RegionSource,
    Trust,
    Verdict,
)
from bonefx.records.trust_limits import GradeFigures, MapGrade, TrustLimits

__all__ = [
    "MIN_SIDE_PX", "NOT_EDITED", "NOT_MEASURED", "NO_CHOICES", "NO_PART", "QUARTER_TURN_DEGREES",
    "Agreement", "Calibration", "Case", "CaseChoices", "Corners", "Estimate", "FilmEdit",
    "FilmNote", "Finding", "GradeFigures", "Guarantee", "MapGrade", "OperatingPoint", "Origin",
    "PixelBox", "Radiograph", "Reading", "Reason", "ReasonCode", "RegionFigures", "RegionSource",
    "SpacingPlane", "StudyPart", "Trust", "TrustLimits", "Verdict", "VerdictShares", "Window",
    "box_as_read",
    "box_of_edges", "convex_mask", "crop_radiograph", "edit_matrix", "edit_radiograph",
    "estimate_parts", "estimate_text", "invert_radiograph", "mirror_radiograph", "probability_text",
    "turn_radiograph",
]  # fmt: skip
