"""`python -m train evaluate`, `scope`, `maps`, `points` and `outside`: measure a model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from train.cli.data_options import (
    add_data_options,
    add_engine_option,
    add_full_option,
    add_intruders_option,
    add_outside_options,
    cache_folder,
)


def add_evaluate_command(commands: Any) -> None:
    """Add the command `evaluate` to the sub-commands of a parser."""
    evaluate = commands.add_parser(
        "evaluate", help="choose thresholds on validation films, measure on val and test"
    )
    evaluate.add_argument("run_folder", type=Path, metavar="RUN", help="folder of a fitted run")
    add_data_options(evaluate)
    evaluate.add_argument(
        "--test", action="store_true",
        help="measure on test films too: once, when no choice is left to be made",
    )  # fmt: skip
    evaluate.add_argument(
        "--size-px", type=int, metavar="N",
        help="side of the network input (default: that of the last training stage)",
    )  # fmt: skip
    evaluate.add_argument(
        "--orientations", type=int, choices=(1, 4),
        help="read each film as it is, or in its four quarter turns, and take their mean "
        "(default: as a model does; 1 for a run)",
    )  # fmt: skip
    add_engine_option(evaluate)
    add_full_option(evaluate)
    evaluate.add_argument(
        "--grouped", type=Path, metavar="RUN",
        help="evaluated run of the same recipe on a grouped split of the same data set",
    )  # fmt: skip
    add_outside_options(evaluate)
    add_intruders_option(evaluate)
    evaluate.add_argument("--outside-name", metavar="TEXT", help="name of --outside for the card")
    evaluate.add_argument("--set-name", metavar="TEXT", help="name of --data for the card")
    evaluate.add_argument(
        "--set-licence", default="as given by its owner", metavar="TEXT",
        help="licence of --data for the card (default: as given by its owner)",
    )  # fmt: skip
    evaluate.add_argument(
        "--set-source", default="", metavar="TEXT", help="publication or address of --data"
    )
    evaluate.set_defaults(run=_run_evaluate)


def _add_evaluated_model(command: argparse.ArgumentParser) -> None:
    """Add the folder of an evaluated run or model, and its data."""
    command.add_argument(
        "run_folder", type=Path, metavar="RUN", help="folder of an evaluated run or model"
    )
    add_data_options(command)
    add_engine_option(command)
    add_full_option(command)


def add_scope_command(commands: Any) -> None:
    """Add the command `scope` to the sub-commands of a parser."""
    scope = commands.add_parser(
        "scope", help="fit and measure the scope of an evaluated run or model again"
    )
    _add_evaluated_model(scope)
    add_outside_options(scope)
    add_intruders_option(scope)
    scope.set_defaults(run=_run_scope)


def add_maps_command(commands: Any) -> None:
    """Add the command `maps` to the sub-commands of a parser."""
    maps = commands.add_parser(
        "maps", help="choose the limits of an evaluated run's or model's heat maps again"
    )
    _add_evaluated_model(maps)
    maps.set_defaults(run=_run_maps)


def add_points_command(commands: Any) -> None:
    """Add the command `points` to the sub-commands of a parser."""
    points = commands.add_parser(
        "points",
        help="choose the operating points of an evaluated run or model again from its logits, "
        "without films",
    )
    points.add_argument(
        "run_folder", type=Path, metavar="RUN", help="folder of an evaluated run or model"
    )
    points.set_defaults(run=_run_points)


def add_outside_command(commands: Any) -> None:
    """Add the command `outside` to the sub-commands of a parser."""
    outside = commands.add_parser(
        "outside", help="measure a model on the films of other hospitals, source by source"
    )
    outside.add_argument("model", type=Path, metavar="MODEL", help="an evaluated model folder")
    add_data_options(outside)
    add_engine_option(outside)
    outside.add_argument(
        "--layout", default="csv", metavar="NAME",
        help="layout of --data, as `data` in a recipe (default: csv)",
    )  # fmt: skip
    outside.add_argument(
        "--split", default="test", metavar="NAME",
        help="val, test, or all for every film (default: test)",
    )  # fmt: skip
    outside.add_argument(
        "--sources", nargs="+", default=(), metavar="NAME",
        help="sources of a set of several (default: each)",
    )  # fmt: skip
    outside.add_argument("--name", metavar="TEXT", help="name of a set of one source for the card")
    outside.set_defaults(run=_run_outside)


def _run_outside(options: argparse.Namespace) -> None:
    import json

    from bonefx.models.registry import pick_engine
    from bonefx.schema import dump_record
    from train.evaluate.outside import OutsideOptions, measure_outside
    from train.fit.device import keep_freed_memory
    from train.publish.export import rewrite_card

    keep_freed_memory()
    figures = measure_outside(
        options.model,
        OutsideOptions(
            data=options.data, layout=options.layout, splits=options.splits, split=options.split,
            sources=tuple(options.sources), name=options.name,
            cache=cache_folder(options, options.model), device=options.device,
            engine=pick_engine(options.engine),
        ),
    )  # fmt: skip
    rewrite_card(options.model)  # it states the figures
    for one in figures:
        print(json.dumps(dump_record(one)))


def _run_evaluate(options: argparse.Namespace) -> None:
    import json

    from bonefx.models.registry import pick_device, pick_engine
    from bonefx.schema import dump_record
    from train.evaluate.options import DataSetDescription, EvaluateOptions
    from train.evaluate.pipeline import evaluate
    from train.fit.device import keep_freed_memory
    from train.publish.card import render_protocols

    keep_freed_memory()
    description = options.set_name and DataSetDescription(
        name=options.set_name, licence=options.set_licence, source=options.set_source
    )
    evaluation = evaluate(
        options.run_folder,
        EvaluateOptions(
            data=options.data, cache=cache_folder(options, options.run_folder),
            device=str(pick_device(options.device)), splits=options.splits,
            with_test=options.test, size_px=options.size_px,
            orientations=options.orientations, engine=pick_engine(options.engine),
            grouped=options.grouped, outside=options.outside,
            outside_layout=options.outside_layout, outside_splits=options.outside_splits,
            outside_name=options.outside_name,
            description=description, full=options.full, intruders=options.intruders,
        ),
    )  # fmt: skip
    if evaluation.protocols:
        print(render_protocols([evaluation]), file=sys.stderr)
    print(json.dumps(dump_record(evaluation)))


def _run_maps(options: argparse.Namespace) -> None:
    import json

    from bonefx.models.registry import pick_device, pick_engine
    from bonefx.schema import dump_record
    from train.evaluate.options import EvaluateOptions
    from train.evaluate.pipeline import evaluate_maps

    evaluation = evaluate_maps(
        options.run_folder,
        EvaluateOptions(
            data=options.data, cache=cache_folder(options, options.run_folder),
            device=str(pick_device(options.device)), engine=pick_engine(options.engine),
            splits=options.splits, full=options.full,
        ),
    )  # fmt: skip
    _export_model(options.run_folder)
    print(
        json.dumps({name: dump_record(own.map_grades) for name, own in evaluation.splits.items()})
    )


def _run_points(options: argparse.Namespace) -> None:
    import json

    from bonefx.schema import dump_record
    from train.evaluate.points import evaluate_points

    evaluation = evaluate_points(options.run_folder)
    _export_model(options.run_folder)
    measured = evaluation.splits[evaluation.unseen_split]
    print(json.dumps(dump_record(measured.points)))


def _export_model(folder: Path) -> None:
    """Write the manifest and card of a model folder again, which state its evaluation."""
    from train.evaluate.evaluated_model import is_model
    from train.publish.export import export

    if is_model(folder):
        export(folder, folder.parent)


def _run_scope(options: argparse.Namespace) -> None:
    import json

    from bonefx.models.registry import pick_device, pick_engine
    from bonefx.schema import dump_record
    from train.evaluate.options import EvaluateOptions
    from train.evaluate.pipeline import evaluate_scope

    evaluation = evaluate_scope(
        options.run_folder,
        EvaluateOptions(
            data=options.data, cache=cache_folder(options, options.run_folder),
            device=str(pick_device(options.device)), engine=pick_engine(options.engine),
            splits=options.splits, outside=options.outside, outside_layout=options.outside_layout,
            outside_splits=options.outside_splits, full=options.full,
            intruders=options.intruders,
        ),
    )  # fmt: skip
    assert evaluation.scope is not None  # it was just fitted
    _export_model(options.run_folder)
    print(json.dumps(dump_record(evaluation.scope)))
