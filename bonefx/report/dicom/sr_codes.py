"""Codes of a structured report: of the standard, and of a private coding scheme."""

from __future__ import annotations

from typing import Any

SCHEME = "99BONEFX"  # private coding schemes begin with 99, PS3.16 section 8.2
FRACTURE_CODE = ("125605004", "SCT", "Fracture of bone")
PROBABILITY = ("PFRACTURE", SCHEME, "Calibrated probability of fracture")
FINDING_PROBABILITY = ("PFINDING", SCHEME, "Share of findings like this one that are fractures")
EVIDENCE = ("EVIDENCE", SCHEME, "Largest value of the heat map in the region, in logits")


def sr_codes() -> Any:
    """Return the codes of the standard, which pydicom loads on first use."""
    from pydicom.sr.codedict import codes

    return codes
