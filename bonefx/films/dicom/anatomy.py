"""The body part that a DICOM header names, in words or in codes.

Source:
    DICOM PS3.16, context groups 4, 4009 and 4031 (anatomic regions), as in pydicom.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from bonefx.films.dicom.elements import code, items, text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.sr.coding import Code

CONTEXT_GROUPS = ("cid4009", "cid4031", "cid4")
SNOMED_SCHEMES = {"SCT": "SCT", "SRT": "SRT", "SNM3": "SRT", "99SDM": "SRT"}
OLD_CODE = re.compile("[A-Z]-[0-9A-F]{4,5}")  # of SRT and SNM3
LIMB_REGIONS = re.compile(
    "ACROMIO|ANKLE|ARM|CALCAN|CLAVIC|ELBOW|EXTREMIT|FEMUR|FIBULA|FINGER|FOOT|HAND|HIP|HUMERUS|"
    "JOINT$|KNEE|LEG|LIMB|PATELLA|PELVIS$|SCAPULA|SHOULDER|STERNOCLAVIC|TARSAL|THIGH|THUMB|TOE|"
    "WRIST"
)
NOT_LIMBS = ("SACROILIACJOINT", "TEMPOROMANDIBULARJOINT")


def body_part(header: Dataset) -> str | None:
    """Return the body part of a film in capitals; None if the header names none that is known.

    Body Part Examined counts before Anatomic Region Sequence. A region that is no limb is added
    after a slash, so that a film of the chest is found whichever element says so.
    """
    examined = code(header, "BodyPartExamined") or _known_word(text(header, "BodyPartExamined"))
    regions = [
        region
        for item in items(header, "AnatomicRegionSequence")
        if (region := _region(item)) is not None
    ]
    if examined is None:
        return " / ".join(dict.fromkeys(regions)) or None
    return " / ".join(dict.fromkeys([examined, *(name for name in regions if not is_limb(name))]))


def is_limb(region: str) -> bool:
    """Return whether a region, as _region names it, is a limb or a joint of one."""
    letters = _letters(region)
    return letters not in NOT_LIMBS and LIMB_REGIONS.search(letters) is not None


def _region(item: Dataset) -> str | None:
    """Return the name of a coded region; by its meaning, if that is a known term, as a last try."""
    from pydicom.sr.coding import Code

    value, scheme = text(item, "CodeValue"), text(item, "CodingSchemeDesignator").upper()
    scheme = "SRT" if OLD_CODE.fullmatch(value.upper()) else SNOMED_SCHEMES.get(scheme, scheme)
    given = Code(value.upper(), scheme, "")
    for name, known in _regions().items():
        if known == given:
            return name
    meaning = _letters(text(item, "CodeMeaning"))
    return next((name for name in _regions() if _letters(name) == meaning), None)


def _known_word(given: str) -> str | None:
    """Return the region that a text names among other words, preferably one that is no limb."""
    words = set(re.findall("[A-Z]+", given.upper()))
    found = [name for name in _regions() if name in words]
    return min(found, key=is_limb, default=None)


@cache
def _regions() -> dict[str, Code]:
    """Return the codes of the context groups by their names in capitals, such as LOWER LEG."""
    from pydicom.sr.codedict import codes

    return {
        re.sub("(?<=[a-z])(?=[A-Z])", " ", keyword).upper(): getattr(group, keyword)
        for group in (getattr(codes, name) for name in reversed(CONTEXT_GROUPS))
        for keyword in group.dir()
    }


def _letters(given: str) -> str:
    return re.sub("[^A-Z]", "", given.upper())
