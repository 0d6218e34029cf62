"""Scope gate: which films a model may read, and why it refuses the others.

The gate fails closed. A film is in scope only if every check ran and passed; a measure that cannot
be computed and any fault of this module refuse the film.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonefx.records import Radiograph, Reason, ReasonCode, RegionSource, invert_radiograph
from bonefx.scope.body_parts import body_part_refusal, regions_in_header
from bonefx.scope.rules import find_broken_rule, measure_grey_levels
from bonefx.scope.statistics import Scope

SignaturesOf = Callable[[Sequence[Radiograph]], NDArray[np.float32]]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeResult:
    """The gate's result for one film.

    Attributes:
        refusal: Why the film is out of scope; None if it is in scope.
        overridden: Refusal that the user overrode; None in all other cases.
        looks_inverted: Out of scope as it is, and in scope with black and white swapped.
        regions: Body regions of a film in scope; empty if none is known, None if the model was not
            trained to recognise them.
        region_source: Who named the regions: the header or the model.
    """

    refusal: Reason | None = None
    overridden: Reason | None = None
    looks_inverted: bool = False
    regions: tuple[str, ...] | None = None
    region_source: RegionSource = RegionSource.MODEL


def override_refusal(result: ScopeResult) -> ScopeResult:
    """Admit a film that only the statistics of the training films refuse; else change nothing."""
    refusal = result.refusal
    if refusal is None or not refusal.can_be_overridden:
        return result
    return ScopeResult(overridden=refusal)


def check_scope(
    scope: Scope | None,
    films: Sequence[Radiograph],
    signatures: NDArray[np.float32],
    *,
    signatures_of: SignaturesOf,
) -> list[ScopeResult]:
    """Check films against a model's scope.

    Args:
        scope: Of the model that reads the films; None if its folder has no scope file.
        films: N films.
        signatures: Of these films by the model's network, (N, D).
        signatures_of: Computes the signatures of other films with the same network.

    Returns:
        N results in the order of the films; a fault of the gate itself refuses them all.
    """
    try:
        return _check(scope, films, signatures, signatures_of=signatures_of)
    except Exception:
        logger.exception("the scope check failed")
        refusal = Reason(code=ReasonCode.SCOPE_CHECK_FAILED)
        return [ScopeResult(refusal=refusal)] * len(films)


def _check(
    scope: Scope | None,
    films: Sequence[Radiograph],
    signatures: NDArray[np.float32],
    *,
    signatures_of: SignaturesOf,
) -> list[ScopeResult]:
    if scope is None:
        return [ScopeResult(refusal=Reason(code=ReasonCode.NO_SCOPE_DATA))] * len(films)
    refusals = find_refusals(scope, films, signatures)
    refused = [index for index, refusal in enumerate(refusals) if refusal is not None]
    inverted = _in_scope_inverted(scope, [films[i] for i in refused], signatures_of=signatures_of)
    in_scope_inverted = dict(zip(refused, inverted, strict=True))
    return [
        _admit(scope, films[index], signature)
        if refusal is None
        else _refuse(films[index], refusal, in_scope_inverted=in_scope_inverted[index])
        for index, (refusal, signature) in enumerate(zip(refusals, signatures, strict=True))
    ]


def _admit(scope: Scope, film: Radiograph, signature: NDArray[np.float32]) -> ScopeResult:
    """Admit a film, with its regions by the header or else by its signature.

    Where the header names a region that the model does not know, none is named.
    """
    known, named = scope.known_regions, regions_in_header(film)
    if known and named:
        regions = tuple(region for region in known if region in named)
        return ScopeResult(regions=regions, region_source=RegionSource.HEADER)
    return ScopeResult(regions=scope.recognised_regions(signature))


def _refuse(film: Radiograph, refusal: Reason, *, in_scope_inverted: bool) -> ScopeResult:
    """Refuse a film; if it is in scope with black and white swapped, the polarity is the reason."""
    if not in_scope_inverted:
        return ScopeResult(refusal=refusal)
    code = ReasonCode.INVERTED_BY_USER if film.inverted else ReasonCode.LOOKS_INVERTED
    return ScopeResult(refusal=Reason(code=code), looks_inverted=not film.inverted)


def find_refusals(
    scope: Scope,
    films: Sequence[Radiograph],
    signatures: NDArray[np.float32],
) -> list[Reason | None]:
    """Return why each film is out of scope as it is: by header, grey levels or signature.

    Args:
        scope: Of the model.
        films: N films.
        signatures: Of these films by the model's network, (N, D).

    Returns:
        N reasons; None for a film in scope.
    """
    measures = np.array([measure_grey_levels(film.exposed) for film in films])
    refused = scope.refuses(signatures, measures)
    refusals = [
        _refusal(scope, measures[index], signatures[index]) if out else None
        for index, out in enumerate(refused.tolist())
    ]
    regions = scope.known_regions
    if not regions:
        return refusals
    return [
        body_part_refusal(film, regions) or refusal
        for film, refusal in zip(films, refusals, strict=True)
    ]


def _refusal(scope: Scope, measures: NDArray[np.float64], signature: NDArray[np.float32]) -> Reason:
    """Return the first reason for a refusal: grey levels, distance, kind, or polarity."""
    broken = find_broken_rule(measures, scope.rule_low, scope.rule_high)
    if broken is not None:
        return broken
    distances = scope.distances(signature[None])
    if not scope.within(distances)[0]:
        code, value, limit = ReasonCode.UNLIKE_TRAINING_FILMS, distances[0], float(scope.limit)
    elif (logit := scope.intruder_logits(signature[None])[0]) > 0:
        code, value, limit = ReasonCode.RESEMBLES_OTHER_PICTURES, logit, 0.0
    else:
        logit = scope.inverted_logits(signature[None])[0]
        code, value, limit = ReasonCode.RESEMBLES_INVERTED_FILMS, logit, 0.0
    return Reason(code=code, value=float(value), limit=float(limit), regions=scope.known_regions)


def _in_scope_inverted(
    scope: Scope,
    films: Sequence[Radiograph],
    *,
    signatures_of: SignaturesOf,
) -> list[bool]:
    """Return for each film whether it is in scope with black and white swapped."""
    if not films:
        return []
    inverted = [invert_radiograph(film) for film in films]
    refusals = find_refusals(scope, inverted, signatures_of(inverted))
    return [refusal is None for refusal in refusals]
