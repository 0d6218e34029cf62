"""Find near-duplicates: distinct files of the same film, rotated, mirrored or saved again.

There are three filters of increasing precision: Hamming distance of perceptual hashes over all
rotations, correlation of 32 px thumbnails, and correlation of fine detail after alignment. At 32 px
all radiographs of a body part are similar; only fine detail discriminates two hands.
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

# Chosen on the Kaggle set and FracAtlas. Of the known duplicate pairs there, all but one, with
# damage that decodes as noise, are above both correlation limits. Of about 3,400 pairs above them,
# one is wrong (two feet). Lower limits first join two views of one limb, then limbs of two people.
MAX_HASH_DISTANCE = 10  # bits of 64
MIN_THUMBNAIL_CORRELATION = 0.94  # at 32 px
MIN_DETAIL_CORRELATION = 0.91  # of fine detail
MIN_DETAIL_LOSSLESS = 0.97  # for mirrored films and quarter turns, which lose no detail
CANDIDATES_PER_DAMAGED_FILM = 20  # compared with the decodable part of a damaged film
SMALL_THUMBNAIL_PX = 32
HASH_BLOCK_ROWS = 256  # films compared with all others at a time
PAIRS_PER_TRANSACTION = 64  # pairs stored per transaction


class CandidatePair(NamedTuple):
    """Two possibly identical films, by index; the second is rotated by ROTATIONS[rotation].

    Attributes:
        first: Index of the first film.
        second: Index of the second film.
        rotation: Index in ROTATIONS.
        similarity: Correlation at 32 px, in [-1, 1].
    """

    first: int
    second: int
    rotation: int
    similarity: float


class Fingerprints(NamedTuple):
    """Fingerprints of all films with a thumbnail, in memory: about 2 kB a film.

    Attributes:
        sha256: Checksums, (N,).
        hashes: (N, len(ROTATIONS)) uint64.
        small: (N, SMALL_THUMBNAIL_PX, SMALL_THUMBNAIL_PX) uint8.
        known: Same shape, bool: decoded pixels; all true except for damaged films.
    """

    sha256: list[str]
    hashes: NDArray[np.uint64]
    small: NDArray[np.uint8]
    known: NDArray[np.bool_]


class NearDuplicatePair(NamedTuple):
    """Two near-duplicate files, by checksum, with the correlation of their fine detail."""

    first: str
    second: str
    detail: float


def load_fingerprints(store: FingerprintStore, sha256: set[str]) -> Fingerprints:
    """Load hashes and small thumbnails of films by checksum, sorted by checksum."""
    checksums, hashes, small, known = [], [], [], []
    size = (SMALL_THUMBNAIL_PX, SMALL_THUMBNAIL_PX)
    for one in store.load_fingerprints():
        if one.sha256 in sha256 and one.thumbnail is not None:
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


def find_near_duplicates(
    fingerprints: Fingerprints, store: FingerprintStore
) -> list[NearDuplicatePair]:
    """Find pairs that connect each group of near-duplicates, the most similar pairs first.

    Pairs within an already connected group are skipped: 100 copies of a film need 99 comparisons,
    not 4,950. The result depends on the films only, not on the state of the store.
    """
    known = store.load_comparisons()
    groups = DisjointSet(range(len(fingerprints.sha256)))
    pairs = []
    waiting = find_candidate_pairs(fingerprints)
    with tqdm(total=len(waiting), unit="pair", desc="compare") as progress:
        while waiting:
            batch, rest = _next_batch(waiting, groups)
            progress.update(len(waiting) - len(rest))
            waiting = rest
            for candidate, detail in _correlate_pairs(batch, fingerprints, store, known):
                if detail < _min_detail(candidate.rotation):
                    continue
                if groups.merge(candidate.first, candidate.second):
                    first, second = (
                        fingerprints.sha256[candidate.first],
                        fingerprints.sha256[candidate.second],
                    )
                    pairs.append(NearDuplicatePair(first, second, detail))
    return pairs


def _min_detail(rotation: int) -> float:
    angle, mirrored = ROTATIONS[rotation]
    return MIN_DETAIL_LOSSLESS if mirrored or abs(angle) > 45 else MIN_DETAIL_CORRELATION


def find_candidate_pairs(fingerprints: Fingerprints) -> list[CandidatePair]:
    """Find pairs that pass the two coarse filters at some rotation, the most similar first."""
    inside = disc_mask(SMALL_THUMBNAIL_PX)
    upright = _normalised(fingerprints.small[:, inside])
    pairs: list[CandidatePair] = []
    for rotation in tqdm(range(len(ROTATIONS)), unit="rotation", desc="search"):
        others = np.array(
            [rotate_square(square, rotation) for square in fingerprints.small], np.uint8
        )
        others = others.reshape(fingerprints.small.shape)
        vectors = _normalised(others[:, inside])
        for first, second in _find_close_hashes(fingerprints.hashes, rotation):
            similarity = np.einsum("nd,nd->n", upright[first], vectors[second])
            keep = np.flatnonzero(similarity >= MIN_THUMBNAIL_CORRELATION)
            pairs += [
                CandidatePair(int(first[k]), int(second[k]), rotation, float(similarity[k]))
                for k in keep
            ]
    pairs += _damaged_candidates(fingerprints)
    return sorted(pairs, key=lambda pair: (-round(pair.similarity, 6), *pair[:3]))


def _damaged_candidates(fingerprints: Fingerprints) -> Iterator[CandidatePair]:
    """Pair each damaged film with the films most similar to its decodable part, unrotated.

    Missing parts change the hash, so damaged films are compared with all others.
    """
    for index in np.flatnonzero(~fingerprints.known.all(axis=(1, 2))):
        left = fingerprints.known[index] & disc_mask(SMALL_THUMBNAIL_PX)
        vectors = _normalised(fingerprints.small[:, left])
        similarity = vectors @ vectors[index]
        similarity[index] = -1.0
        for other in np.argsort(-similarity, kind="stable")[:CANDIDATES_PER_DAMAGED_FILM]:
            if similarity[other] >= MIN_THUMBNAIL_CORRELATION:
                yield CandidatePair(int(other), int(index), NO_ROTATION, float(similarity[other]))


def _find_close_hashes(
    hashes: NDArray[np.uint64], rotation: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield indices of film pairs with close hashes, unrotated against rotated, in blocks."""
    for start in range(0, len(hashes), HASH_BLOCK_ROWS):
        differing = (
            hashes[start : start + HASH_BLOCK_ROWS, NO_ROTATION, None] ^ hashes[None, :, rotation]
        )
        first, second = np.nonzero(np.bitwise_count(differing) <= MAX_HASH_DISTANCE)
        first = first + start
        once = first < second if rotation == NO_ROTATION else first != second
        for part in range(0, int(once.sum()), 4096):
            block = slice(part, part + 4096)
            yield first[once][block], second[once][block]


def _normalised(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Normalise vectors, (N, D), to mean 0 and length 1; a constant vector becomes 0."""
    centred = pixels.astype(np.float32)
    centred -= centred.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(lengths, 1.0), np.float32)


def _next_batch(
    waiting: list[CandidatePair], groups: DisjointSet
) -> tuple[list[CandidatePair], list[CandidatePair]]:
    """Return the next pairs that are not connected yet, and the remaining pairs."""
    batch: list[CandidatePair] = []
    for index, pair in enumerate(waiting):
        if len(batch) == PAIRS_PER_TRANSACTION:
            return batch, waiting[index:]
        if not groups.connected(pair.first, pair.second):
            batch.append(pair)
    return batch, []


def _correlate_pairs(
    batch: list[CandidatePair],
    fingerprints: Fingerprints,
    store: FingerprintStore,
    known: dict[ComparisonKey, float],
) -> list[tuple[CandidatePair, float]]:
    """Correlate the detail of pairs, in order, except for pairs already in the store."""
    keys = [
        (fingerprints.sha256[pair.first], fingerprints.sha256[pair.second], pair.rotation)
        for pair in batch
    ]
    todo = [key for key in keys if key not in known]
    loaded = [
        (store.load_thumbnail(first), store.load_thumbnail(second)) for first, second, _ in todo
    ]
    with ThreadPoolExecutor(AUDIT_THREADS) as pool:
        firsts, seconds = [one for one, _ in loaded], [one for _, one in loaded]
        details = list(pool.map(correlate_detail, firsts, seconds, [key[2] for key in todo]))
    computed = list(zip(todo, details, strict=True))
    store.save_comparisons(computed)
    known |= dict(computed)
    return [(pair, known[key]) for pair, key in zip(batch, keys, strict=True)]
