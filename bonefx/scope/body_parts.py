"""Body parts other than limbs that a DICOM header may name.

Source:
    DICOM PS3.16, annex L, "Correspondence of anatomic region codes and body part examined", and
    spellings that vendors use besides its terms.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bonefx.records import Radiograph, Reason, ReasonCode

NON_LIMB_BODY_PARTS = frozenset({
    "BLADDER", "BRAIN", "BREAST", "BRONCHUS", "CEREBELLUM", "COCCYX", "COLON", "DUODENUM",
    "ESOPHAGUS", "EYE", "FACE", "GALLBLADDER", "HEAD", "HEADNECK", "HEART", "IAC", "JAW", "KIDNEY",
    "KUB", "LARYNX", "LIVER", "LUNG", "LUNGS", "MANDIBLE", "MASTOID", "MAXILLA", "MEDIASTINUM",
    "NASALBONE", "NASALBONES", "NECK", "NOSE", "OPTICCANAL", "ORBIT", "ORBITS", "PANCREAS",
    "PANORAMA", "PAROTID", "RIB", "RIBS", "SACRUM", "SELLA", "SIJOINT", "SINUS", "SINUSES",
    "SPLEEN", "STERNUM", "STOMACH", "TEETH", "TMJ", "TOOTH", "TRACHEA", "UTERUS", "WHOLEBODY",
    "ZYGOMA",
})  # fmt: skip
NON_LIMB_PATTERN = re.compile("ABDOM|CHEST|DENTAL|SKULL|SPINE|THORA")  # as in LSPINE, CHEST_PA


def body_part_refusal(film: Radiograph, regions: Sequence[str]) -> Reason | None:
    """Return a refusal if the film's header names a body part other than a limb; else None.

    Args:
        film: With the header's body part, if it has one.
        regions: Body regions that the model was trained for.
    """
    part = re.sub("[^A-Z0-9]", "", film.body_part or "")
    if part not in NON_LIMB_BODY_PARTS and not NON_LIMB_PATTERN.search(part):
        return None
    return Reason(code=ReasonCode.BODY_PART, name=film.body_part, regions=tuple(regions))
