"""evaluation.json of a model folder -> what the model is worth on films, for the screens.

The training module writes the file and knows all of it; here only the few figures are read that a
screen shows, and only of the weights that are loaded.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from bonefx.errors import WeightsError
from bonefx.models.registry import LoadedModel
from bonefx.records import Estimate
from bonefx.schema import parse_record

EVALUATION = "evaluation.json"
EVALUATION_REMEDY = "fetch the model again, or evaluate and export it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmFigures:
    """What a model does on some films.

    Attributes:
        in_training: Films whose file is, byte for byte, one that the model was trained on.
    """

    n: int
    fractured: int
    in_training: int
    auroc: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnData:
    """The data set whose test films were taken; other entries are the training module's."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The part of evaluation.json that the screens show; entries that are not named are left alone.

    Attributes:
        data: Its test films are those of the split "test".
        outside: Name of another data set; None where none was measured.
        splits: Figures by split: val, test, and outside where another set was measured.
        taught_by: Id of the model that it learned from; None where it learned from none.
    """

    weights_sha256: str
    data: OwnData
    outside: str | None
    splits: dict[str, FilmFigures]
    taught_by: str | None = None

    def __post_init__(self) -> None:
        if "test" not in self.splits:
            raise WeightsError(f"{EVALUATION} has no test figures; {EVALUATION_REMEDY}")

    @property
    def test(self) -> FilmFigures:
        """Of the published test films of the model's own data set."""
        return self.splits["test"]

    @property
    def memorised(self) -> bool:
        """The model was trained on films of its own test split."""
        return self.test.in_training > 0

    @property
    def elsewhere(self) -> tuple[str, FilmFigures] | None:
        """Another data set with the figures on it; None where none was measured."""
        if self.outside is None or "outside" not in self.splits:
            return None
        return self.outside, self.splits["outside"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelNotes:
    """What is to be told beside every answer of a model.

    Attributes:
        caution: Why films should not be read with it; empty where its evaluation gives no cause.
        tested_on: Name of the data set that its operating points were measured on, which are films
            that it was not trained on where there are any; empty where that is not known.
        taught_by: Id of the model that it learned from; None where none is known.
    """

    caution: str = ""
    tested_on: str = ""
    taught_by: str | None = None


def read_evaluation(model: LoadedModel) -> Evaluation | None:
    """Read what a loaded model was measured to do; None where its folder does not say.

    Raises:
        WeightsError: The file is damaged, or speaks of other weights than are loaded.
    """
    path = model.folder / EVALUATION
    source = f"{EVALUATION} of {model.name}"
    if not path.is_file():
        return None
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{source} is not JSON; {EVALUATION_REMEDY}") from error
    found = parse_record(
        Evaluation, table, source=source, error=WeightsError, remedy=EVALUATION_REMEDY
    )
    if found.weights_sha256 != model.manifest.sha256:
        raise WeightsError(f"{source} was measured with other weights; {EVALUATION_REMEDY}")
    return found


def model_notes(model: LoadedModel) -> ModelNotes:
    """Say what stands beside a model's answers, as its evaluation has it."""
    try:
        found = read_evaluation(model)
    except WeightsError as error:
        return ModelNotes(caution=f"What {model.name} is worth is not known: {error}.")
    if found is None:
        return ModelNotes()
    if not found.memorised:
        return ModelNotes(tested_on=found.data.name, taught_by=found.taught_by)
    other = found.elsewhere
    told = (
        f"Not for reading films: {model.name} was trained on {found.test.in_training} of its own "
        f"{found.test.n} test films. It is here to be compared with others."
    )
    return ModelNotes(
        caution=told,
        tested_on=found.data.name if other is None else other[0],
        taught_by=found.taught_by,
    )
