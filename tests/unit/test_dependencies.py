"""Licences of required packages, their lower bounds, and the versions that were tested."""

import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from docs.licences import (
    LICENCES_FILE,
    NOT_STATED,
    PackageLicence,
    direct_requirements,
    render,
    runtime_licences,
)

ROOT = Path(__file__).parents[2]
SPACE_EXTRAS = ("", "oauth", "mcp")
WITHOUT_LICENCE_FIELD = {"cuda-toolkit"}  # NVIDIA's, required by torch for a GPU


def versions_in_constraints():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def stated_requirements():
    """All requirements of bonefx and its extras, without the reference of one extra to others."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    of_tests = [Requirement(line) for line in project["optional-dependencies"]["test"]]
    return [*direct_requirements(), *(one for one in of_tests if one.name != "bonefx")]


@pytest.fixture(scope="module")
def packages():
    return runtime_licences()


def test_no_required_package_is_under_gpl_or_agpl(packages):
    assert [package for package in packages if package.is_strong_copyleft] == []


def test_every_required_package_states_its_licence(packages):
    silent = {package.name for package in packages if package.licence == NOT_STATED}
    assert silent <= WITHOUT_LICENCE_FIELD


def test_the_page_names_each_package_under_lgpl_apart(packages):
    text = LICENCES_FILE.read_text(encoding="utf-8")
    for package in packages:
        if package.is_lesser_copyleft:
            assert package.name in text.partition("Under LGPL: ")[2].partition(";")[0]


def test_the_page_lists_each_direct_requirement():
    rows = LICENCES_FILE.read_text(encoding="utf-8").splitlines()
    listed = {canonicalize_name(row.split(" | ")[0][2:]) for row in rows if row.startswith("| ")}
    assert {canonicalize_name(one.name) for one in direct_requirements()} <= listed


def test_the_page_is_what_the_command_renders():
    page = render([
        PackageLicence(name="first", licence="MIT"),
        PackageLicence(name="second", licence="LGPL-3.0-only"),
    ])  # fmt: skip
    assert "| first | MIT |\n| second | LGPL-3.0-only |\n" in page
    assert "Under LGPL: second;" in page
    own = LICENCES_FILE.read_text(encoding="utf-8")
    assert (
        own.partition("| package")[0].replace("fpdf2", "second") == page.partition("| package")[0]
    )


@pytest.mark.parametrize(
    "licence",
    [
        "GPL-3.0-only", "AGPL-3.0-or-later", "GPLv2", "MIT AND GPL-2.0-only",
        "GNU General Public License v3 (GPLv3)", "GNU Affero General Public License v3",
        "GPL-2.0-only AND (MIT OR BSD-3-Clause)", "MIT License, GNU General Public License (GPL)",
    ],
)  # fmt: skip
def test_gpl_and_agpl_are_recognised(licence):
    assert PackageLicence(name="package", licence=licence).is_strong_copyleft


@pytest.mark.parametrize(
    ("licence", "lesser"),
    [
        ("MIT", False),
        ("LGPL-3.0-only", True),
        ("GNU Lesser General Public License v3 (LGPLv3)", True),
        ("GNU Library General Public License (LGPL)", True),
        ("GPL-3.0-only OR MIT", False),
        ("BSD-3-Clause AND (GPL-2.0-only OR MIT)", False),
        ("BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1", False),
        ("Mozilla Public License 2.0 (MPL 2.0)", False),
        (NOT_STATED, False),
    ],
)
def test_other_licences_are_not_refused_and_lgpl_is_told_apart(licence, lesser):
    package = PackageLicence(name="package", licence=licence)
    assert not package.is_strong_copyleft
    assert package.is_lesser_copyleft is lesser


def requirements_of_a_space():
    """What gradio needs with the extras that a Hugging Face Space installs."""
    for line in metadata.requires("gradio"):
        one = Requirement(line)
        if one.marker is None or any(one.marker.evaluate({"extra": it}) for it in SPACE_EXTRAS):
            yield one


def test_gradio_with_the_extras_of_a_space_admits_the_lowest_version_of_each_requirement():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    stated = [Requirement(line) for line in lines if line and not line.startswith("#")]
    lowest = {
        canonicalize_name(one.name): bound.version
        for one in stated
        for bound in one.specifier
        if bound.operator == ">="
    }
    too_high = [
        str(one)
        for one in requirements_of_a_space()
        if (bound := lowest.get(canonicalize_name(one.name)))
        and any(
            Version(bound) > Version(most.version)
            for most in one.specifier
            if most.operator in {"<", "<=", "=="}
        )
    ]
    assert too_high == []


@pytest.mark.parametrize("requirement", stated_requirements(), ids=lambda one: one.name)
def test_each_requirement_has_a_lower_bound_and_a_tested_version_above_it(requirement):
    operators = {one.operator for one in requirement.specifier}
    assert ">=" in operators
    assert requirement.specifier.contains(
        versions_in_constraints()[canonicalize_name(requirement.name)]
    )
