"""Fingerprints -> which distinct films show the same film, turned, mirrored or saved again.

Three sieves, each finer: perceptual hashes within a Hamming distance at some turn; correlation of
32 px thumbnails at that turn; correlation of fine detail after alignment. Radiographs of one body
part look alike at 32 px; only the detail tells two hands apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import DisjointSet
from tqdm import tqdm

from train.audit.matching.align import correlate_detail
from train.audit.matching.fingerprint import NO_ROTATION, ROTATIONS, disc_mask, rotate_square
from train.audit.matching.scan import AUDIT_THREADS
from train.audit.matching.store import ComparisonKey, FingerprintStore

# Chosen on the Kaggle set and FracAtlas. Of the pairs of one film that are known there, all but
# one, whose damage decodes as noise, lie above both limits; of some 3,400 pairs above them, one
# shows two feet. Lower limits join two views of one limb first, then limbs of two people.
MAX_HASH_DISTANCE = 10  # bits of 64
MIN_THUMBNAIL_CORRELATION = 0.94  # correlation at 32 px
MIN_DETAIL_CORRELATION = 0.91  # correlation of detail
MIN_DETAIL_LOSSLESS = 0.97  # the same for a mirrored film or a quarter turn, which cost no detail
CANDIDATES_PER_DAMAGED_FILM = 20  # films compared with what is left of a damaged one
SMALL_THUMBNAIL_PX = 32
HASH_BLOCK_ROWS = 256  # films compared with all others at once
PAIRS_PER_TRANSACTION = 64  # pairs compared in one transaction


class CandidatePair(NamedTuple):
    """Two films, by index, that may be one; the second as turned by TURNS[turn]."""

    first: int
    second: int
    turn: int
    alike: float


class Fingerprints(NamedTuple):
    """Fingerprints of all films with a thumbnail, in memory: about 2 kB a film.

    Attributes:
        sha256: Checksums, (N,).
        hashes: (N, len(TURNS)) uint64.
        small: (N, SMALL_PX, SMALL_PX) uint8.
        known: (N, SMALL_PX, SMALL_PX) bool, what was decoded; all but for damaged films.
    """

    sha256: list[str]
    hashes: NDArray[np.uint64]
    small: NDArray[np.uint8]
    known: NDArray[np.bool_]


class NearDuplicatePair(NamedTuple):
    """Two distinct films that show the same, by checksum, and how well their detail agrees."""

    first: str
    second: str
    detail: float


def load_fingerprints(store: FingerprintStore, wanted: set[str]) -> Fingerprints:
    """Load hashes and small thumbnails of the wanted films, sorted by checksum."""
    checksums, hashes, small, known = [], [], [], []
    size = (SMALL_THUMBNAIL_PX, SMALL_THUMBNAIL_PX)
    for one in store.fingerprints():
        if one.sha256 in wanted and one.thumbnail is not None:
            checksums.append(one.sha256)
            hashes.append(one.hashes)
            small.append(cv2.resize(one.thumbnail.pixels, size, interpolation=cv2.INTER_AREA))
            mask = np.asarray(one.thumbnail.known, np.float32)
            known.append(cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 0.99)
    return Fingerprints(
        checksums,
        np.array(hashes, np.uint64).reshape(len(checksums), len(ROTATIONS)),
        np.array(small, np.uint8).reshape(len(checksums), *size),
        np.array(known, bool).reshape(len(checksums), *size),
    )


def find_near_duplicates(prints: Fingerprints, store: FingerprintStore) -> list[NearDuplicatePair]:
    """Find pairs that join every group of near-duplicates, the most alike first.

    Pairs within a group that is joined already are not compared: a family of 100 copies needs 99
    comparisons, not 4,950. The result depends on the films alone, not on when the store was filled.
    """
    known = store.known_comparisons()
    groups = DisjointSet(range(len(prints.sha256)))
    pairs = []
    waiting = find_candidate_pairs(prints)
    with tqdm(total=len(waiting), unit="pair", desc="compare") as progress:
        while waiting:
            batch, rest = _next_batch(waiting, groups)
            progress.update(len(waiting) - len(rest))
            waiting = rest
            for candidate, detail in _correlate_pairs(batch, prints, store, known):
                if detail < _min_detail(candidate.turn):
                    continue
                if groups.merge(candidate.first, candidate.second):
                    first, second = prints.sha256[candidate.first], prints.sha256[candidate.second]
                    pairs.append(NearDuplicatePair(first, second, detail))
    return pairs


def _min_detail(turn: int) -> float:
    angle, mirrored = ROTATIONS[turn]
    return MIN_DETAIL_LOSSLESS if mirrored or abs(angle) > 45 else MIN_DETAIL_CORRELATION


def find_candidate_pairs(prints: Fingerprints) -> list[CandidatePair]:
    """List pairs that pass the two coarse sieves at some turn, the most alike first."""
    middle = disc_mask(SMALL_THUMBNAIL_PX)
    upright = _normalised(prints.small[:, middle])
    found = []
    for turn in tqdm(range(len(ROTATIONS)), unit="turn", desc="search"):
        others = np.array([rotate_square(square, turn) for square in prints.small], np.uint8)
        others = others.reshape(prints.small.shape)
        vectors = _normalised(others[:, middle])
        for first, second in _find_close_hashes(prints.hashes, turn):
            alike = np.einsum("nd,nd->n", upright[first], vectors[second])
            keep = np.flatnonzero(alike >= MIN_THUMBNAIL_CORRELATION)
            found += [
                CandidatePair(int(first[k]), int(second[k]), turn, float(alike[k])) for k in keep
            ]
    found += _damaged_candidates(prints)
    return sorted(found, key=lambda pair: (-round(pair.alike, 6), *pair[:3]))


def _damaged_candidates(prints: Fingerprints) -> Iterator[CandidatePair]:
    """Pair each damaged film with those that look most like what is left of it, upright.

    What is missing spoils the hash, so these films are compared with all others.
    """
    for index in np.flatnonzero(~prints.known.all(axis=(1, 2))):
        left = prints.known[index] & disc_mask(SMALL_THUMBNAIL_PX)
        vectors = _normalised(prints.small[:, left])
        alike = vectors @ vectors[index]
        alike[index] = -1.0
        for other in np.argsort(-alike, kind="stable")[:CANDIDATES_PER_DAMAGED_FILM]:
            if alike[other] >= MIN_THUMBNAIL_CORRELATION:
                yield CandidatePair(int(other), int(index), NO_ROTATION, float(alike[other]))


def _find_close_hashes(
    hashes: NDArray[np.uint64], turn: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Give indices of films whose hashes lie close, upright against turned, in blocks."""
    for start in range(0, len(hashes), HASH_BLOCK_ROWS):
        differing = (
            hashes[start : start + HASH_BLOCK_ROWS, NO_ROTATION, None] ^ hashes[None, :, turn]
        )
        first, second = np.nonzero(np.bitwise_count(differing) <= MAX_HASH_DISTANCE)
        first = first + start
        once = first < second if turn == NO_ROTATION else first != second
        for part in range(0, int(once.sum()), 4096):
            block = slice(part, part + 4096)
            yield first[once][block], second[once][block]


def _normalised(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bring vectors, (N, D), to mean 0 and length 1; one without contrast becomes 0."""
    centred = pixels.astype(np.float32)
    centred -= centred.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(lengths, 1.0), np.float32)


def _next_batch(
    waiting: list[CandidatePair], groups: DisjointSet
) -> tuple[list[CandidatePair], list[CandidatePair]]:
    """Take the next pairs that are not joined yet."""
    batch: list[CandidatePair] = []
    for index, pair in enumerate(waiting):
        if len(batch) == PAIRS_PER_TRANSACTION:
            return batch, waiting[index:]
        if not groups.connected(pair.first, pair.second):
            batch.append(pair)
    return batch, []


def _correlate_pairs(
    batch: list[CandidatePair],
    prints: Fingerprints,
    store: FingerprintStore,
    known: dict[ComparisonKey, float],
) -> list[tuple[CandidatePair, float]]:
    """Compare the detail of pairs, in order; what the store knows is not compared again."""
    keys = [(prints.sha256[pair.first], prints.sha256[pair.second], pair.turn) for pair in batch]
    todo = [key for key in keys if key not in known]
    loaded = [(store.thumbnail(first), store.thumbnail(second)) for first, second, _ in todo]
    with ThreadPoolExecutor(AUDIT_THREADS) as pool:
        firsts, seconds = [one for one, _ in loaded], [one for _, one in loaded]
        details = list(pool.map(correlate_detail, firsts, seconds, [key[2] for key in todo]))
    found = list(zip(todo, details, strict=True))
    store.keep_comparisons(found)
    known |= dict(found)
    return [(pair, known[key]) for pair, key in zip(batch, keys, strict=True)]
