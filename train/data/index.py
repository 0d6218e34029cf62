"""Records of a data set: a film and the index of all films."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bonefx.errors import RecipeError

SPLITS_FOLDER = Path(__file__).parents[1] / "splits"

Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels of the film
Outline = tuple[float, ...]  # x, y, x, y, ..., in pixels of the film


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """One film of a data set.

    Attributes:
        path: File of the film.
        name: Name within the data set.
        fractured: Ground truth; DataSet.label_meaning defines the positive label.
        split: train, val or test.
        group: Patient or source of the film; all films of a group lie in one split.
        region: Body regions, joined by "+"; "" if unknown.
        boxes: Bounding boxes of the annotated fractures.
        outlines: Outlines of the annotated fractures.
        annotated: Whether the boxes cover all fractures of the film.
        view: frontal, lateral or oblique, joined by "+" if one file shows several; "" if unknown.
        hardware: Whether metal such as plates or wires is visible; None if unknown.
        types: Fracture types of the film in the publisher's words; empty if unknown.
        source: Hospital or collection of the film, where a data set holds several; else "".
        in_other_set: Whether the other published set (FracAtlas or the Kaggle set) contains the
            film too; evaluation across the two sets excludes it.
    """

    path: Path
    name: str
    fractured: bool
    split: str
    group: str
    region: str = ""
    boxes: tuple[Box, ...] = ()
    outlines: tuple[Outline, ...] = ()
    annotated: bool = False
    view: str = ""
    hardware: bool | None = None
    types: tuple[str, ...] = ()
    source: str = ""
    in_other_set: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """A hospital or collection that some films of a data set come from.

    Attributes:
        title: Name for people.
        licence: Licence of its films, as their publisher states it.
        address: Publication or address.
        split_sha256: As for DataSet, of the set that its films belong to.
    """

    title: str
    licence: str
    address: str
    split_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """The films of a data set and their origin.

    Attributes:
        name: Name of the data set.
        licence: Licence of the films.
        source: Publication or address.
        split_sha256: Checksum of the assignment of films to splits: of the split file, or of names
            and splits if an adapter computes them; None if folders define the splits.
        films: All indexed films.
        label_meaning: Finding that the positive label stands for.
        left_out: Number of films of the whole set excluded by the publisher's own marks, or without
            a known label.
        unsuitable_for: See bonefx.records.model.TrainingData.
        sources: By Film.source; empty if the data set is one source.
    """

    name: str
    licence: str
    source: str
    split_sha256: str | None
    films: tuple[Film, ...]
    label_meaning: str = "fracture"
    left_out: int = 0
    unsuitable_for: str = ""
    sources: Mapping[str, DataSource] = field(default_factory=dict)

    def split(self, name: str) -> list[Film]:
        """Return the films of one split, in the order of the index.

        Raises:
            RecipeError: The split is empty or has films of only one class.
        """
        films = [film for film in self.films if film.split == name]
        if len({film.fractured for film in films}) < 2:
            raise RecipeError(
                f"split {name!r} of {self.name} has {len(films)} films of fewer than two classes; "
                "check the folder and its split file"
            )
        return films

    def of_sources(self, names: Collection[str]) -> DataSet:
        """Return the data set with the films of the named sources alone.

        Raises:
            RecipeError: A source is not in the data set.
        """
        unknown = sorted(set(names) - set(self.sources))
        if unknown:
            known = ", ".join(self.sources) or "no source"
            raise RecipeError(
                f"{self.name} has no source {unknown[0]!r}; it has {known}; name one of these"
            )
        kept = {name: source for name, source in self.sources.items() if name in names}
        return replace(
            self,
            name=self.name if len(kept) == len(self.sources) else join_titles(kept.values()),
            films=tuple(film for film in self.films if film.source in names),
            sources=kept,
            licence=join_licences(kept.values()),
            source=join_addresses(kept.values()),
        )


def join_titles(sources: Iterable[DataSource]) -> str:
    """Return the titles of sources as one short name."""
    first, *others = (one.title for one in sources)
    if len(others) > 1:
        return f"{first} and {len(others)} other collections"
    return f"{first} and {others[0]}" if others else first


def join_licences(sources: Iterable[DataSource]) -> str:
    """Return the licences of sources as one text."""
    return "; ".join(f"{one.title}: {one.licence}" for one in sources)


def join_addresses(sources: Iterable[DataSource]) -> str:
    """Return the publications and addresses of sources as one text."""
    return "; ".join(one.address for one in sources if one.address)


def check_files_exist(films: Sequence[Film], *, remedy: str) -> None:
    """Check that the files of all films exist, without opening them.

    Raises:
        RecipeError: A file is missing; the message ends with the remedy.
    """
    missing = [film.name for film in films if not film.path.is_file()]
    if missing:
        raise RecipeError(
            f"{len(missing)} films of the split are missing, first {missing[0]}; {remedy}"
        )


def film_subgroups(film: Film) -> set[tuple[str, str]]:
    """Return the subgroups of a film as pairs of property and value.

    Properties are source, region, view and hardware.
    """
    subgroups = {("source", film.source)} if film.source else set()
    subgroups |= {("region", value) for value in film.region.split("+") if value}
    subgroups |= {("view", value) for value in film.view.split("+") if value}
    if film.hardware is not None:
        subgroups.add(("hardware", "with hardware" if film.hardware else "without hardware"))
    return subgroups
