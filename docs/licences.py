"""Write docs/licences.md: the licence of every package that bonefx needs when it runs.

    python -m docs.licences            write it
    python -m docs.licences --check    exit with 1 if a package is under GPL or AGPL

The packages are those of requirements.txt and the extras of RUNTIME_EXTRAS, with all that they need
in the environment of this command. Versions are left out: the file changes when a package or a
licence does.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LICENCES_FILE = ROOT / "docs" / "licences.md"
RUNTIME_EXTRAS = ("mcp", "metrics", "pacs", "train")
NOT_STATED = "not stated"
LONGEST_NAME = 60  # characters; a longer License field is the text of the licence
LESSER = re.compile(r"\bLGPL|(Lesser|Library) General Public", re.IGNORECASE)
STRONG = re.compile(r"\bA?GPL|(?<!Lesser )(?<!Library )General Public License", re.IGNORECASE)
PARENTHESES = re.compile(r"\(([^()]*)\)")
LINKING_EXCEPTION = re.compile(r"\bGPL\S*(?: or later)? WITH GCC-exception\S*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageLicence:
    """A package with its licence, as its metadata states it.

    Attributes:
        name: Name on PyPI.
        licence: SPDX expression, or the name that the package uses; NOT_STATED if there is none.
    """

    name: str
    licence: str

    @property
    def is_strong_copyleft(self) -> bool:
        """Whether all alternatives of the licence include GPL or AGPL."""
        text, groups = LINKING_EXCEPTION.sub("", self.licence), 1
        while groups:  # innermost parentheses first
            text, groups = PARENTHESES.subn(lambda group: _shortened(group[1]), text)
        return _is_strong(text)

    @property
    def is_lesser_copyleft(self) -> bool:
        """Whether the licence includes LGPL."""
        return bool(LESSER.search(self.licence))


def _is_strong(text: str) -> bool:
    """Whether all alternatives of an expression without parentheses include GPL or AGPL."""
    return all(STRONG.search(choice) for choice in re.split(r"\bOR\b", text))


def _shortened(text: str) -> str:
    return "GPL" if _is_strong(text) else "other"


def direct_requirements() -> list[Requirement]:
    """Read requirements.txt and the extras for running of pyproject.toml."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    stated = [line for line in lines if line and not line.startswith("#")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    of_extras = [line for extra in RUNTIME_EXTRAS for line in extras[extra]]
    return [Requirement(line) for line in [*stated, *of_extras]]


def runtime_licences() -> list[PackageLicence]:
    """Return the licences of all packages that bonefx needs in this environment, by name."""
    found: dict[str, PackageLicence] = {}
    waiting = direct_requirements()
    while waiting:
        requirement = waiting.pop()
        key = canonicalize_name(requirement.name)
        if key in found:
            continue
        package = metadata.distribution(requirement.name)
        found[key] = PackageLicence(
            name=package.metadata["Name"], licence=_licence_of(package.metadata)
        )
        waiting.extend(_requirements_of(package, requirement.extras))
    return [found[key] for key in sorted(found)]


def _requirements_of(package: metadata.Distribution, extras: set[str]) -> Iterator[Requirement]:
    """Yield what a package needs on this system, with the extras that are asked for."""
    for line in package.requires or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras}):
            yield requirement


def _licence_of(facts: metadata.PackageMetadata) -> str:
    """Return the SPDX expression, else the classifiers, else a short License field."""
    if expression := facts.get("License-Expression"):
        return expression
    classifiers = [
        line.rsplit(" :: ", 1)[-1]
        for line in facts.get_all("Classifier") or ()
        if line.startswith("License ::")
    ]
    if classifiers:
        return ", ".join(classifiers)
    name = (facts.get("License") or "").strip()
    return name if 0 < len(name) <= LONGEST_NAME else NOT_STATED


def render(packages: Sequence[PackageLicence]) -> str:
    """Render the document."""
    lesser = [package.name for package in packages if package.is_lesser_copyleft]
    rows = [f"| {package.name} | {package.licence} |" for package in packages]
    return "\n".join([
        "# Licences of required packages",
        "",
        "`make licences` writes this page from the metadata of the installed packages: those of "
        "requirements.txt and of the extras `mcp`, `metrics`, `pacs` and `train`, with all that "
        "they need on Linux.",
        "bonefx itself is under the MIT licence. None of these packages is under GPL or AGPL, and "
        f"a unit test keeps it so. Under LGPL: {', '.join(lesser) or 'none'}; they are used as "
        "libraries, unchanged.",
        "The packages of NVIDIA come with torch from PyPI; the CPU build of torch needs none of "
        "them.",
        "",
        "| package | licence |",
        "| --- | --- |",
        *rows,
        "",
    ])  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Write the document; returns 1 if a package is under GPL or AGPL."""
    parser = argparse.ArgumentParser(prog="python -m docs.licences", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(argv)
    packages = runtime_licences()
    refused = [package for package in packages if package.is_strong_copyleft]
    for package in refused:
        sys.stderr.write(f"{package.name} is under {package.licence}; use another package\n")
    if refused:
        return 1
    if not options.check:
        LICENCES_FILE.write_text(render(packages), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
