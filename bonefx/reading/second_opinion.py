"""Agreement of a reading's heat map with a second model's map of the same film."""

from __future__ import annotations

from dataclasses import replace

from bonefx.errors import WeightsError
from bonefx.heatmaps.agreement import map_agreement
from bonefx.models.measured_comparison import find_measured_comparison
from bonefx.models.registry import LoadedModel
from bonefx.reading.reader import Reader
from bonefx.records import Radiograph, Reading, Reason, ReasonCode


def second_model(reader: Reader, model: str) -> LoadedModel | None:
    """Return the first other model without a caution; None if there is none.

    Args:
        reader: Holds the loaded models.
        model: Name of the model that read the film.
    """
    others = (other for other in reader.models if other.name != model)
    return next((other for other in others if not reader.caution(other.name)), None)


def with_second_opinion(reader: Reader, film: Radiograph, reading: Reading) -> Reading:
    """Add the agreement with a second model's map to a reading.

    The reading loses its map if the overlap is below the limit from validation films on which both
    models found the fracture, provided that this limit was measured.

    Args:
        reader: Holds the loaded models.
        film: The film that was read.
        reading: With its map; returned unchanged without a map or without a second model.
    """
    other = second_model(reader, reading.model)
    if reading.trust is None or reading.heat is None or other is None:
        return reading
    agreement = map_agreement(reading, reader.read(film, model=other.name))
    limit = _overlap_limit(reader.model(reading.model), other)
    trust = replace(reading.trust, agreement=agreement)
    if agreement.overlap is None or limit is None or agreement.overlap >= limit:
        return replace(reading, trust=trust)
    failure = Reason(
        code=ReasonCode.OTHER_MODEL_DISAGREES,
        value=agreement.overlap,
        limit=limit,
        name=other.name,
    )
    return replace(reading, heat=None, trust=replace(trust, failures=(*trust.failures, failure)))


def _overlap_limit(first: LoadedModel, second: LoadedModel) -> float | None:
    """Return the lowest accepted overlap, in (0, 1]; None if it was not measured or is 0."""
    try:
        comparison = find_measured_comparison(first, second)
    except WeightsError:  # measured with other weights, so its limit does not apply
        return None
    if comparison is None or comparison.maps is None:
        return None
    return comparison.maps.least or None
