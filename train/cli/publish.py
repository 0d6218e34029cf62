"""`python -m train export`, `card`, `publish`, `space`, `readme`: models, and pages about them."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from train.publish.hub_commit import Publication

from train.cli.data_options import add_full_option

MODEL_FOLDER_HELP = "a model folder of weights/"


def add_export_command(commands: Any) -> None:
    """Add the command `export` to the sub-commands of a parser."""
    export = commands.add_parser("export", help="write weights/<id>/ from an evaluated run")
    export.add_argument("run_folder", type=Path, metavar="RUN", help="folder of an evaluated run")
    export.add_argument(
        "--weights", type=Path, default=Path("weights"), metavar="WEIGHTS",
        help="folder of all models (default: weights)",
    )  # fmt: skip
    add_full_option(export)
    export.set_defaults(run=_run_export)


def add_card_command(commands: Any) -> None:
    """Add the command `card` to the sub-commands of a parser."""
    card = commands.add_parser("card", help="render CARD.md of exported models again")
    card.add_argument(
        "model_folders", type=Path, nargs="+", metavar="MODEL", help=MODEL_FOLDER_HELP
    )
    card.set_defaults(run=_run_card)


def add_publish_command(commands: Any) -> None:
    """Add the command `publish` to the sub-commands of a parser."""
    publish = commands.add_parser("publish", help="upload a model to the Hugging Face Hub")
    publish.add_argument("model_folder", type=Path, metavar="MODEL", help=MODEL_FOLDER_HELP)
    publish.add_argument("repo", metavar="REPO", help="OWNER/NAME of the model repository")
    publish.add_argument("--dry-run", action="store_true", help="list the files, upload nothing")
    publish.add_argument("--private", action="store_true", help="create a private repository")
    publish.add_argument(
        "--revision", default="main", metavar="BRANCH", help="branch to commit to (default: main)"
    )
    publish.set_defaults(run=_run_publish)


def add_space_command(commands: Any) -> None:
    """Add the command `space` to the sub-commands of a parser."""
    space = commands.add_parser("space", help="upload the app to a Hugging Face Space")
    space.add_argument("repo", metavar="REPO", help="OWNER/NAME of the Space")
    space.add_argument("--dry-run", action="store_true", help="list the files, upload nothing")
    space.add_argument("--private", action="store_true", help="create a private Space")
    space.set_defaults(run=_run_space)


def add_readme_command(commands: Any) -> None:
    """Add the command `readme` to the sub-commands of a parser."""
    readme = commands.add_parser(
        "readme", help="render the tables of docs/results.md and README.md from measured figures"
    )
    readme.add_argument("model_folder", type=Path, metavar="MODEL", help=MODEL_FOLDER_HELP)
    readme.add_argument(
        "--docs", type=Path, default=Path("docs"), metavar="DIR",
        help="folder of results.md, audits and results (default: docs)",
    )  # fmt: skip
    readme.add_argument(
        "--file", type=Path, default=Path("README.md"), metavar="README",
        help="the README (default: README.md)",
    )  # fmt: skip
    readme.set_defaults(run=_run_readme)


def _run_export(options: argparse.Namespace) -> None:
    from train.publish.export import export

    print(export(options.run_folder, options.weights, full=options.full))


def _run_card(options: argparse.Namespace) -> None:
    from train.publish.export import rewrite_card

    for folder in options.model_folders:
        print(rewrite_card(folder))


def _run_publish(options: argparse.Namespace) -> None:
    from train.publish.hub_upload import publish

    _silence_requests()
    publication = publish(
        options.model_folder, options.repo,
        revision=options.revision, private=options.private, dry_run=options.dry_run,
    )  # fmt: skip
    _print_publication(publication)


def _run_space(options: argparse.Namespace) -> None:
    from train.publish.space_upload import publish_space

    _silence_requests()
    _print_publication(
        publish_space(options.repo, private=options.private, dry_run=options.dry_run)
    )


def _silence_requests() -> None:
    """Keep the client of the Hub from logging every request."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)


def _print_publication(publication: Publication) -> None:
    import json

    from bonefx.schema import dump_record

    print(json.dumps(dump_record(publication)))


def _run_readme(options: argparse.Namespace) -> None:
    from train.publish.results import write_results

    write_results(options.model_folder, docs=options.docs, readme=options.file)
