"""Find a model: an id of the weights folder, a model folder, or a Hugging Face repository.

From a repository only the files of a bonefx model are downloaded: the manifest, which is checked,
then the files that belong to it. huggingface_hub caches them, so that a model that was downloaded
once works without a network. registry.load_model checks the folder.
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
DEFAULT_REVISION = "main"
OPTIONAL_FILES = ("evaluation.json", "CARD.md", "figures.png", "training.png")
REVISION_PATTERN = re.compile(r"\w[\w./-]*", re.ASCII)
HUB_LOGIN_REMEDY = "run `hf auth login` or set HF_TOKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubModel:
    """A model repository and the revision to use.

    Attributes:
        repo: OWNER/NAME.
        revision: A branch, a tag or a commit.
    """

    repo: str
    revision: str = DEFAULT_REVISION


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLocation:
    """A model folder on this machine; origin is the repository and commit of a downloaded one."""

    folder: Path
    origin: Origin | None = None


def locate_model(name: str, *, weights: Path) -> ModelLocation:
    """Find a model; download it if it is in a repository.

    Args:
        name: hf:OWNER/NAME[@REVISION], a path (with a slash), or an id of the weights folder.
        weights: Folder of models, for ids.

    Raises:
        SettingsError: The name begins with hf: but does not name a repository.
        WeightsError: The repository cannot be downloaded or holds no bonefx model.
    """
    if name.startswith(HUB_PREFIX):
        return download_model(parse_hub_model(name))
    is_id = Path(name).name == name
    return ModelLocation(folder=(weights / name if is_id else Path(name)).resolve())


def load_located_model(location: ModelLocation, *, device: torch.device) -> LoadedModel:
    """Load a model that locate_model found.

    Raises:
        WeightsError: The model is damaged or does not match its manifest; the message names the
            repository, if any.
    """
    if location.origin is None:
        return load_model(location.folder, device=device)
    with _naming_repository(location.origin.repo):
        return load_model(location.folder, device=device, origin=location.origin)


def parse_hub_model(text: str) -> HubModel:
    """Parse hf:OWNER/NAME[@REVISION].

    Raises:
        SettingsError: The text has another form.
    """
    repo, at, revision = text.removeprefix(HUB_PREFIX).partition("@")
    revision = revision if at else DEFAULT_REVISION
    return HubModel(repo=check_repo_name(repo), revision=check_revision(revision))


def check_repo_name(repo: str) -> str:
    """Return OWNER/NAME unchanged if a repository can have that name.

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


def check_revision(revision: str) -> str:
    """Return a branch, tag or commit unchanged if a revision can have that name.

    Raises:
        SettingsError: No revision can have that name.
    """
    if not REVISION_PATTERN.fullmatch(revision) or ".." in revision:
        raise SettingsError(f"{revision!r} cannot be a revision; use a branch, a tag or a commit")
    return revision


def download_model(model: HubModel) -> ModelLocation:
    """Download one bonefx model into the cache of huggingface_hub, or find it there.

    Weights are downloaded last, so that a folder with weights is complete; then only the revision
    is looked up. Without a network the revision of the last look-up is used.

    Raises:
        WeightsError: The repository cannot be downloaded or holds no bonefx model.
    """
    api = hub_api()
    with hub_errors(model.repo, error=WeightsError):
        listed = api.hf_hub_download(model.repo, MANIFEST, revision=model.revision, dry_run=True)
        with _naming_repository(model.repo):
            check_manifest_size(listed.file_size or 0, source=MANIFEST)
        path = api.hf_hub_download(model.repo, MANIFEST, revision=model.revision)
        origin = Origin(repo=model.repo, commit=Path(path).parent.name)
        _download_files_of_manifest(api, Path(path).parent, origin)
    return ModelLocation(folder=Path(path).parent, origin=origin)


def _download_files_of_manifest(api: HfApi, folder: Path, origin: Origin) -> None:
    from huggingface_hub.errors import EntryNotFoundError

    with _naming_repository(origin.repo):
        manifest = read_manifest(folder)
    weights_file = manifest.file
    if (folder / weights_file).exists():
        return
    for name in OPTIONAL_FILES:
        with suppress(EntryNotFoundError):
            api.hf_hub_download(origin.repo, name, revision=origin.commit)
    if manifest.scope is not None:
        api.hf_hub_download(origin.repo, manifest.scope.file, revision=origin.commit)
    api.hf_hub_download(origin.repo, weights_file, revision=origin.commit)


def hub_api() -> HfApi:
    """Return a client of the Hub, or of the server that HF_ENDPOINT names."""
    from huggingface_hub import HfApi

    return HfApi(library_name="bonefx", library_version=__version__)


@contextmanager
def hub_errors(repo: str, *, error: type[BonefxError]) -> Iterator[None]:
    """Convert errors of the network and of the Hub to one sentence with a remedy.

    Args:
        repo: OWNER/NAME, for the message.
        error: Class of the error to raise.

    Raises:
        BonefxError: The error, of the given class.
    """
    from httpx2 import HTTPError

    try:
        yield
    except (HTTPError, OSError) as cause:
        raise error(_error_text(cause, repo)) from cause
    except RuntimeError as cause:  # huggingface_hub wraps the error of an upload in it
        if not isinstance(cause.__cause__, HTTPError):
            raise
        raise error(_error_text(cause.__cause__, repo)) from cause


def _error_text(cause: Exception, repo: str) -> str:
    from huggingface_hub import errors

    if isinstance(cause.__cause__, errors.HfHubHTTPError):  # the answer of the Hub
        cause = cause.__cause__
    texts = (  # a subclass comes before its base class
        (
            errors.GatedRepoError,
            f"{repo} is gated; ask for access on its page, then {HUB_LOGIN_REMEDY}",
        ),
        (
            errors.RepositoryNotFoundError,
            f"there is no model repository {repo}, or it is private; check its name, or "
            f"{HUB_LOGIN_REMEDY}",
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
        (errors.HfHubHTTPError, _http_error_text(cause, repo)),
        (
            errors.LocalEntryNotFoundError,
            f"{repo} was not fetched before and cannot be reached now; connect this machine to "
            "the network, and unset HF_HUB_OFFLINE if it is set",
        ),
        (errors.OfflineModeIsEnabled, "HF_HUB_OFFLINE is set; unset it to reach the Hub"),
        (OSError, f"{repo}: {cause}; check the network and the space on disk, and try again"),
    )
    for kind, text in texts:
        if isinstance(cause, kind):
            return text
    return f"the Hub cannot be reached ({type(cause).__name__}); check the network and try again"


def _http_error_text(cause: Exception, repo: str) -> str:
    status = getattr(getattr(cause, "response", None), "status_code", None)
    if status in {401, 403}:
        return (
            f"the Hub refuses this token for {repo} (HTTP {status}); {HUB_LOGIN_REMEDY} with a "
            "token that may use it"
        )
    return f"the Hub answered HTTP {status} for {repo}; try again later"


@contextmanager
def _naming_repository(repo: str) -> Iterator[None]:
    """Add the repository to the message of a model that cannot be used."""
    try:
        yield
    except WeightsError as error:
        raise WeightsError(
            f"{HUB_PREFIX}{repo}: {error}; `hf cache rm model/{repo}` removes this machine's copy"
        ) from error
