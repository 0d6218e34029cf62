"""The subgroups that a film belongs to."""

from __future__ import annotations

from train.data import Film


def traits(film: Film) -> set[tuple[str, str]]:
    """Name the subgroups that a film belongs to, as pairs of trait and value."""
    found = {("region", value) for value in film.region.split("+") if value}
    found |= {("view", value) for value in film.view.split("+") if value}
    if film.hardware is not None:
        found.add(("hardware", "with hardware" if film.hardware else "without hardware"))
    return found
