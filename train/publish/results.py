"""Render docs/results.md and the small table of README.md from measured JSON files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bonefx.errors import RecipeError
from bonefx.models.evaluation import read_evaluation
from bonefx.models.manifest import read_manifest
from bonefx.models.measured_comparison import (
    COMPARISONS,
    MeasuredComparison,
    read_measured_comparison,
)
from bonefx.models.registry import model_ids
from bonefx.records.evaluation import EVALUATION, Evaluation
from train.files import write_atomically
from train.publish.card import (
    render_comparisons,
    render_decoding,
    render_figures,
    render_findings,
    render_intruders,
    render_maps,
    render_performance,
    render_protocols,
    render_screen,
    render_serve,
    render_sets,
    render_soak,
    render_speed,
    render_types,
)

RESULTS_PAGE = "results.md"
FORMER = "former"
SPEED = "speed.json"
README_BLOCK = "performance"
MODEL_TABLES = {  # by the name of the table: the benchmark of each model, and its rendering
    "maps": ("heatmaps", render_maps), "types": ("fracture_types", render_types),
}  # fmt: skip
PROGRAM_TABLES = {
    "screen": render_screen, "serve": render_serve, "soak": render_soak,
    "decoding": render_decoding,
}  # fmt: skip


def write_results(model: Path, *, docs: Path, readme: Path) -> None:
    """Render the tables into docs/results.md and the small table into README.md.

    Args:
        model: Folder of the model whose figures are shown first, beside those of its neighbours.
        docs: Folder of results.md, with `audits` (one JSON file a data set) and `results`: the
            output of the benchmarks, such as heatmaps_<id>.json, and in `former` the evaluations of
            models whose weights are no longer included, <name>.json.
        readme: The README file.

    Raises:
        RecipeError: An evaluation or an audit does not fit, a file was measured with other
            weights, or a page lacks the markers of a table. No page is changed.
    """
    for page, text in render_pages(model, docs=docs, readme=readme).items():
        _write_page(page, text)


def _write_page(page: Path, text: str) -> None:
    write_atomically(page, lambda part: part.write_text(text, encoding="utf-8", newline="\n"))


def render_pages(model: Path, *, docs: Path, readme: Path) -> dict[Path, str]:
    """Return the text of both pages with their tables; see write_results."""
    blocks = {
        docs / RESULTS_PAGE: render_blocks(model, docs),
        readme: {README_BLOCK: render_performance(_groups_on_the_same_films(model, [])[0])},
    }
    return {page: fill_blocks(page, tables) for page, tables in blocks.items()}


def render_blocks(model: Path, docs: Path) -> dict[str, str]:
    """Render the tables of docs/results.md by the name of their markers; see write_results."""
    from train.audit.records import read_audit
    from train.audit.table import render_audits

    evaluation = read_evaluation(model / EVALUATION)
    former = _former_evaluations(docs / "results" / FORMER)
    evaluations = _all_evaluations(model.parent) + former
    blocks = {
        "figures": "\n\n".join(map(render_figures, _groups_on_the_same_films(model, former))),
        "protocols": render_protocols(evaluations),
    }
    if any(split.findings for own in evaluations for split in own.splits.values()):
        blocks["findings"] = render_findings(evaluations)
    with_sets = [own for own in evaluations if own.sets]
    if with_sets:
        blocks["sets"] = render_sets(with_sets)
    if evaluation.scope is not None:
        blocks["intruders"] = render_intruders(read_manifest(model), evaluation)
    comparisons = _comparisons(model.parent)
    if comparisons:
        blocks["comparisons"] = render_comparisons(comparisons)
    audits = sorted((docs / "audits").glob("*.json"))
    if audits:
        blocks["audits"] = render_audits([read_audit(path) for path in audits])
    for name, (kind, render) in MODEL_TABLES.items():
        benchmarks = _model_benchmarks(docs / "results", model, kind=kind)
        if benchmarks:
            blocks[name] = render(benchmarks)
    return blocks | _program_benchmarks(docs / "results", model.parent)


def _program_benchmarks(folder: Path, weights: Path) -> dict[str, str]:
    """Render the benchmarks of the program that exist."""
    blocks = {}
    if (folder / SPEED).is_file():
        blocks["speed"] = render_speed(_read_speed(folder / SPEED, weights))
    for name, render in PROGRAM_TABLES.items():
        path = folder / f"{name}.json"
        if path.is_file():
            blocks[name] = render(json.loads(path.read_text(encoding="utf-8")))
    return blocks


def _all_evaluations(weights: Path) -> list[Evaluation]:
    return [read_evaluation(weights / name / EVALUATION) for name in model_ids(weights)]


def _former_evaluations(folder: Path) -> list[Evaluation]:
    """Read the evaluations of models that are no longer included, named after their files."""
    return [
        replace(read_evaluation(path), model=path.stem) for path in sorted(folder.glob("*.json"))
    ]


def _comparisons(weights: Path) -> list[MeasuredComparison]:
    """Read the comparisons of all models.

    Raises:
        WeightsError: A file is damaged.
        RecipeError: A comparison was made with other weights.
    """
    checksums = {name: read_manifest(weights / name).sha256 for name in model_ids(weights)}
    comparisons = []
    for path in sorted((weights / COMPARISONS).glob("*.json")):
        comparison = read_measured_comparison(
            path, remedy="remove it, and compare the two models again"
        )
        stale = comparison.stale(checksums)
        if stale:
            raise RecipeError(stale)
        comparisons.append(comparison)
    return comparisons


def _groups_on_the_same_films(model: Path, former: Sequence[Evaluation]) -> list[list[Evaluation]]:
    """Group a model's evaluation, its neighbours' and former ones by their test films.

    Films are the same if data set, checksum of the split and number of test films agree. A split
    that the data set's folders define has no checksum: the model's own is alone, and others of
    this kind, which may be published splits with copies of training films, are left out.

    Args:
        model: Folder of the model whose group comes first.
        former: Evaluations of models that are no longer included.
    """
    first = read_evaluation(model / EVALUATION)
    others = [one for one in _all_evaluations(model.parent) if one.model != first.model]
    groups: dict[tuple[str, str, int], list[Evaluation]] = {_test_films(first): [first]}
    for one in (*others, *former):
        if one.data.split_sha256 is not None:
            groups.setdefault(_test_films(one), []).append(one)
    return list(groups.values())


def _test_films(evaluation: Evaluation) -> tuple[str, str, int]:
    return evaluation.data.name, evaluation.data.split_sha256 or "", evaluation.test.n


def _model_benchmarks(folder: Path, model: Path, *, kind: str) -> list[dict[str, Any]]:
    """Read the benchmarks of one kind that exist, that of the given model first."""
    models = dict.fromkeys([model, *(model.parent / name for name in model_ids(model.parent))])
    paths = {own: folder / f"{kind}_{own.name}.json" for own in models}
    return [_read_benchmark(path, own, kind=kind) for own, path in paths.items() if path.is_file()]


def _read_benchmark(path: Path, model: Path, *, kind: str) -> dict[str, Any]:
    benchmark: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    again = f"python -m benchmarks.{kind} --data DIR --model {model.name} > {path}"
    _check_weights(benchmark, model, path=path, again=again)
    return benchmark


def _read_speed(path: Path, weights: Path) -> dict[str, Any]:
    benchmark: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for name, own in benchmark["models"].items():
        _check_weights(own, weights / name, path=path, again=f"python -m benchmarks.speed > {path}")
    return benchmark


def _check_weights(measured: dict[str, Any], model: Path, *, path: Path, again: str) -> None:
    if measured["weights_sha256"] != read_manifest(model).sha256:
        raise RecipeError(
            f"{path.name} was measured with other weights than {model.name} has; run `{again}`"
        )


def fill_blocks(page: Path, blocks: dict[str, str]) -> str:
    """Return a page's text with rendered tables between their markers.

    Args:
        page: A Markdown file. For each table it has a line `<!-- NAME -->` and after it a line
            `<!-- end of NAME -->`.
        blocks: Markdown by the name of the markers.

    Raises:
        RecipeError: The page or its markers are missing.
    """
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"{page} is missing; restore it, or give --docs and --file") from error
    for name, content in blocks.items():
        text = _with_block(text, name, content, page=page.name)
    return text


def _with_block(text: str, name: str, content: str, *, page: str) -> str:
    first, last = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, start, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not (start and end):
        raise RecipeError(f"{page} needs a line {first} and after it a line {last}")
    return f"{before}{first}\n{content.strip()}\n{last}{after}"
