"""Send files to a repository of the Hugging Face Hub in one commit, or list them.

hub_upload.py chooses the files of a model, space_upload.py those of a Space.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bonefx.errors import SettingsError
from bonefx.models.hub import DEFAULT_REVISION, HUB_LOGIN_REMEDY, hub_api, hub_errors

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationDelete, HfApi

RepoType = Literal["model", "space"]
SPACE_SDK = "gradio"
OF_THE_HUB = ".gitattributes"  # the Hub writes it itself
SPACE_MARK = "bonefx/__init__.py"  # a Space without it is that of another app

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
class Part:
    """Name of a file in the repository, and its path on this machine or its content."""

    file: str
    content: Path | bytes


def list_parts(plan: Publication, parts: Sequence[Part], *, dry_run: bool) -> Publication:
    """Log the files of an upload as a table.

    Args:
        plan: Destination of the upload.
        parts: Its files.
        dry_run: Whether the files are listed only.

    Returns:
        The plan with size and checksum of each file.
    """
    listed = replace(plan, files=tuple(_listed(part) for part in parts))
    logger.info("%s", _table(listed, dry_run=dry_run))
    return listed


def send_parts(
    plan: Publication, parts: Sequence[Part], *, message: str, repo_type: RepoType = "model"
) -> Publication:
    """Create repository and branch if necessary, and commit.

    From a Space all other files are removed, so that no module of an older version stays in it. A
    Space of another app is refused.

    Args:
        plan: Destination of the upload.
        parts: Its files.
        message: Message of the commit.
        repo_type: What kind of repository it is.

    Returns:
        The plan with the hash of the commit.

    Raises:
        SettingsError: The repository cannot be written, it is public but must be private, it is a
            Space of another app, or there is no token.
    """
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
        _create(api, plan, repo_type)
        leftovers = _leftovers(api, plan, parts) if repo_type == "space" else []
        committed = api.create_commit(
            plan.repo, [*additions, *leftovers], commit_message=message, revision=plan.revision,
            repo_type=repo_type,
        )  # fmt: skip
    return replace(plan, commit=committed.oid)


def _create(api: HfApi, plan: Publication, repo_type: RepoType) -> None:
    """Create repository and branch, unless they exist."""
    api.create_repo(
        plan.repo, private=plan.private or None, exist_ok=True, repo_type=repo_type,
        space_sdk=SPACE_SDK if repo_type == "space" else None,
    )  # fmt: skip
    if plan.private and not api.repo_info(plan.repo, repo_type=repo_type).private:
        raise SettingsError(
            f"{plan.repo} exists and is public; make it private in its settings, or leave "
            "--private out"
        )
    if plan.revision != DEFAULT_REVISION:
        api.create_branch(plan.repo, branch=plan.revision, exist_ok=True, repo_type=repo_type)


def _leftovers(api: HfApi, plan: Publication, parts: Sequence[Part]) -> list[CommitOperationDelete]:
    """Return the removal of each file of a Space that is not among the parts."""
    from huggingface_hub import CommitOperationDelete

    kept = {part.file for part in parts} | {OF_THE_HUB}
    found = api.space_info(plan.repo).siblings or []
    names = {file.rfilename for file in found}
    removed = sorted(names - kept)
    if removed and SPACE_MARK not in names:
        raise SettingsError(
            f"{plan.repo} is a Space of another app: it has {removed[0]} and no {SPACE_MARK}; use "
            "another name, or delete its files first"
        )
    if removed:
        logger.info("%d files of an older version are removed: %s", len(removed), removed)
    return [CommitOperationDelete(path_in_repo=file, is_folder=False) for file in removed]


def _listed(part: Part) -> PublishedFile:
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
