"""Films x what a network found in them -> which are in scope, and why the others are not.

Fail-closed: a film is in scope only when every check ran and said so. What this module cannot
measure, and every fault of its own, refuses the film.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonefx.records import Radiograph, invert_radiograph
from bonefx.scope.body_parts import body_part_refusal
from bonefx.scope.rules import broken_rule, measure_grey_levels
from bonefx.scope.statistics import Scope

NO_SCOPE = (
    "This model carries no scope, so nobody can tell whether it was made for this film. Export it "
    "again with this version, or use another model."
)
UNLIKE = (
    "This picture is unlike the films that the model was trained on. Use a plain radiograph of a "
    "hand, leg, hip or shoulder: the film itself, whole, upright in its own greys."
)
LOOKS_INVERTED = (
    "The film looks inverted, with dark bone. If it is a bone film, have it read inverted in Read, "
    "or on the command line with --invert."
)
SWAPPED = (
    "With black and white swapped this is unlike the films that the model was trained on. Have it "
    "read as it is."
)
GATE_FAULT = (
    "The check whether this is a bone film failed, so the film is not read. The log says more."
)
SignaturesOf = Callable[[Sequence[Radiograph]], NDArray[np.float32]]
LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeResult:
    """What the gate says of one film.

    Attributes:
        refusal: Why the film is out of scope and what to do, in sentences; None where it is in.
        looks_inverted: It is refused as it is, and would be in scope with black and white swapped.
        regions: Recognised on a film in scope; empty where none is, None where the model was not
            taught them.
    """

    refusal: str | None = None
    looks_inverted: bool = False
    regions: tuple[str, ...] | None = None


def check_scope(
    scope: Scope | None,
    films: Sequence[Radiograph],
    signatures: NDArray[np.float32],
    *,
    signatures_of: SignaturesOf,
) -> list[ScopeResult]:
    """Hold films against a model's scope.

    Args:
        scope: Of the model that shall read them; None where its folder holds none.
        films: N of them.
        signatures: Of these films by the model's network, (N, D).
        signatures_of: Computes the signatures of other films with the same network.

    Returns:
        N entries, in their order; a fault of the gate itself refuses them all.
    """
    try:
        return _check(scope, films, signatures, signatures_of=signatures_of)
    except Exception:
        LOG.exception("the scope gate failed")
        return [ScopeResult(refusal=GATE_FAULT)] * len(films)


def _check(
    scope: Scope | None,
    films: Sequence[Radiograph],
    signatures: NDArray[np.float32],
    *,
    signatures_of: SignaturesOf,
) -> list[ScopeResult]:
    if scope is None:
        return [ScopeResult(refusal=NO_SCOPE)] * len(films)
    refusals = find_refusals(scope, films, signatures)
    refused = [index for index, found in enumerate(refusals) if found is not None]
    again = _admitted_inverted(scope, [films[i] for i in refused], signatures_of=signatures_of)
    turned = dict(zip(refused, again, strict=True))
    return [
        ScopeResult(regions=scope.told_regions(signature))
        if refusal is None
        else _refused(films[index], refusal, turned=turned[index])
        for index, (refusal, signature) in enumerate(zip(refusals, signatures, strict=True))
    ]


def _refused(film: Radiograph, refusal: str, *, turned: bool) -> ScopeResult:
    """Refuse a film; one that was swapped, and is a film as it came, shall be read as it came."""
    if not turned:
        return ScopeResult(refusal=refusal)
    return ScopeResult(
        refusal=SWAPPED if film.inverted else LOOKS_INVERTED, looks_inverted=not film.inverted
    )


def find_refusals(
    scope: Scope, films: Sequence[Radiograph], signatures: NDArray[np.float32]
) -> list[str | None]:
    """Say why each film is out of scope as it is: by its header, the rules, or its signature."""
    measures = np.array([measure_grey_levels(film.pixels) for film in films])
    unlike = [
        (broken_rule(own, scope.rule_low, scope.rule_high) or UNLIKE) if out else None
        for own, out in zip(measures, scope.refuses(signatures, measures), strict=True)
    ]
    made_for = scope.known_regions
    if not made_for:
        return unlike
    return [
        body_part_refusal(film, made_for) or found
        for film, found in zip(films, unlike, strict=True)
    ]


def _admitted_inverted(
    scope: Scope, films: Sequence[Radiograph], *, signatures_of: SignaturesOf
) -> list[bool]:
    """Tell which films would be in scope with black and white swapped."""
    if not films:
        return []
    turned = [invert_radiograph(film) for film in films]
    return [found is None for found in find_refusals(scope, turned, signatures_of(turned))]
