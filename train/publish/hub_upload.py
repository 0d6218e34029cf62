"""Upload a model folder to a Hugging Face model repository in one commit, or list its files.

Only the files that export writes and the card shows are uploaded. Other files of the folder
(logits.csv, or files that a user put there) never leave the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import torch

from bonefx.errors import MODEL_REMEDY, RecipeError, WeightsError
from bonefx.models.evaluation import read_evaluation
from bonefx.models.hub import DEFAULT_REVISION, HUB_PREFIX, check_repo_name, check_revision
from bonefx.models.manifest import MANIFEST
from bonefx.models.registry import load_model
from bonefx.records.evaluation import EVALUATION
from train.publish.export import CARD_NAME
from train.publish.front_matter import front_matter
from train.publish.hub_commit import Part, Publication, list_parts, send_parts

PAGE = "README.md"  # the page of a repository on the Hub
FIGURE = re.compile(r"!\[[^\]]*\]\(([A-Za-z0-9][\w.-]*\.png)\)", re.ASCII)


def publish(
    folder: Path,
    repo: str,
    *,
    revision: str = DEFAULT_REVISION,
    private: bool = False,
    dry_run: bool = False,
) -> Publication:
    """Check a model folder and upload it to a model repository, which is created if necessary.

    Args:
        folder: A model folder as export writes it.
        repo: OWNER/NAME on the Hub.
        revision: Branch to commit to, created if necessary.
        private: Create the repository as private; an existing public one is refused.
        dry_run: Check and list the files only, without the network.

    Raises:
        WeightsError: The folder cannot be loaded, or a figure of its card is missing.
        RecipeError: Its evaluation is missing or belongs to another model.
        SettingsError: The repository cannot be written, or there is no token.
    """
    plan = Publication(
        repo=check_repo_name(repo), revision=check_revision(revision), private=private, files=()
    )
    parts = list(_parts(folder.resolve(), repo, revision))
    plan = list_parts(plan, parts, dry_run=dry_run)
    message = f"Publish {len(parts)} files of a bonefx model"
    return plan if dry_run else send_parts(plan, parts, message=message)


def _parts(folder: Path, repo: str, revision: str) -> Iterator[Part]:
    """Yield the files of a model folder, and the page made from its card."""
    manifest = load_model(folder, device=torch.device("cpu")).manifest
    evaluation = read_evaluation(folder / EVALUATION)
    if (evaluation.model, evaluation.calibration) != (manifest.id, manifest.calibration):
        raise RecipeError(
            f"{EVALUATION} does not belong to this {manifest.id}; export the model again"
        )
    card = _card(folder)
    page = f"{front_matter(manifest, evaluation)}\n{card.rstrip()}\n\n{_use(repo, revision)}"
    yield Part(file=PAGE, content=page.encode())
    figures = dict.fromkeys(FIGURE.findall(card))
    scope = [manifest.scope.file] if manifest.scope else []
    for name in (CARD_NAME, MANIFEST, EVALUATION, *figures, *scope, manifest.file):
        if not (folder / name).is_file():
            raise WeightsError(
                f"{folder.name}/{name} is missing, and the card shows it; {MODEL_REMEDY}"
            )
        yield Part(file=name, content=folder / name)


def _card(folder: Path) -> str:
    try:
        return (folder / CARD_NAME).read_text(encoding="utf-8")
    except OSError as error:
        raise WeightsError(f"{folder.name}/{CARD_NAME} is missing; {MODEL_REMEDY}") from error


def _use(repo: str, revision: str) -> str:
    at = "" if revision == DEFAULT_REVISION else f"@{revision}"
    return f"## Load it\n```\npython app.py --model {HUB_PREFIX}{repo}{at}\n```\n"
