"""`python -m train fit`: train one recipe."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from train.cli.data_options import add_data_options, cache_folder


def add_fit_command(commands: Any) -> None:
    """Add the command to the sub-commands of a parser."""
    fit = commands.add_parser("fit", help="train one recipe; a stopped run is resumed")
    fit.add_argument("recipe", type=Path, metavar="RECIPE", help="a TOML file of train/recipes")
    add_data_options(fit)
    fit.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    fit.add_argument(
        "--init", type=Path, metavar="PATH",
        help="initial weights: a local safetensors file, or a model folder to train further",
    )  # fmt: skip
    fit.add_argument(
        "--init-licence", metavar="TEXT", help="licence of PATH for the card, if PATH has none"
    )
    fit.add_argument(
        "--init-note", metavar="TEXT", help="origin of PATH for the card, if PATH has none"
    )
    fit.add_argument(
        "--workers", type=int, default=1, help="processes that augment films (default: 1)"
    )
    fit.add_argument("--last-epoch", type=int, metavar="N", help="stop after epoch N")
    fit.add_argument(
        "--deterministic", action="store_true", help="use GPU kernels with reproducible results"
    )
    fit.add_argument(
        "--bf16", action="store_true", help="compute in bfloat16 on a CPU too (a GPU always does)"
    )
    fit.set_defaults(run=_run_fit)


def _run_fit(options: argparse.Namespace) -> None:
    from train.fit.device import keep_freed_memory
    from train.fit.engine import FitOptions, fit_recipe
    from train.fit.initial_weights import LocalWeights
    from train.recipe import read_recipe

    keep_freed_memory()
    recipe, sha256 = read_recipe(options.recipe)
    local = options.init and LocalWeights(
        file=options.init, licence=options.init_licence, note=options.init_note
    )
    fit_options = FitOptions(
        data=options.data, out=options.out, cache=cache_folder(options, options.out),
        init=local, splits=options.splits, device=options.device, workers=options.workers,
        last_epoch=options.last_epoch, deterministic=options.deterministic,
        bf16=options.bf16,
    )  # fmt: skip
    fit_recipe(recipe, sha256, fit_options)
