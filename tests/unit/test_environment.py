"""The variables of the environment: one list for the program, its help and the documents."""

import re

import pytest

from bonefx.environment import VARIABLES, check_names, help_text, variable
from tests.fixtures.servers.app import REPOSITORY

NAME = re.compile(r"\bBONEFX_[A-Z_]*[A-Z]")


def test_the_program_names_no_variable_that_is_not_in_the_list():
    used = {
        name
        for path in (REPOSITORY / "bonefx").rglob("*.py")
        for name in NAME.findall(path.read_text(encoding="utf-8"))
    }
    assert used - set(VARIABLES) == set()


def test_every_variable_has_a_row_in_the_documents_and_a_line_in_the_help():
    document = (REPOSITORY / "docs" / "deployment.md").read_text(encoding="utf-8")
    assert [name for name in VARIABLES if f"| `{name}` |" not in document] == []
    assert [line.split()[0] for line in help_text().splitlines()] == list(VARIABLES)


def test_a_variable_is_read_from_the_environment_and_unknown_ones_are_a_fault(monkeypatch):
    monkeypatch.setenv("BONEFX_ENGINE", "torch")
    assert variable("BONEFX_ENGINE") == "torch"
    assert variable("BONEFX_ENGINE", {}) is None
    with pytest.raises(KeyError):
        variable("BONEFX_ENGIN")


def test_every_known_variable_is_accepted():
    check_names(dict.fromkeys(VARIABLES, "x"))
