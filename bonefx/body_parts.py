"""Body parts that a DICOM header may name and that no reader of limb films was made for.

Source:
    DICOM PS3.16, annex L, "Correspondence of anatomic region codes and body part examined".
"""

from __future__ import annotations

from bonefx.records import Radiograph

ELSEWHERE = frozenset({
    "ABDOMEN", "ABDOMENPELVIS", "BLADDER", "BREAST", "CHEST", "CHESTABDOMEN", "CHESTABDPELVIS",
    "COCCYX", "CSPINE", "CTSPINE", "EYE", "FACE", "HEAD", "HEADNECK", "HEART", "JAW", "KIDNEY",
    "LSPINE", "LSSPINE", "LUNG", "MANDIBLE", "MAXILLA", "NECK", "NECKCHEST", "ORBIT", "PAROTID",
    "RIB", "SINUS", "SKULL", "SPINE", "SSPINE", "STERNUM", "TEETH", "TLSPINE", "TMJ", "TOOTH",
    "TSPINE", "WHOLEBODY", "ZYGOMA",
})  # fmt: skip


def shown_elsewhere(film: Radiograph) -> str | None:
    """Say as sentences that a film's header names no limb and what to do; None if it does not."""
    part = (film.body_part or "").replace(" ", "")
    if part not in ELSEWHERE:
        return None
    return (
        f"The file says that it shows this body part: {film.body_part}. The model was made for "
        "films of a hand, leg, hip or shoulder. If the file is wrong, save the film as PNG."
    )
