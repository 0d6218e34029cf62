"""Measure a model on other data sets, hospital by hospital: the step of `outside`.

Nothing is chosen here: calibration, operating points and scope are those of the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bonefx.errors import RecipeError
from bonefx.models.decision import decide
from bonefx.models.evaluation import read_evaluation, read_model_evaluation
from bonefx.models.registry import TORCH_ENGINE, LoadedModel, load_model, on_engine, pick_device
from bonefx.records import Estimate, Verdict
from bonefx.records.evaluation import EVALUATION
from bonefx.records.set_figures import SetFigures
from train import metrics
from train.data import DataSet, Film, load_data
from train.data.cache import CachedFilms, load_cached
from train.evaluate.maps.localisation import CALLED, measure_localisation
from train.evaluate.operating_points import BALANCED, calibrated_probabilities
from train.evaluate.scope.measure import share_of_films
from train.evaluate.scope.pipeline import measure_read, write_evaluation
from train.evaluate.split_figures import MIN_FILMS_PER_CLASS, ReadSplit, point_on, read_films

ALL_SPLITS = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideOptions:
    """Which films are measured.

    Attributes:
        data: Folder of the data set.
        layout: A key of ADAPTERS.
        splits: CSV file with groups and splits; None for the layout's own.
        split: Split to measure; ALL_SPLITS for all films.
        sources: Names of the sources that are measured; empty for each.
        name: Replaces the name of a data set without sources; None keeps it.
        cache: Folder of decoded films.
        device: A torch device; None for the best one.
        engine: What runs the network on a CPU; see registry.ENGINES.
    """

    data: Path
    layout: str
    splits: Path | None
    split: str
    sources: tuple[str, ...] = ()
    name: str | None
    cache: Path
    device: str | None = None
    engine: str = TORCH_ENGINE


def measure_outside(folder: Path, options: OutsideOptions) -> tuple[SetFigures, ...]:
    """Measure a model folder on each source of a data set, and add the figures to its evaluation.

    Figures of the same set and split are replaced.

    Raises:
        RecipeError: The model has no evaluation, or the data set does not fit or has no such films.
        WeightsError: The model folder is damaged, or its evaluation is of other weights.
    """
    model = on_engine(load_model(folder, device=pick_device(options.device)), options.engine)
    if read_model_evaluation(model) is None:
        raise RecipeError(f"{model.name} has no {EVALUATION}; evaluate it with --test first")
    evaluation = read_evaluation(folder / EVALUATION)  # with no unknown key, which would be lost
    data_set = load_data(options.layout, options.data, options.splits, sources=options.sources)
    sources = [
        _read_source(model, films, name=name, trained_on=_was_trained_on(model, name))
        for name, films in _films_by_source(model, data_set, options)
    ]
    measured = tuple(
        _measure(
            source, model, split=options.split,
            others=[other for other in sources if other is not source],
        )
        for source in sources
    )  # fmt: skip
    replaced = {(one.name, one.split) for one in measured}
    kept = tuple(one for one in evaluation.sets if (one.name, one.split) not in replaced)
    write_evaluation(replace(evaluation, sets=kept + measured), folder)
    return measured


def _films_by_source(
    model: LoadedModel, data_set: DataSet, options: OutsideOptions
) -> Iterator[tuple[str, CachedFilms]]:
    """Yield the name and the distinct films of each source; films in both known sets are omitted.

    A set without sources is one source.
    """
    spec = model.manifest.preprocess
    wanted = [
        film
        for film in data_set.films
        if options.split == film.split
        or (options.split == ALL_SPLITS and not _taught(model, data_set, film))
    ]
    sources = sorted({film.source for film in wanted})
    if not sources:
        raise RecipeError(f"{data_set.name} has no films of the split {options.split!r}")
    for source in sources:
        own = [film for film in wanted if film.source == source]
        if not source:  # the set may share films with the model's own
            own = [film for film in own if not film.in_other_set]
        films = load_cached(
            own, size_px=spec.size_px, folder=options.cache, grey_levels=spec.grey_levels
        )
        yield _title(data_set, source) or options.name or data_set.name, films.distinct()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class _SourceRead:
    """The films of one source, as a model reads them.

    Attributes:
        name: Of the source.
        read: Its films and the network's outputs.
        refused: Whether the scope refuses each film, (N,).
        trained_on: See SetFigures.
    """

    name: str
    read: ReadSplit
    refused: NDArray[np.bool_]
    trained_on: bool

    @property
    def normal_logits(self) -> NDArray[np.float64]:
        """Logits of the films without fracture, (M,)."""
        return self.read.logits[~self.read.films.fractured]

    @property
    def normal_groups(self) -> NDArray[np.str_]:
        """Patients of the films without fracture, (M,), with the name of the source."""
        groups = self.read.films.groups[~self.read.films.fractured]
        return np.array([f"{self.name}/{group}" for group in groups], np.str_)


def _read_source(
    model: LoadedModel, films: CachedFilms, *, name: str, trained_on: bool
) -> _SourceRead:
    scope, spec = model.scope, model.manifest.preprocess
    if scope is None:
        raise RecipeError(f"{model.name} has no scope; evaluate it with --test first")
    read = read_films(model.network, films, spec)
    refused = measure_read(read, salvage=False).refused_by(scope)
    return _SourceRead(name=name, read=read, refused=refused, trained_on=trained_on)


def _measure(
    source: _SourceRead,
    model: LoadedModel,
    *,
    split: str,
    others: Sequence[_SourceRead],
) -> SetFigures:
    films, logits = source.read.films, source.read.logits
    fractured, groups = films.fractured, films.groups
    probability = calibrated_probabilities(logits, model.manifest.calibration)
    points, balanced = model.manifest.operating_points, model.point(BALANCED)
    verdicts = np.array([decide(float(one), balanced) for one in probability])
    in_scope = partial(_share_in_scope, refused=source.refused, groups=groups)
    called = probability >= balanced.threshold
    maps = measure_localisation(films, source.read.outputs.cells, called, model.network.grid())
    return SetFigures(
        name=source.name,
        split=split,
        trained_on=source.trained_on,
        n=len(fractured),
        fractured=int(fractured.sum()),
        groups=len(np.unique(groups)),
        refused=share_of_films(source.refused, groups),
        auroc=_estimate(metrics.auroc, fractured, logits, groups),
        points=tuple(point_on(probability, fractured, point, groups=groups) for point in points),
        called_fracture=in_scope(verdicts == Verdict.FRACTURE),
        sent_to_review=in_scope(verdicts == Verdict.REVIEW),
        pointing=maps[CALLED].map.pointing if CALLED in maps else None,
        normals_against_others=_normals_against(source, others),
        calibration_error=_estimate(metrics.calibration_error, fractured, probability, groups),
    )


def _estimate(
    metric: metrics.Metric,
    positive: NDArray[np.bool_],
    values: NDArray[np.float64],
    groups: NDArray[np.str_],
) -> Estimate | None:
    """Estimate a metric; None with fewer than MIN_FILMS_PER_CLASS films of either class."""
    if min(positive.sum(), (~positive).sum()) < MIN_FILMS_PER_CLASS:
        return None
    return metrics.estimate_with_interval(metric, positive, values, groups)


def _normals_against(source: _SourceRead, others: Sequence[_SourceRead]) -> Estimate | None:
    logits = [source.normal_logits, *(other.normal_logits for other in others)]
    groups = [source.normal_groups, *(other.normal_groups for other in others)]
    own = np.arange(sum(map(len, logits))) < len(logits[0])
    return _estimate(metrics.auroc, own, np.concatenate(logits), np.concatenate(groups))


def _share_in_scope(
    hits: NDArray[np.bool_], *, refused: NDArray[np.bool_], groups: NDArray[np.str_]
) -> Estimate | None:
    return metrics.estimate_proportion(hits[~refused], groups[~refused])


def _taught(model: LoadedModel, data_set: DataSet, film: Film) -> bool:
    """Return whether a film is in the training split of a source that was trained on."""
    name = _title(data_set, film.source) or data_set.name
    return film.split == "train" and _was_trained_on(model, name)


def _was_trained_on(model: LoadedModel, name: str) -> bool:
    """Return whether films of a source were trained on, by its title or the names of the sets."""
    data = model.manifest.training_data
    return name in {data.name, *(source.title for source in data.sources.values())}


def _title(data_set: DataSet, source: str) -> str:
    """Return the title of a source; the name in the films' table for one without."""
    return data_set.sources[source].title if source in data_set.sources else source
