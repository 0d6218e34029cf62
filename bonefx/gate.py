"""Films x what a network found in them -> which are in scope, and why the others are not.

Fail-closed: a film is in scope only when every check ran and said so. What this module cannot
measure, and every fault of its own, refuses the film.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bonefx.body_parts import shown_elsewhere
from bonefx.film_rules import broken_rule, measures_of
from bonefx.networks import SplitNetwork
from bonefx.preprocess import PreprocessSpec, to_batch
from bonefx.records import Radiograph, inverted
from bonefx.registry import LoadedModel
from bonefx.scope import Scope

NO_SCOPE = (
    "This model carries no scope, so nobody can tell whether it was made for this film. Export it "
    "again with this version, or use another model."
)
UNLIKE = (
    "This picture is unlike the films that the model was trained on. Use a plain radiograph of a "
    "hand, leg, hip or shoulder: the film itself, whole, upright in its own greys."
)
INVERTED = (
    "The film looks inverted, with dark bone. If it is a bone film, have it read inverted in Read, "
    "or on the command line with --invert."
)
SWAPPED = (
    "With black and white swapped this is unlike the films that the model was trained on. Have it "
    "read as it is."
)
FAULT = "The check whether this is a bone film failed, so the film is not read. The log says more."
LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
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


def entries(
    model: LoadedModel, films: Sequence[Radiograph], signatures: NDArray[np.float32]
) -> list[Entry]:
    """Hold films against a model's scope.

    Args:
        model: That shall read them.
        films: N of them.
        signatures: What its network found in them, (N, D).

    Returns:
        N entries, in their order; a fault of the gate itself refuses them all.
    """
    try:
        return _entries(model, films, signatures)
    except Exception:
        LOG.exception("the scope gate failed")
        return [Entry(refusal=FAULT)] * len(films)


def _entries(
    model: LoadedModel, films: Sequence[Radiograph], signatures: NDArray[np.float32]
) -> list[Entry]:
    scope = model.scope
    if scope is None:
        return [Entry(refusal=NO_SCOPE)] * len(films)
    refusals = refusals_of(scope, films, signatures)
    refused = [index for index, found in enumerate(refusals) if found is not None]
    turned = dict(zip(refused, _admitted_inverted(model, [films[i] for i in refused]), strict=True))
    return [
        Entry(regions=scope.told_regions(signature))
        if refusal is None
        else _refused(films[index], refusal, turned=turned[index])
        for index, (refusal, signature) in enumerate(zip(refusals, signatures, strict=True))
    ]


def _refused(film: Radiograph, refusal: str, *, turned: bool) -> Entry:
    """Refuse a film; one that was swapped, and is a film as it came, shall be read as it came."""
    if not turned:
        return Entry(refusal=refusal)
    return Entry(refusal=SWAPPED if film.inverted else INVERTED, looks_inverted=not film.inverted)


def refusals_of(
    scope: Scope, films: Sequence[Radiograph], signatures: NDArray[np.float32]
) -> list[str | None]:
    """Say why each film is out of scope as it is: by its header, the rules, or its signature."""
    measures = np.array([measures_of(film.pixels) for film in films])
    unlike = [
        (broken_rule(own, scope.rule_low, scope.rule_high) or UNLIKE) if out else None
        for own, out in zip(measures, scope.refuses(signatures, measures), strict=True)
    ]
    made_for = scope.known_regions
    if not made_for:
        return unlike
    return [
        shown_elsewhere(film, made_for) or found for film, found in zip(films, unlike, strict=True)
    ]


def _admitted_inverted(model: LoadedModel, films: Sequence[Radiograph]) -> list[bool]:
    """Tell which films would be in scope with black and white swapped."""
    if not films or model.scope is None:
        return []
    turned = [inverted(film) for film in films]
    signatures = signatures_of(model.network, turned, model.manifest.preprocess)
    return [found is None for found in refusals_of(model.scope, turned, signatures)]


@torch.inference_mode()
def signatures_of(
    network: SplitNetwork, films: Sequence[Radiograph], spec: PreprocessSpec
) -> NDArray[np.float32]:
    """Run films up to the cut for their signatures alone, (N, D)."""
    device = next(network.parameters()).device
    batch = to_batch(list(films), spec).to(device, memory_format=torch.channels_last)
    found: NDArray[np.float32] = network.staged(batch).signature.float().cpu().numpy()
    return found
