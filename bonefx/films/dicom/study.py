"""The study of a film, as a short hash: films of one study are found without its identifier."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from bonefx.films.dicom.elements import text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

HASH_DIGITS = 16
HASH_PREFIX = b"bonefx study "  # so that it differs from other programs' hashes of the identifier
MAX_UID_LENGTH = 64
UID = re.compile(r"\d+(\.\d+)+", re.ASCII)  # leading zeros, which some scanners write, included


def study_hash(header: Dataset) -> str | None:
    """Return a hash of the Study Instance UID; None if that is absent or no UID.

    The hash has no key: who knows or guesses a UID can compute it and compare.

    Returns:
        The first 16 hexadecimal digits of SHA-256, over HASH_PREFIX and the UID.

    Source:
        DICOM PS3.5, 9.1, UID encoding rules.
    """
    uid = text(header, "StudyInstanceUID")
    if len(uid) > MAX_UID_LENGTH or not UID.fullmatch(uid):
        return None
    return hashlib.sha256(HASH_PREFIX + uid.encode()).hexdigest()[:HASH_DIGITS]
