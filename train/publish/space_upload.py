"""Upload the app to a Hugging Face Space in one commit, or list its files.

A Space gets what `python app.py` needs: the package, the models, the example films and the
requirements, as git tracks them. Training, tests and documents stay here, and so does everything
that git does not track, such as films of a data set.
"""

from __future__ import annotations

import fnmatch
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bonefx import __version__
from bonefx.errors import SettingsError
from bonefx.models.hub import DEFAULT_REVISION, check_repo_name
from train.publish.hub_commit import Part, Publication, list_parts, send_parts

CHECKOUT = Path(__file__).parents[2]
README = "README.md"  # its front matter is the configuration of the Space
SENT = ("app.py", "requirements.txt", "LICENSE", "CITATION.cff", "bonefx", "weights", "examples")
LEFT_OUT = ("weights/*/logits.csv", "examples/*.py")  # training only; setup.py has the same
INTRODUCTION_ENDS = "\n## "
LICENCES = (
    "Licences: [code](LICENSE), [films](examples/ATTRIBUTION.md); weights/ has a CARD.md for each "
    "model, with its training films and their licences."
)


def publish_space(
    repo: str, *, checkout: Path = CHECKOUT, private: bool = False, dry_run: bool = False
) -> Publication:
    """Upload the app to a Space, which is created if necessary.

    Args:
        repo: OWNER/NAME of the Space.
        checkout: Folder of the repository, with its git history.
        private: Create the Space as private; an existing public one is refused.
        dry_run: List the files only, without the network.

    Raises:
        SettingsError: The folder is no checkout, its files are not those of the last commit, the
            Space cannot be written, or there is no token.
    """
    plan = Publication(
        repo=check_repo_name(repo), revision=DEFAULT_REVISION, private=private, files=()
    )
    parts = list(space_parts(checkout))
    if not dry_run:
        _check_committed(checkout)
    plan = list_parts(plan, parts, dry_run=dry_run)
    if dry_run:
        return plan
    commit = _git(checkout, "rev-parse", "--short", "HEAD").strip()
    message = f"Publish bonefx {__version__}, commit {commit}"
    return send_parts(plan, parts, message=message, repo_type="space")


def space_page(readme: str) -> str:
    """Return the page of the Space: front matter and introduction of the README.

    Pictures and sections are left out, because they lead to files that a Space does not have.

    Args:
        readme: Text of README.md.
    """
    introduction = readme.partition(INTRODUCTION_ENDS)[0]
    lines = [line for line in introduction.splitlines() if not line.startswith("![")]
    return "\n".join(lines).rstrip() + f"\n\nbonefx {__version__}. {LICENCES}\n"


def space_parts(checkout: Path) -> Iterator[Part]:
    """Yield the page and the tracked files of a Space.

    Args:
        checkout: Folder of the repository.

    Raises:
        SettingsError: The folder is no checkout, or a file that a Space needs is not tracked.
    """
    files = _git(checkout, "ls-files", "-z", "--", README, *SENT).split("\0")[:-1]
    missing = {README, *SENT} - {file.split("/")[0] for file in files}
    if missing:
        raise SettingsError(
            f"git tracks no {', '.join(sorted(missing))} in {checkout}; use a whole checkout"
        )
    yield Part(
        file=README, content=space_page((checkout / README).read_text(encoding="utf-8")).encode()
    )
    for file in files:
        if file != README and not any(fnmatch.fnmatch(file, pattern) for pattern in LEFT_OUT):
            yield Part(file=file, content=checkout / file)


def _check_committed(checkout: Path) -> None:
    changed = _git(checkout, "diff", "--name-only", "HEAD", "--", README, *SENT).split()
    if changed:
        raise SettingsError(
            f"{len(changed)} files differ from the last commit, the first is {changed[0]}; commit "
            "or stash the changes first"
        )


def _git(checkout: Path, *arguments: str) -> str:
    """Run git in a checkout, and return its output."""
    program = shutil.which("git")
    if program is None:
        raise SettingsError("a Space is made from the files that git tracks; install git")
    ended = subprocess.run(  # noqa: S603 (fixed arguments)
        [program, "-C", str(checkout), *arguments], capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise SettingsError(f"git cannot read {checkout}: {ended.stderr.strip()}; use a checkout")
    return ended.stdout
