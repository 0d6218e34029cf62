"""A second model's map of the same film: two that point to the same place are believed sooner."""

from __future__ import annotations

from dataclasses import replace

from bonefx.errors import WeightsError
from bonefx.heatmaps.agreement import map_agreement
from bonefx.models.measured_comparison import find_measured_comparison
from bonefx.models.registry import LoadedModel
from bonefx.reading.reader import Reader
from bonefx.records import Radiograph, Reading


def second_model(reader: Reader, model: str) -> LoadedModel | None:
    """Choose whom else to ask: the first other model that there is no caution about."""
    others = (other for other in reader.models if other.name != model)
    return next((other for other in others if not reader.caution(other.name)), None)


def with_second_opinion(reader: Reader, film: Radiograph, reading: Reading) -> Reading:
    """Hold a reading's map against another model's map of the film.

    The map is taken away where the two agree less than on the validation films on which both found
    the fracture, as far as that was measured.

    Args:
        reader: With other models, or without.
        film: That was read.
        reading: With its map; without one, or without another model, it comes back as it is.
    """
    other = second_model(reader, reading.model)
    if reading.trust is None or reading.heat is None or other is None:
        return reading
    agreement = map_agreement(reading, reader.read(film, model=other.name))
    least = _least(reader.model(reading.model), other)
    trust = replace(reading.trust, agreement=agreement)
    if agreement.overlap is None or least is None or agreement.overlap >= least:
        return replace(reading, trust=trust)
    failure = (
        f"{other.name} points elsewhere: the hot regions overlap by {100 * agreement.overlap:.0f} "
        f"% (limit {100 * least:.0f} %)."
    )
    return replace(reading, heat=None, trust=replace(trust, failures=(*trust.failures, failure)))


def _least(first: LoadedModel, second: LoadedModel) -> float | None:
    """The least overlap that val taught to expect; None where it was not measured, or is none."""
    try:
        found = find_measured_comparison(first, second)
    except WeightsError:  # of other weights: Compare says so; no limit is better than a wrong one
        return None
    return (found.maps.least or None) if found is not None and found.maps is not None else None
