"""Body parts that a DICOM header may name and that no reader of limb films was made for.

Source:
    DICOM PS3.16, annex L, "Correspondence of anatomic region codes and body part examined", and
    spellings that vendors write beside its terms.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bonefx.records import Radiograph

NON_LIMB_BODY_PARTS = frozenset({
    "BLADDER", "BRAIN", "BREAST", "BRONCHUS", "CEREBELLUM", "COCCYX", "COLON", "DUODENUM",
    "ESOPHAGUS", "EYE", "FACE", "GALLBLADDER", "HEAD", "HEADNECK", "HEART", "IAC", "JAW", "KIDNEY",
    "KUB", "LARYNX", "LIVER", "LUNG", "LUNGS", "MANDIBLE", "MASTOID", "MAXILLA", "MEDIASTINUM",
    "NASALBONE", "NASALBONES", "NECK", "NOSE", "OPTICCANAL", "ORBIT", "ORBITS", "PANCREAS",
    "PANORAMA", "PAROTID", "RIB", "RIBS", "SACRUM", "SELLA", "SIJOINT", "SINUS", "SINUSES",
    "SPLEEN", "STERNUM", "STOMACH", "TEETH", "TMJ", "TOOTH", "TRACHEA", "UTERUS", "WHOLEBODY",
    "ZYGOMA",
})  # fmt: skip
NON_LIMB_PATTERN = re.compile(
    "ABDOM|CHEST|DENTAL|SKULL|SPINE|THORA"
)  # as in LSPINE, CHEST_PA, THORAX


def body_part_refusal(film: Radiograph, regions: Sequence[str]) -> str | None:
    """Say as sentences that a film's header names no limb and what to do; None if it does not.

    Args:
        film: Its body part is that of the header, if it has one.
        regions: That the model was made for.
    """
    part = re.sub("[^A-Z0-9]", "", film.body_part or "")
    if part not in NON_LIMB_BODY_PARTS and not NON_LIMB_PATTERN.search(part):
        return None
    return (
        f"The file says that it shows another body part ({film.body_part}) than the model was made "
        f"for ({', '.join(regions)}). If the film shows one of these, have the entry corrected "
        "where it was made."
    )
