"""Group copies by file name: "81-rotated3-rotated3 - Copy (1).jpg" is derived from "81".

A family requires a suffix of a derived file, such as "rotated" or "copy", and one label and folder.
A number in parentheses alone is no evidence, because browsers and renaming tools add it to
different films ("81.jpg" and "81 (1).jpg" of the Kaggle set show a hand and a wrist).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from train.audit.films import SPLIT_FOLDERS, AuditFilm

COPY_SUFFIX = re.compile(
    r"(?:[-_ ](?:rotated|rot|flipped|flip|mirrored|augmented|aug)[-_]?\d*|[-_ ]+copy)$",
    re.IGNORECASE,
)
COUNTER_SUFFIX = re.compile(r" ?\(\d{1,3}\)$")


class _FileStem(NamedTuple):
    base: str
    copy: bool  # the name has a suffix of a derived file


def name_families(films: Sequence[AuditFilm]) -> list[str]:
    """Return each film's family; "" for none.

    A file without such a suffix belongs to the family if it is the only possible source. With
    several possible sources, none is assigned by name. Films of different folders share a family
    only if the folders differ in the split alone.
    """
    stems = [_split_stem(PurePosixPath(film.name).stem) for film in films]
    keys = [_family_name(film, stem.base) for film, stem in zip(films, stems, strict=True)]
    copies = Counter(key for key, stem in zip(keys, stems, strict=True) if stem.copy)
    sources: dict[str, set[str]] = defaultdict(set)
    for film, key, stem in zip(films, keys, stems, strict=True):
        if not stem.copy:
            sources[key].add(PurePosixPath(film.name).name)
    members = {key: n + (len(sources[key]) == 1) for key, n in copies.items()}
    return [
        key if members.get(key, 0) > 1 and (stem.copy or len(sources[key]) == 1) else ""
        for key, stem in zip(keys, stems, strict=True)
    ]


def _split_stem(name: str) -> _FileStem:
    copy = False
    while True:
        suffix = COPY_SUFFIX.search(name)
        copy = copy or suffix is not None
        suffix = suffix or COUNTER_SUFFIX.search(name)
        if not suffix or not suffix.start():
            return _FileStem(name, copy)
        name = name[: suffix.start()]


def _family_name(film: AuditFilm, base: str) -> str:
    folders = PurePosixPath(film.name).parts[:-1]
    place = "/".join(part for part in folders if part.lower() not in SPLIT_FOLDERS)
    return f"{place}/{film.label}/{base}"
