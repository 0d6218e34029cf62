"""Body parts that a DICOM header may name: those that are no limbs, and regions of the limbs.

Source:
    DICOM PS3.16, annex L, "Correspondence of anatomic region codes and body part examined", its
    context group 4009, and spellings that vendors use besides its terms.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bonefx.errors import SettingsError
from bonefx.records import Radiograph, Reading, Reason, ReasonCode, RegionSource
from bonefx.scope.statistics import REGIONS

NON_LIMB_BODY_PARTS = frozenset({
    "ABD", "BABYGRAM", "TRUNK",
    "BLADDER", "BRAIN", "BREAST", "BRONCHUS", "CEREBELLUM", "COCCYX", "COLON", "DUODENUM",
    "ESOPHAGUS", "EYE", "FACE", "GALLBLADDER", "HEAD", "HEADNECK", "HEART", "IAC", "JAW", "KIDNEY",
    "KUB", "LARYNX", "LIVER", "LUNG", "LUNGS", "MANDIBLE", "MASTOID", "MAXILLA", "MEDIASTINUM",
    "NASALBONE", "NASALBONES", "NECK", "NOSE", "OPTICCANAL", "ORBIT", "ORBITS", "PANCREAS",
    "PANORAMA", "PAROTID", "RIB", "RIBS", "SACRUM", "SELLA", "SIJOINT", "SINUS", "SINUSES",
    "SPLEEN", "STERNUM", "STOMACH", "TEETH", "TMJ", "TOOTH", "TRACHEA", "UTERUS", "WHOLEBODY",
    "ZYGOMA",
    # regions of context group 4009
    "ANUS", "APEXOFLUNG", "BILEDUCT", "BILIARYTRACT", "COMMONBILEDUCT", "ENTIREBODY", "EYEREGION",
    "FACIALBONES", "HEADANDNECK", "ILEUM", "INTERNALAUDITORYCANAL", "JAWREGION", "JEJUNUM",
    "LARGEINTESTINE", "LIVERANDBILIARYSTRUCTURE", "MASTOIDBONE", "ORBITALSTRUCTURE",
    "PANCREATICDUCT", "PANCREATICDUCTANDBILEDUCTSYSTEMS", "PARANASALSINUS", "PAROTIDGLAND",
    "PHANTOM", "PROSTATE", "RECTUM", "SACROILIACJOINT", "SELLATURCICA", "SMALLINTESTINE",
    "SUBMANDIBULARGLAND", "TEMPOROMANDIBULARJOINT", "UPPERURINARYTRACT", "URETER", "URETHRA",
    "UTERUSANDFALLOPIANTUBES", "VERTEBRALCOLUMNANDCRANIUM",
})  # fmt: skip
NON_LIMB_PATTERN = re.compile(
    "ABDOM|CHEST|DENTAL|SKULL|SPINE|THORA|TORAX"
)  # as in LSPINE, CHEST_PA


REGION_OF_WORD = {  # words of body_part in films.dicom.anatomy; regions of scope.statistics
    "HAND": "hand", "METACARPAL": "hand", "FINGER": "finger", "THUMB": "finger",
    "WRIST": "wrist", "CARPAL": "wrist", "FOREARM": "forearm", "RADIUS": "forearm",
    "ULNA": "forearm", "ELBOW": "elbow", "HUMERUS": "humerus", "UPPERARM": "humerus",
    "SHOULDER": "shoulder",
    "CLAVICLE": "shoulder", "SCAPULA": "shoulder", "ACROMIOCLAVICULAR": "shoulder",
    "STERNOCLAVICULAR": "shoulder", "HIP": "hip", "PELVIS": "hip", "ILIUM": "hip",
    "LEG": "leg", "KNEE": "leg", "ANKLE": "leg", "FOOT": "leg", "TOE": "leg", "TIBIA": "leg",
    "FIBULA": "leg", "FEMUR": "leg", "THIGH": "leg", "PATELLA": "leg", "CALCANEUS": "leg",
    "TARSAL": "leg",
}  # fmt: skip

NAME_OF_WORD = {"UPPERARM": "upper arm"}  # where it is not the word itself


def with_named_region(reading: Reading, region: str | None) -> Reading:
    """Return a reading with the body region that the user names, which counts before all others.

    The answer does not depend on it, only the figures that are stated with it. A reading out of
    scope has no figures, and stays as it is, as without a region.

    Args:
        reading: Of a film of that region.
        region: One of scope.statistics.REGIONS; empty or None for that of the header or the model.

    Raises:
        SettingsError: There is no such region.
    """
    if not region:
        return reading
    if region not in REGIONS:
        raise SettingsError(f"{region!r} is no body region; use {', '.join(REGIONS)}")
    if reading.probability is None or reading.outside_scope is not None:
        return reading
    return replace(reading, regions=(region,), region_source=RegionSource.USER)


def regions_in_header(film: Radiograph) -> frozenset[str]:
    """Return the regions of the limbs that a film's header names; empty if it names none."""
    return frozenset(REGION_OF_WORD[word] for word in _limb_words(film))


def part_in_header(film: Radiograph) -> str | None:
    """Return the body part that a film's header names, in lower case; None if it names none.

    Of a limb it is the word that names it, without a side or a view beside it: "wrist" of L_WRIST.
    It is narrower than a region: foot and ankle are two parts of the region leg.
    """
    names = (NAME_OF_WORD.get(word, word.lower()) for word in _limb_words(film))
    return " and ".join(dict.fromkeys(names)) or (film.body_part or "").lower() or None


def _limb_words(film: Radiograph) -> list[str]:
    """Return the words of the header's body part that name limbs, in their order."""
    words = re.findall("[A-Z]+", (film.body_part or "").replace("UPPER ARM", "UPPERARM"))
    return [word for word in words if word in REGION_OF_WORD]


def body_part_refusal(film: Radiograph, regions: Sequence[str]) -> Reason | None:
    """Return a refusal if the film's header names a body part other than a limb; else None.

    Args:
        film: With the header's body part, if it has one; several are separated by slashes, and one
            that is no limb is enough.
        regions: Body regions that the model was trained for.
    """
    for part in (film.body_part or "").split("/"):
        letters = re.sub("[^A-Z0-9]", "", part)
        if letters in NON_LIMB_BODY_PARTS or NON_LIMB_PATTERN.search(letters):
            return Reason(code=ReasonCode.BODY_PART, name=part.strip(), regions=tuple(regions))
    return None
