"""Where a model lies: an id of weights/, a model folder, or a Hugging Face model repository.

Of a repository only a bonefx model is fetched: its manifest, which is checked, then the few files
that belong to it. They lie in huggingface_hub's own cache, so that a model that was fetched once
is used without a network. Nothing is interpreted here: registry.load_model checks every folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from bonefx import __version__
from bonefx.errors import BonefxError, SettingsError, WeightsError
from bonefx.models.manifest import MANIFEST, check_manifest_size, read_manifest
from bonefx.models.registry import LoadedModel, load_model
from bonefx.records import Origin

if TYPE_CHECKING:
    from huggingface_hub import HfApi

HUB_PREFIX = "hf:"
MAIN = "main"
BESIDE = ("evaluation.json", "CARD.md", "figures.png", "training.png")  # where there are such
REVISION = re.compile(r"\w[\w./-]*", re.ASCII)
LOGIN = "run `hf auth login` or set HF_TOKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubModel:
    """A model repository as a user names it.

    Attributes:
        repo: OWNER/NAME.
        revision: A branch, a tag or a commit.
    """

    repo: str
    revision: str = MAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLocation:
    """A model folder on this machine, and the commit that it is a copy of, if it was fetched."""

    folder: Path
    origin: Origin | None = None


def locate_model(wanted: str, *, weights: Path) -> ModelLocation:
    """Find a model, and fetch it where it lies in a repository.

    Args:
        wanted: hf:OWNER/NAME[@REVISION], or a path (with a slash), or an id of the weights folder.
        weights: Folder of models, for ids.

    Raises:
        SettingsError: It begins with hf: and does not name a repository.
        WeightsError: The repository cannot be fetched or holds no bonefx model.
    """
    if wanted.startswith(HUB_PREFIX):
        return fetch(parse_hub_model(wanted))
    is_id = Path(wanted).name == wanted
    return ModelLocation(folder=(weights / wanted if is_id else Path(wanted)).resolve())


def load_located_model(place: ModelLocation, *, device: torch.device) -> LoadedModel:
    """Load a model that was found.

    Raises:
        WeightsError: It is damaged or does not fit; the message names its repository, if any.
    """
    if place.origin is None:
        return load_model(place.folder, device=device)
    with _named(place.origin.repo):
        return load_model(place.folder, device=device, origin=place.origin)


def parse_hub_model(text: str) -> HubModel:
    """Read hf:OWNER/NAME[@REVISION].

    Raises:
        SettingsError: It is not of that form.
    """
    repo, at, revision = text.removeprefix(HUB_PREFIX).partition("@")
    revision = revision if at else MAIN
    return HubModel(repo=checked_repo(repo), revision=checked_revision(revision))


def checked_repo(repo: str) -> str:
    """Return OWNER/NAME as it is.

    Raises:
        SettingsError: No repository can have that name.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined] # documented

    try:
        validate_repo_id(repo)
    except HFValidationError:
        owner = ""
    else:
        owner = repo.rpartition("/")[0]
    if not owner:
        raise SettingsError(
            f"{repo!r} cannot be a repository; write OWNER/NAME in letters, digits, dots, "
            "underscores and hyphens"
        )
    return repo


def checked_revision(revision: str) -> str:
    """Return a branch, tag or commit as it is.

    Raises:
        SettingsError: No revision can have that name.
    """
    if not REVISION.fullmatch(revision) or ".." in revision:
        raise SettingsError(f"{revision!r} cannot be a revision; use a branch, a tag or a commit")
    return revision


def fetch(model: HubModel) -> ModelLocation:
    """Bring one bonefx model into huggingface_hub's cache, or find it there.

    A folder that holds its weights is whole, as those come last; then only the revision is asked
    for. Without a network the revision is what it was when it was last asked for.

    Raises:
        WeightsError: The repository cannot be fetched or holds no bonefx model.
    """
    api = hub_api()
    with hub_errors(model.repo, error=WeightsError):
        asked = api.hf_hub_download(model.repo, MANIFEST, revision=model.revision, dry_run=True)
        with _named(model.repo):
            check_manifest_size(asked.file_size or 0, source=MANIFEST)
        path = api.hf_hub_download(model.repo, MANIFEST, revision=model.revision)
        origin = Origin(repo=model.repo, commit=Path(path).parent.name)
        _fetch_beside_manifest(api, Path(path).parent, origin)
    return ModelLocation(folder=Path(path).parent, origin=origin)


def _fetch_beside_manifest(api: HfApi, folder: Path, origin: Origin) -> None:
    from huggingface_hub.errors import EntryNotFoundError

    with _named(origin.repo):
        manifest = read_manifest(folder)
    weights_file = manifest.file
    if (folder / weights_file).exists():
        return
    for name in BESIDE:
        with suppress(EntryNotFoundError):
            api.hf_hub_download(origin.repo, name, revision=origin.commit)
    if manifest.scope is not None:
        api.hf_hub_download(origin.repo, manifest.scope.file, revision=origin.commit)
    api.hf_hub_download(origin.repo, weights_file, revision=origin.commit)


def hub_api() -> HfApi:
    """Speak to the Hub, or to where HF_ENDPOINT points, as this program."""
    from huggingface_hub import HfApi

    return HfApi(library_name="bonefx", library_version=__version__)


@contextmanager
def hub_errors(repo: str, *, error: type[BonefxError]) -> Iterator[None]:
    """Say in a sentence what came between this machine and a repository.

    Args:
        repo: OWNER/NAME, for the message.
        error: Class to raise.

    Raises:
        BonefxError: Of the given class.
    """
    from httpx2 import HTTPError

    try:
        yield
    except (HTTPError, OSError) as found:
        raise error(_sentence(found, repo)) from found
    except RuntimeError as found:  # what huggingface_hub wraps a broken upload of a file in
        if not isinstance(found.__cause__, HTTPError):
            raise
        raise error(_sentence(found.__cause__, repo)) from found


def _sentence(found: Exception, repo: str) -> str:
    from huggingface_hub import errors

    if isinstance(found.__cause__, errors.HfHubHTTPError):  # the Hub did answer
        found = found.__cause__
    known = (  # a child stands before its parent
        (errors.GatedRepoError, f"{repo} is gated; ask for access on its page, then {LOGIN}"),
        (
            errors.RepositoryNotFoundError,
            f"there is no model repository {repo}, or it is private; check its name, or {LOGIN}",
        ),
        (
            errors.RevisionNotFoundError,
            f"{repo} has no such revision; use a branch, a tag or a commit of it",
        ),
        (
            errors.RemoteEntryNotFoundError,
            f"{repo} holds no bonefx model: {MANIFEST} or the file that it names is missing; "
            "check its name and revision",
        ),
        (errors.HfHubHTTPError, _refusal(found, repo)),
        (
            errors.LocalEntryNotFoundError,
            f"{repo} was not fetched before and cannot be reached now; connect this machine to "
            "the network, and unset HF_HUB_OFFLINE if it is set",
        ),
        (errors.OfflineModeIsEnabled, "HF_HUB_OFFLINE is set; unset it to reach the Hub"),
        (OSError, f"{repo}: {found}; check the network and the space on disk, and try again"),
    )
    for kind, sentence in known:
        if isinstance(found, kind):
            return sentence
    return f"the Hub cannot be reached ({type(found).__name__}); check the network and try again"


def _refusal(found: Exception, repo: str) -> str:
    status = getattr(getattr(found, "response", None), "status_code", None)
    if status in {401, 403}:
        return f"the Hub refuses this token for {repo} (HTTP {status}); {LOGIN} with the rights"
    return f"the Hub answered HTTP {status} for {repo}; try again later"


@contextmanager
def _named(repo: str) -> Iterator[None]:
    """Say which repository a model that cannot be used came from."""
    try:
        yield
    except WeightsError as error:
        raise WeightsError(
            f"{HUB_PREFIX}{repo}: {error}; `hf cache rm model/{repo}` removes this machine's copy"
        ) from error
