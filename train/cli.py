"""The command line of the training module. Heavy imports wait until a command is chosen."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from bonefx.errors import BonefxError
from train.audit.command import add_audit


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    fit = commands.add_parser("fit", help="train one recipe; resumes a run that was stopped")
    fit.add_argument("recipe", type=Path, metavar="RECIPE", help="a TOML file of train/recipes")
    _add_data(fit)
    fit.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    fit.add_argument("--init", type=Path, metavar="FILE", help="local initial weights")
    fit.add_argument("--init-licence", metavar="TEXT", help="for the card, if FILE lacks it")
    fit.add_argument("--init-note", metavar="TEXT", help="for the card, if FILE lacks it")
    fit.add_argument("--workers", type=int, default=1, help="augmenting processes (default 1)")
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
    evaluate.set_defaults(run=_evaluate)
    export = commands.add_parser("export", help="write weights/<id>/ from an evaluated run")
    export.add_argument("run_folder", type=Path, metavar="RUN", help="folder of an evaluated run")
    export.add_argument("--weights", type=Path, default=Path("weights"), metavar="DIR")
    export.set_defaults(run=_export)
    readme = commands.add_parser("readme", help="put a model's figures into README.md")
    readme.add_argument("model_folder", type=Path, metavar="MODEL", help="a folder of weights/")
    readme.add_argument("--file", type=Path, default=Path("README.md"), metavar="README")
    readme.set_defaults(run=_readme)
    add_audit(commands)
    return parser


def _add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data set")
    command.add_argument(
        "--cache", type=Path, metavar="DIR", help="decoded films (default beside RUN)"
    )
    command.add_argument("--device", help="cpu, cuda or auto (default: BONEFX_DEVICE, else auto)")


def _cache_of(options: argparse.Namespace, run: Path) -> Path:
    return options.cache or run.parent / "cache"


def _fit(options: argparse.Namespace) -> None:
    from train.allocator import keep_freed_memory
    from train.engine import Fit, FitOptions
    from train.initial import LocalWeights
    from train.recipe import read_recipe

    keep_freed_memory()
    recipe, sha256 = read_recipe(options.recipe)
    local = options.init and LocalWeights(
        file=options.init, licence=options.init_licence, note=options.init_note
    )
    fit_options = FitOptions(
        data=options.data, out=options.out, cache=_cache_of(options, options.out),
        init=local, device=options.device, workers=options.workers,
    )  # fmt: skip
    Fit(recipe, sha256, fit_options).run()


def _evaluate(options: argparse.Namespace) -> None:
    import json

    from bonefx.registry import pick_device
    from bonefx.schema import table_of
    from train.allocator import keep_freed_memory
    from train.evaluate import evaluate

    keep_freed_memory()
    evaluation = evaluate(
        options.run_folder,
        data=options.data,
        cache=_cache_of(options, options.run_folder),
        with_test=options.test,
        device=str(pick_device(options.device)),
        size_px=options.size_px,
    )
    print(json.dumps(table_of(evaluation)))


def _export(options: argparse.Namespace) -> None:
    from train.export import export

    print(export(options.run_folder, options.weights))


def _readme(options: argparse.Namespace) -> None:
    from bonefx.registry import read_manifest
    from train.card import render_figures, with_figures
    from train.evaluate import EVALUATION
    from train.export import read_evaluation

    manifest = read_manifest(options.model_folder)
    figures = render_figures(manifest, read_evaluation(options.model_folder / EVALUATION))
    text = with_figures(options.file.read_text(encoding="utf-8"), figures)
    options.file.write_text(text, encoding="utf-8", newline="\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code of bonefx.errors, 0 for success."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    options = _parser().parse_args(argv)
    try:
        options.run(options)
    except BonefxError as error:
        print(f"train: {error}", file=sys.stderr)
        return error.exit_code
    return 0
