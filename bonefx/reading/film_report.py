"""Read one film and compose its report, with a second model's opinion."""

from __future__ import annotations

from bonefx.reading.reader import Reader
from bonefx.reading.second_opinion import with_second_opinion
from bonefx.records import Radiograph
from bonefx.report import Report
from bonefx.report.compose import compose_report
from bonefx.scope.body_parts import with_named_region


def report_on_film(
    reader: Reader,
    film: Radiograph,
    *,
    point: str | None = None,
    outside_scope: bool = False,
    region: str | None = None,
    text: str = "",
) -> Report:
    """Read a film with the first model of a reader, and compose its report.

    Args:
        reader: Holds the loaded models; a second one gives its opinion.
        film: The film, with its changes.
        point: Name of an operating point; None for the model's default.
        outside_scope: See Reader.read_batch.
        region: Body region of the film, one of scope.statistics.REGIONS; None if not named.
        text: The user's own text.

    Raises:
        SettingsError: There is no such operating point, or the text is too long.
    """
    reading = reader.read(film, point=point, outside_scope=outside_scope)
    reading = with_named_region(with_second_opinion(reader, film, reading), region)
    return compose_report(film, reading, model=reader.model(), text=text)
