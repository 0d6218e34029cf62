"""The command line of the training module. Heavy imports wait until a command is chosen."""

from __future__ import annotations

import argparse
import importlib.util
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bonefx.errors import BonefxError, SettingsError
from train.audit.cli import add_audit

if TYPE_CHECKING:
    from bonefx.models.measured_comparison import MapOverlap

# What train imports and the app does not: the extra `train` of pyproject.toml.
TRAINING_PACKAGES = (
    "accelerate", "filelock", "imagehash", "scipy", "sklearn", "torchmetrics", "yaml",
)  # fmt: skip


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of `python -m train` with all its commands."""
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    fit = commands.add_parser("fit", help="train one recipe; resumes a run that was stopped")
    fit.add_argument("recipe", type=Path, metavar="RECIPE", help="a TOML file of train/recipes")
    _add_data(fit)
    fit.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    fit.add_argument(
        "--init", type=Path, metavar="PATH",
        help="local initial weights: a safetensors file, or a model folder to go on from",
    )  # fmt: skip
    fit.add_argument("--init-licence", metavar="TEXT", help="for the card, if PATH lacks it")
    fit.add_argument("--init-note", metavar="TEXT", help="for the card, if PATH lacks it")
    fit.add_argument("--workers", type=int, default=1, help="augmenting processes (default 1)")
    fit.add_argument("--last-epoch", type=int, metavar="N", help="stop after epoch N")
    fit.add_argument(
        "--deterministic", action="store_true", help="GPU kernels that give the same bits each time"
    )
    fit.add_argument(
        "--bf16", action="store_true", help="compute in bfloat16 on a CPU too (a GPU always does)"
    )
    fit.set_defaults(run=_fit)
    evaluate = commands.add_parser("evaluate", help="choose on val, measure on val and test")
    evaluate.add_argument("run_folder", type=Path, metavar="RUN", help="folder of a fitted run")
    _add_data(evaluate)
    evaluate.add_argument(
        "--test",
        action="store_true",
        help="measure on test too: once, when nothing changes any more",
    )
    evaluate.add_argument("--size-px", type=int, help="input side (default: the last stage's)")
    _add_full(evaluate)
    _add_protocols(evaluate)
    evaluate.set_defaults(run=_evaluate)
    _add_scope(commands)
    _add_compare(commands)
    export = commands.add_parser("export", help="write weights/<id>/ from an evaluated run")
    export.add_argument("run_folder", type=Path, metavar="RUN", help="folder of an evaluated run")
    export.add_argument("--weights", type=Path, default=Path("weights"), metavar="DIR")
    _add_full(export)
    export.set_defaults(run=_export)
    publish = commands.add_parser("publish", help="send a model to the Hugging Face Hub")
    publish.add_argument("model_folder", type=Path, metavar="MODEL", help="a folder of weights/")
    publish.add_argument("repo", metavar="REPO", help="OWNER/NAME of the model repository")
    publish.add_argument("--dry-run", action="store_true", help="list what would go up")
    publish.add_argument("--private", action="store_true", help="make a private repository")
    publish.add_argument("--revision", default="main", metavar="BRANCH", help="default main")
    publish.set_defaults(run=_publish)
    readme = commands.add_parser("readme", help="put measured figures into README.md")
    readme.add_argument("model_folder", type=Path, metavar="MODEL", help="a folder of weights/")
    readme.add_argument("--docs", type=Path, default=Path("docs"), metavar="DIR")
    readme.add_argument("--file", type=Path, default=Path("README.md"), metavar="README")
    readme.set_defaults(run=_readme)
    add_audit(commands)
    return parser


def _add_compare(commands: Any) -> None:
    compare = commands.add_parser("compare", help="set two evaluated models side by side")
    compare.add_argument("folders", nargs=2, type=Path, metavar="FOLDER", help="run or model")
    compare.add_argument(
        "--write", action="store_true", help="keep the result for the app, in DIR/comparisons"
    )
    compare.add_argument("--weights", type=Path, default=Path("weights"), metavar="DIR")
    compare.add_argument(
        "--data", type=Path, metavar="DIR",
        help="also measure how far the two models' maps overlap, on val of this data set",
    )  # fmt: skip
    compare.add_argument(
        "--layout", default="fracatlas", metavar="NAME", help="of --data, as `data` of a recipe"
    )
    compare.add_argument("--splits", type=Path, metavar="CSV", help="of --data, as in fit")
    compare.add_argument("--cache", type=Path, default=Path("runs/cache"), metavar="DIR")
    compare.add_argument("--device", help="cpu, cuda or auto (default: BONEFX_DEVICE, else auto)")
    compare.set_defaults(run=_compare)


def _add_scope(commands: Any) -> None:
    scope = commands.add_parser(
        "scope", help="fit and measure the scope of what was evaluated before, and nothing else"
    )
    scope.add_argument("run_folder", type=Path, metavar="RUN", help="run or model, evaluated")
    _add_data(scope)
    _add_full(scope)
    _add_outside(scope)
    scope.set_defaults(run=_scope)


def _add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data set")
    command.add_argument(
        "--splits", type=Path, metavar="CSV", help="path,label,group,split instead of the layout"
    )
    command.add_argument(
        "--cache", type=Path, metavar="DIR", help="decoded films (default beside RUN)"
    )
    command.add_argument("--device", help="cpu, cuda or auto (default: BONEFX_DEVICE, else auto)")


def _add_full(command: argparse.ArgumentParser) -> None:
    words = "the whole head, where the recipe compresses it"
    command.add_argument("--full", action="store_true", help=words)


def _add_protocols(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--grouped", type=Path, metavar="RUN",
        help="evaluated run of the same recipe on a grouped split of the same set",
    )  # fmt: skip
    _add_outside(command)
    command.add_argument("--outside-name", metavar="TEXT", help="for the card")
    command.add_argument("--set-name", metavar="TEXT", help="name of --data, for the card")
    command.add_argument("--set-licence", default="as given by its owner", metavar="TEXT")
    command.add_argument("--set-source", default="", metavar="TEXT", help="publication or address")


def _add_outside(command: argparse.ArgumentParser) -> None:
    command.add_argument("--outside", type=Path, metavar="DIR", help="another data set")
    command.add_argument(
        "--outside-layout", default="fracatlas", metavar="NAME", help="as `data` of a recipe"
    )
    command.add_argument("--outside-splits", type=Path, metavar="CSV", help="groups of its films")


def _cache_of(options: argparse.Namespace, run: Path) -> Path:
    return options.cache or run.parent / "cache"


def _fit(options: argparse.Namespace) -> None:
    from train.fit.allocator import keep_freed_memory
    from train.fit.engine import FitOptions, TrainingRun
    from train.fit.initial_weights import LocalWeights
    from train.recipe import read_recipe

    keep_freed_memory()
    recipe, sha256 = read_recipe(options.recipe)
    local = options.init and LocalWeights(
        file=options.init, licence=options.init_licence, note=options.init_note
    )
    fit_options = FitOptions(
        data=options.data, out=options.out, cache=_cache_of(options, options.out),
        init=local, splits=options.splits, device=options.device, workers=options.workers,
        last_epoch=options.last_epoch, deterministic=options.deterministic,
        bf16=options.bf16,
    )  # fmt: skip
    fit = TrainingRun(recipe, sha256, fit_options)
    if fit.accelerator.is_main_process:
        fit.describe()
    fit.run()


def _evaluate(options: argparse.Namespace) -> None:
    import json

    from bonefx.models.registry import pick_device
    from bonefx.schema import dump_record
    from train.evaluate.options import DataSetDescription, EvaluateOptions
    from train.evaluate.pipeline import evaluate
    from train.fit.allocator import keep_freed_memory
    from train.publish.card import render_protocols

    keep_freed_memory()
    about = options.set_name and DataSetDescription(
        name=options.set_name, licence=options.set_licence, source=options.set_source
    )
    evaluation = evaluate(
        options.run_folder,
        EvaluateOptions(
            data=options.data, cache=_cache_of(options, options.run_folder),
            device=str(pick_device(options.device)), splits=options.splits,
            with_test=options.test, size_px=options.size_px, grouped=options.grouped,
            outside=options.outside, outside_layout=options.outside_layout,
            outside_splits=options.outside_splits, outside_name=options.outside_name, about=about,
            full=options.full,
        ),
    )  # fmt: skip
    if evaluation.protocols:
        print(render_protocols([evaluation]), file=sys.stderr)
    print(json.dumps(dump_record(evaluation)))


def _scope(options: argparse.Namespace) -> None:
    import json

    from bonefx.models.registry import pick_device
    from bonefx.schema import dump_record
    from train.evaluate.evaluated_model import is_model
    from train.evaluate.options import EvaluateOptions
    from train.evaluate.pipeline import evaluate_scope
    from train.publish.export import export

    evaluation = evaluate_scope(
        options.run_folder,
        EvaluateOptions(
            data=options.data, cache=_cache_of(options, options.run_folder),
            device=str(pick_device(options.device)), splits=options.splits,
            outside=options.outside, outside_layout=options.outside_layout,
            outside_splits=options.outside_splits, full=options.full,
        ),
    )  # fmt: skip
    assert evaluation.scope is not None  # it was just fitted
    if is_model(options.run_folder):  # whose manifest states the scope's checksum
        export(options.run_folder, options.run_folder.parent)
    print(json.dumps(dump_record(evaluation.scope)))


def _compare(options: argparse.Namespace) -> None:
    import json

    from bonefx.schema import dump_record
    from train.evaluate.comparison import compare_and_write, compare_models

    maps = _overlap(options) if options.data else None
    if options.write:
        comparison = compare_and_write(*options.folders, weights=options.weights, maps=maps)
    else:
        comparison = compare_models(*options.folders, maps=maps)
    print(json.dumps(dump_record(comparison)))


def _overlap(options: argparse.Namespace) -> MapOverlap | None:
    from bonefx.models.registry import pick_device
    from train.data import load_data
    from train.evaluate.map_overlap import map_overlap

    films = load_data(options.layout, options.data, options.splits).split("val")
    return map_overlap(
        options.folders, films, cache=options.cache, device=pick_device(options.device)
    )


def _export(options: argparse.Namespace) -> None:
    from train.publish.export import export

    print(export(options.run_folder, options.weights, full=options.full))


def _publish(options: argparse.Namespace) -> None:
    import json

    from bonefx.schema import dump_record
    from train.publish.hub_upload import publish

    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells every request otherwise
    publication = publish(
        options.model_folder, options.repo,
        revision=options.revision, private=options.private, dry_run=options.dry_run,
    )  # fmt: skip
    print(json.dumps(dump_record(publication)))


def _readme(options: argparse.Namespace) -> None:
    from train.publish.results import write_results

    write_results(options.model_folder, docs=options.docs, readme=options.file)


def check_training_packages() -> None:
    """Check that the packages of the extra `train` are installed.

    Raises:
        SettingsError: A package is missing.
    """
    missing = [name for name in TRAINING_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise SettingsError(
            f"training needs packages that are not installed ({', '.join(missing)}); "
            "run pip install --editable '.[train]' in the checkout"
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code of bonefx.errors, 0 for success."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    options = build_parser().parse_args(argv)
    try:
        check_training_packages()
        options.run(options)
    except BonefxError as error:
        print(f"train: {error}", file=sys.stderr)
        return error.exit_code
    return 0
