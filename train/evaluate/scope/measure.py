"""Measure which films and which other pictures a fitted scope refuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from bonefx.models.networks import SplitNetwork, compute_signatures
from bonefx.models.preprocess import PreprocessSpec
from bonefx.records import (
    Estimate,
    OperatingPoint,
    Radiograph,
    RegionFigures,
    invert_radiograph,
)
from bonefx.records.scope_figures import (
    IntruderFigures,
    InvertedFigures,
    NamedFigures,
    RecognisedFigures,
)
from bonefx.scope.rules import measure_grey_levels
from bonefx.scope.statistics import REGIONS, Scope
from train import metrics
from train.data.cache import CachedFilms
from train.evaluate.scope.intruders import INVERTED_KIND, Intruder
from train.evaluate.scope.regions import known_region_labels, region_labels

SCOPE_BATCH = 16
SCOPE_DRAWS = 200  # of the bootstrap of each kind's AUROC


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class MeasuredFilms:
    """Signatures and grey-level measures of N pictures.

    Attributes:
        signatures: (N, D).
        measures: By GREY_LEVEL_RULES, (N, M).
    """

    signatures: NDArray[np.float32]
    measures: NDArray[np.float64]

    def refused_by(self, scope: Scope) -> NDArray[np.bool_]:
        """Return which pictures a scope refuses, (N,)."""
        return scope.refuses(self.signatures, self.measures)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class MeasuredIntruders:
    """Measured intruders, as they are and inverted.

    Attributes:
        kinds: Kind of each picture, (N,).
        borderline: Whether each picture is borderline, (N,).
        origins: Origin of each picture, (N,); see Intruder.
        upright: Measures of the pictures as they are.
        inverted: Measures of the pictures with black and white swapped.
    """

    kinds: NDArray[np.str_]
    borderline: NDArray[np.bool_]
    origins: NDArray[np.str_]
    upright: MeasuredFilms
    inverted: MeasuredFilms


def measure_films(
    network: SplitNetwork, films: Sequence[Radiograph], spec: PreprocessSpec
) -> MeasuredFilms:
    """Compute signatures and grey-level measures as readings do."""
    measures = np.array([measure_grey_levels(film.exposed) for film in films])
    return MeasuredFilms(signatures=compute_signatures(network, films, spec), measures=measures)


def measure_intruders(
    network: SplitNetwork, spec: PreprocessSpec, intruders: Iterable[Intruder]
) -> MeasuredIntruders:
    """Measure intruders, as they are and inverted; see measure_films."""
    kinds, borderline, origins, parts = [], [], [], []
    remaining = iter(intruders)
    while batch := list(islice(remaining, SCOPE_BATCH)):
        kinds += [one.kind for one in batch]
        borderline += [one.borderline for one in batch]
        origins += [one.origin for one in batch]
        films = [one.film for one in batch]
        inverted = [invert_radiograph(film) for film in films]
        parts.append([measure_films(network, shown, spec) for shown in (films, inverted)])
    both = [
        MeasuredFilms(
            signatures=np.concatenate([part[way].signatures for part in parts]),
            measures=np.concatenate([part[way].measures for part in parts]),
        )
        for way in (0, 1)
    ]
    return MeasuredIntruders(
        kinds=np.array(kinds), borderline=np.array(borderline), origins=np.array(origins),
        upright=both[0], inverted=both[1],
    )  # fmt: skip


def refused_share(scope: Scope, films: CachedFilms, measured: MeasuredFilms) -> Estimate:
    """Return the share of real films that is refused."""
    return share_of_films(measured.refused_by(scope), films.groups)


def intruder_figures(
    scope: Scope, found: MeasuredIntruders, test: MeasuredFilms
) -> tuple[tuple[IntruderFigures, ...], Estimate]:
    """Measure each kind of intruder and all of them, without inverted films.

    Args:
        scope: The fitted scope.
        found: The half of the intruders on which nothing was chosen.
        test: Test films, with which the distance is compared.
    """
    out = found.upright.refused_by(scope)
    kinds = sorted(set(found.kinds.tolist()) - {INVERTED_KIND})
    figures = tuple(_kind(scope, found, test, kind=kind, out=out) for kind in kinds)
    others = (found.kinds != INVERTED_KIND) & ~found.borderline
    return figures, share_of_films(out[others], _unique_origins(found)[others])


def inverted_figures(scope: Scope, found: MeasuredIntruders) -> InvertedFigures:
    """Measure the shares of inverted films that are refused, and recognised as inverted."""
    own = found.kinds == INVERTED_KIND
    out, offered = _out_and_offered(scope, found)
    return InvertedFigures(
        refused=share_of_films(out[own], found.origins[own]),
        recognised=share_of_films(offered[own], found.origins[own]),
    )


def region_figures(
    scope: Scope, films: CachedFilms, measured: MeasuredFilms
) -> tuple[RecognisedFigures, ...]:
    """Measure the recognition of body regions; empty if the scope knows no region."""
    if not scope.known_regions:
        return ()
    named, known = scope.shows(measured.signatures), known_region_labels(films.films)
    return tuple(_regions_of(region_labels(films.films), named, known, films.groups))


def named_regions(scope: Scope, films: CachedFilms, measured: MeasuredFilms) -> NamedFigures | None:
    """Measure how often a region is named, and wrongly, on films whose region is known."""
    labelled = region_labels(films.films).any(axis=1)
    if not scope.known_regions or not labelled.any():
        return None
    named = scope.shows(measured.signatures)[labelled]
    shown = region_labels(films.films)[labelled]
    known = known_region_labels(films.films)[labelled]
    any_named = np.asarray((named & known).any(axis=1), np.bool_)
    wrong = np.asarray((named & known & ~shown).any(axis=1), np.bool_)
    groups = films.groups[labelled]
    return NamedFigures(
        named=share_of_films(any_named, groups),
        wrong=metrics.estimate_proportion(wrong[any_named], groups[any_named]),
    )


def points_by_region(
    scope: Scope,
    films: CachedFilms,
    probability: NDArray[np.float64],
    points: Iterable[OperatingPoint],
) -> dict[str, tuple[RegionFigures, ...]]:
    """Measure each operating point on the test films of each region, threshold alone."""
    shown = region_labels(films.films)
    places = [REGIONS.index(name) for name in scope.known_regions]
    return {
        point.name: tuple(
            _at_region(films, probability >= point.threshold, shown[:, place], REGIONS[place])
            for place in places
        )
        for point in points
    }


def _at_region(
    films: CachedFilms, called: NDArray[np.bool_], own: NDArray[np.bool_], region: str
) -> RegionFigures:
    broken, intact = own & films.fractured, own & ~films.fractured
    return RegionFigures(
        region=region,
        sensitivity=metrics.estimate_proportion(called[broken], films.groups[broken]),
        specificity=metrics.estimate_proportion(~called[intact], films.groups[intact]),
    )


def _regions_of(
    shown: NDArray[np.bool_],
    named: NDArray[np.bool_],
    known: NDArray[np.bool_],
    groups: NDArray[np.str_],
) -> Iterator[RecognisedFigures]:
    for place, region in enumerate(REGIONS):
        own, other = shown[:, place], known[:, place] & ~shown[:, place]
        if own.any() and other.any():
            yield RecognisedFigures(
                region=region,
                found=share_of_films(named[own, place], groups[own]),
                false_positive_rate=share_of_films(named[other, place], groups[other]),
            )


def _kind(
    scope: Scope,
    found: MeasuredIntruders,
    test: MeasuredFilms,
    *,
    kind: str,
    out: NDArray[np.bool_],
) -> IntruderFigures:
    own = found.kinds == kind
    origins = _unique_origins(found)[own]
    near, far = scope.distances(test.signatures), scope.distances(found.upright.signatures[own])
    alone = np.arange(len(near)).astype(str)
    return IntruderFigures(
        kind=kind,
        sources=len(np.unique(origins)),
        refused=share_of_films(out[own], origins),
        by_rules=int(scope.breaks_a_rule(found.upright.measures[own]).sum()),
        auroc=metrics.estimate_with_interval(
            metrics.auroc,
            np.arange(len(near) + len(far)) >= len(near),
            np.concatenate([near, far]),
            np.concatenate([alone, origins]),
            draws=SCOPE_DRAWS,
        ),
        offered=int(_out_and_offered(scope, found)[1][own].sum()),
        borderline=bool(found.borderline[own].any()),
    )


def _out_and_offered(
    scope: Scope, found: MeasuredIntruders
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which intruders are refused, and which of these are in scope inverted."""
    out = found.upright.refused_by(scope)
    return out, out & ~found.inverted.refused_by(scope)


def _unique_origins(found: MeasuredIntruders) -> NDArray[np.str_]:
    """Return origins with their kinds, because drawings of each kind count from 0."""
    return np.char.add(np.char.add(found.kinds, "/"), found.origins)


def share_of_films(hits: NDArray[np.bool_], groups: NDArray[np.str_]) -> Estimate:
    """Return the share of hits, (N,), with its interval; films of one group count together."""
    found = metrics.estimate_proportion(hits, groups)
    assert found is not None  # there is at least one picture of each kind
    return found
