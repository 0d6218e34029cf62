"""Upload a model folder to a Hugging Face model repository in one commit, or list its files.

Only the files that export writes and the card shows are uploaded. Other files of the folder
(logits.csv, or files that a user put there) never leave the machine.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from bonefx.errors import MODEL_REMEDY, RecipeError, SettingsError, WeightsError
from bonefx.models.evaluation import read_evaluation
from bonefx.models.hub import (
    DEFAULT_REVISION,
    HUB_LOGIN_REMEDY,
    HUB_PREFIX,
    check_repo_name,
    check_revision,
    hub_api,
    hub_errors,
)
from bonefx.models.manifest import MANIFEST
from bonefx.models.registry import load_model
from bonefx.records.evaluation import EVALUATION
from train.publish.export import CARD_NAME
from train.publish.front_matter import front_matter

PAGE = "README.md"  # the page of a repository on the Hub
FIGURE = re.compile(r"!\[[^\]]*\]\(([A-Za-z0-9][\w.-]*\.png)\)", re.ASCII)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFile:
    """One file of the upload, with its size in bytes and its checksum."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """The files of an upload, and its destination.

    Attributes:
        repo: OWNER/NAME.
        revision: Branch that is committed to.
        private: The repository is created as private.
        files: The uploaded files.
        commit: Hash of the commit on the Hub; None if nothing was uploaded.
    """

    repo: str
    revision: str
    private: bool
    files: tuple[PublishedFile, ...]
    commit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Name of a file in the repository, and its path on this machine or its content."""

    file: str
    content: Path | bytes


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
    plan = replace(plan, files=tuple(_listed(part) for part in parts))
    logger.info("%s", _table(plan, dry_run=dry_run))
    return plan if dry_run else replace(plan, commit=_send(plan, parts))


def _parts(folder: Path, repo: str, revision: str) -> Iterator[_Part]:
    """Yield the files of a model folder, and the page made from its card."""
    manifest = load_model(folder, device=torch.device("cpu")).manifest
    evaluation = read_evaluation(folder / EVALUATION)
    if (evaluation.model, evaluation.calibration) != (manifest.id, manifest.calibration):
        raise RecipeError(
            f"{EVALUATION} does not belong to this {manifest.id}; export the model again"
        )
    card = _card(folder)
    page = f"{front_matter(manifest, evaluation)}\n{card.rstrip()}\n\n{_use(repo, revision)}"
    yield _Part(file=PAGE, content=page.encode())
    figures = dict.fromkeys(FIGURE.findall(card))
    scope = [manifest.scope.file] if manifest.scope else []
    for name in (CARD_NAME, MANIFEST, EVALUATION, *figures, *scope, manifest.file):
        if not (folder / name).is_file():
            raise WeightsError(
                f"{folder.name}/{name} is missing, and the card shows it; {MODEL_REMEDY}"
            )
        yield _Part(file=name, content=folder / name)


def _card(folder: Path) -> str:
    try:
        return (folder / CARD_NAME).read_text(encoding="utf-8")
    except OSError as error:
        raise WeightsError(f"{folder.name}/{CARD_NAME} is missing; {MODEL_REMEDY}") from error


def _use(repo: str, revision: str) -> str:
    at = "" if revision == DEFAULT_REVISION else f"@{revision}"
    return f"## Load it\n```\npython app.py --model {HUB_PREFIX}{repo}{at}\n```\n"


def _listed(part: _Part) -> PublishedFile:
    if isinstance(part.content, bytes):
        size, digest = len(part.content), hashlib.sha256(part.content)
    else:
        size = part.content.stat().st_size
        with part.content.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    return PublishedFile(file=part.file, bytes=size, sha256=digest.hexdigest())


def _table(plan: Publication, *, dry_run: bool) -> str:
    """Return the files as a text table."""
    verb = "would be uploaded" if dry_run else "are uploaded"
    width = max(len(file.file) for file in plan.files)
    rows = [f"{file.file:<{width}}  {file.bytes:>11,}  {file.sha256}" for file in plan.files]
    total = sum(file.bytes for file in plan.files)
    head = f"{len(plan.files)} files, {total:,} bytes, {verb} to {plan.repo} at {plan.revision}:"
    return "\n".join([head, *rows])


def _send(plan: Publication, parts: list[_Part]) -> str:
    """Create repository and branch if necessary, and commit; returns the hash of the commit."""
    from huggingface_hub import CommitOperationAdd, get_token

    if get_token() is None:
        raise SettingsError(
            f"there is no Hugging Face token; {HUB_LOGIN_REMEDY} to one that may write"
        )
    api = hub_api()
    additions = [
        CommitOperationAdd(path_in_repo=part.file, path_or_fileobj=part.content) for part in parts
    ]
    with hub_errors(plan.repo, error=SettingsError):
        api.create_repo(plan.repo, private=plan.private or None, exist_ok=True)
        if plan.private and not api.model_info(plan.repo).private:
            raise SettingsError(
                f"{plan.repo} exists and is public; make it private in its settings, or leave "
                "--private out"
            )
        if plan.revision != DEFAULT_REVISION:
            api.create_branch(plan.repo, branch=plan.revision, exist_ok=True)
        message = f"Publish {len(plan.files)} files of a bonefx model"
        return api.create_commit(
            plan.repo, additions, commit_message=message, revision=plan.revision
        ).oid
