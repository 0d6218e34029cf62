"""The body part that a DICOM header names, in words or in codes.

Source:
    DICOM PS3.16, context groups 4, 4009 and 4031 (anatomic regions), as in pydicom.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from bonefx.films.dicom.elements import code_string, items, text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.sr.coding import Code

CONTEXT_GROUPS = ("cid4009", "cid4031", "cid4")
SNOMED_SCHEMES = {"SCT": "SCT", "SRT": "SRT", "SNM3": "SRT", "99SDM": "SRT"}
FORMER_CODES = {  # of SNOMED CT, as in files older than the present context groups; and regions
    "51185008": "CHEST", "43799004": "CHEST", "113345001": "ABDOMEN", "12921003": "PELVIS",
    "416949008": "ABDOMEN AND PELVIS", "344001": "ANKLE", "8205005": "WRIST", "76248009": "ELBOW",
    "302551006": "CHEST", "62413002": "RADIUS", "23416004": "ULNA", "12611008": "TIBIA",
}  # fmt: skip
OLD_CODE = re.compile("[A-Z]-[0-9A-F]{4,5}")  # of SRT and SNM3
LIMB_WORDS = frozenset({
    "ACROMIOCLAVICULAR", "ANKLE", "ARM", "CALCANEUS", "CLAVICLE", "ELBOW", "EXTREMITIES",
    "EXTREMITY", "FEMUR", "FIBULA", "FINGER", "FOOT", "FOREARM", "HAND", "HIP", "HUMERUS", "ILIUM",
    "JOINT", "KNEE", "LEG", "LIMB", "PATELLA", "RADIUS", "SCAPULA", "SHOULDER", "STERNOCLAVICULAR",
    "TARSAL", "THIGH", "THUMB", "TIBIA", "TOE", "ULNA", "WRIST",
})  # fmt: skip
TRUNK_WORDS = {
    "CHEST": "CHEST", "THORACIC": "CHEST", "THORAX": "CHEST", "TORAX": "CHEST", "LUNG": "LUNG",
    "LUNGS": "LUNG", "ABDOMEN": "ABDOMEN",
}  # fmt: skip
NOT_LIMBS = ("SACROILIAC JOINT", "TEMPOROMANDIBULAR JOINT")
PELVIS = "PELVIS"  # models may read the hips on it


def body_part(header: Dataset) -> str | None:
    """Return the body part of a film in capitals; None if the header names none that is known.

    Body Part Examined counts before Anatomic Region Sequence. A region that is no limb is added
    after a slash, so that a film of the chest is found whichever element says so.
    """
    words = text(header, "BodyPartExamined")
    values = [code_string(value) or _known_word(value) for value in words.split("\\")]
    examined = [value for value in values if value is not None]
    regions = [
        region
        for keyword in ("AnatomicRegionSequence", "PrimaryAnatomicStructureSequence")
        for item in items(header, keyword)
        if (region := _region(item)) is not None
    ]
    if not examined:
        return " / ".join(dict.fromkeys(regions)) or None
    others = (name for name in (*examined[1:], *regions) if not is_limb(name))
    return " / ".join(dict.fromkeys([examined[0], *others]))


def is_limb(region: str) -> bool:
    """Return whether a region of the context groups is a limb, a joint of one, or the pelvis."""
    if region == PELVIS:
        return True
    return region not in NOT_LIMBS and not LIMB_WORDS.isdisjoint(region.split())


def _region(item: Dataset) -> str | None:
    """Return the name of a coded region; by its meaning, if that names one, as a last try."""
    from pydicom.sr.coding import Code

    value, scheme = text(item, "CodeValue").upper(), text(item, "CodingSchemeDesignator").upper()
    scheme = "SRT" if OLD_CODE.fullmatch(value) else SNOMED_SCHEMES.get(scheme, scheme)
    given = Code(value, scheme, "")  # equal to the code of the same concept in another scheme
    meaning = _letters(text(item, "CodeMeaning"))
    by_code = (name for name, known in _regions() if known == given)
    by_meaning = (name for name, _ in _regions() if _letters(name) == meaning)
    return next(by_code, None) or next(by_meaning, None) or _trunk(text(item, "CodeMeaning"))


def _trunk(meaning: str) -> str | None:
    """Return a part of the trunk that a meaning names among other words, such as "Chest, PA"."""
    words = re.findall("[A-Z]+", meaning.upper())
    if not LIMB_WORDS.isdisjoint(words):  # as in "thoracic limb", or a bone at the trunk
        return None
    return next((TRUNK_WORDS[word] for word in words if word in TRUNK_WORDS), None)


def _known_word(given: str) -> str | None:
    """Return the region that a text names among other words, preferably one that is no limb."""
    words = set(re.findall("[A-Z]+", given.upper()))
    return min((name for name, _ in _regions() if name in words), key=is_limb, default=None)


@cache
def _regions() -> tuple[tuple[str, Code], ...]:
    """Return regions as names in capitals, such as LOWER LEG, with their codes."""
    from pydicom.sr.codedict import codes
    from pydicom.sr.coding import Code

    former = [(name, Code(value, "SCT", name)) for value, name in FORMER_CODES.items()]
    present = [
        (re.sub("(?<=[a-z])(?=[A-Z])", " ", keyword).upper(), getattr(group, keyword))
        for group in (getattr(codes, name) for name in CONTEXT_GROUPS)
        for keyword in group.dir()
    ]
    return (*former, *present)


def _letters(given: str) -> str:
    return re.sub("[^A-Z]", "", given.upper())
