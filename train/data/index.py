"""The nouns of a data set: its films and the index that holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bonefx.errors import RecipeError

SPLITS_FOLDER = Path(__file__).parents[1] / "splits"


Box = tuple[float, float, float, float]


Outline = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """One film of a data set.

    Attributes:
        path: Its file.
        name: Its name within the data set.
        fractured: The ground truth; DataSet.label_meaning says of what.
        split: train, val or test.
        group: Films of one patient or source share it; a group lies in one split.
        region: Body region; "" where the data set does not say.
        boxes: Annotated fractures as left, top, right, bottom, in pixels of the film.
        outlines: The same fractures drawn closely, each as x, y, x, y, ... in pixels of the film.
        annotated: The boxes are known to be all fractures of the film.
        view: frontal, lateral or oblique, joined by "+" where one file shows several; "" where
            the data set does not say.
        hardware: Metal such as plates or wires is on the film; None where the data set does not
            say.
        twin: The film also lies in the other published set (FracAtlas or the Kaggle set); leave it
            out of a figure between the two.
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
    in_other_set: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """An index of films and where they come from.

    Attributes:
        split_sha256: Checksum of what says which film is in which split: a file, or the names and
            splits themselves where an adapter cuts them; None where the folders say it.
        label_meaning: What a film with the positive label shows.
        left_out: Films that the set holds and the index does not, by their publisher's own mark.
    """

    name: str
    licence: str
    source: str
    split_sha256: str | None
    films: tuple[Film, ...]
    label_meaning: str = "fracture"
    left_out: int = 0

    def split(self, name: str) -> list[Film]:
        """Films of one split, in the order of the index.

        Raises:
            RecipeError: The split is empty or has films of one class only.
        """
        films = [film for film in self.films if film.split == name]
        if len({film.fractured for film in films}) < 2:
            raise RecipeError(
                f"split {name!r} of {self.name} has {len(films)} films of fewer than two classes; "
                "check the folder and its split file"
            )
        return films


def check_files_exist(films: Sequence[Film], *, remedy: str) -> None:
    """Refuse an index whose files are not all there; no film is opened.

    Raises:
        RecipeError: A file is missing; the message ends with the remedy.
    """
    missing = [film.name for film in films if not film.path.is_file()]
    if missing:
        raise RecipeError(
            f"{len(missing)} films of the split are missing, first {missing[0]}; {remedy}"
        )


def film_subgroups(film: Film) -> set[tuple[str, str]]:
    """Name the subgroups that a film belongs to, as pairs of trait and value."""
    found = {("region", value) for value in film.region.split("+") if value}
    found |= {("view", value) for value in film.view.split("+") if value}
    if film.hardware is not None:
        found.add(("hardware", "with hardware" if film.hardware else "without hardware"))
    return found
