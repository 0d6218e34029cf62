"""A second model's verdict on the same film, and how far the heat maps of both agree."""

from __future__ import annotations

from dataclasses import replace

from bonefx.errors import WeightsError
from bonefx.heatmaps.agreement import map_agreement
from bonefx.models.decision import reading_at_point
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
    """Add a second model's verdict to a reading, and the agreement of the two maps.

    The reading loses its map if the overlap is below the limit from validation films on which both
    models found the fracture, provided that this limit was measured.

    Args:
        reader: Holds the loaded models.
        film: The film that was read.
        reading: Returned unchanged if there is no second model; its map is compared if it has one.
    """
    other = second_model(reader, reading.model)
    if other is None:
        return reading
    has_map = reading.trust is not None and reading.heat is not None
    second = reader.read(
        film,
        model=other.name,
        point=_same_point(other, reading.point.name),
        heat=has_map,
        outside_scope=reading.outside_scope is not None,
    )
    agreed = _with_agreement(reader, reading, second, other) if has_map else reading
    return replace(agreed, second=replace(second, heat=None))


def at_point(reader: Reader, reading: Reading, point: str) -> Reading:
    """Decide both models' verdicts again at another operating point; no network runs.

    Args:
        reader: Holds the models of the reading.
        reading: With or without a second reading.
        point: Name of an operating point of the reading's model.

    Raises:
        SettingsError: The model has no such operating point.
    """
    decided = reading_at_point(reading, reader.model(reading.model).point(point))
    if reading.second is None:
        return decided
    other = reader.model(reading.second.model)
    second = reading_at_point(reading.second, other.point(_same_point(other, point)))
    return replace(decided, second=second)


def _same_point(model: LoadedModel, name: str) -> str | None:
    """Return the name of an operating point if a model has it; None for its default."""
    return name if name in {point.name for point in model.manifest.operating_points} else None


def _with_agreement(
    reader: Reader, reading: Reading, second: Reading, other: LoadedModel
) -> Reading:
    """Add the agreement of two maps, and remove the reading's own map if it is below the limit."""
    assert reading.trust is not None
    agreement = map_agreement(reading, second)
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
    checked = replace(trust, failures=(*trust.failures, failure))
    return replace(reading, heat=None, findings=(), trust=checked)


def _overlap_limit(first: LoadedModel, second: LoadedModel) -> float | None:
    """Return the lowest accepted overlap, in (0, 1]; None if it was not measured or is 0."""
    try:
        comparison = find_measured_comparison(first, second)
    except WeightsError:  # measured with other weights, so its limit does not apply
        return None
    if comparison is None or comparison.maps is None:
        return None
    return comparison.maps.least or None
