"""README and docs: size, links, commands, and what is rendered from the code."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from bonefx import __version__
from bonefx.cli.parser import build_parser as build_bonefx_parser
from docs.generate import cli_markdown, current_documents
from train.cli import build_parser as build_train_parser

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
README_BYTES = 8192
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*.md")]
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
EXTERNAL = ("http://", "https://", "mailto:")
CODE = re.compile(r"`([^`\n]+)`")


def without_code(text):
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def anchors_of(path):
    """Anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in kept}


def targets_of(page):
    links = LINK.findall(without_code(page.read_text(encoding="utf-8")))
    return [link for link in links if not link.startswith(EXTERNAL)]


def subcommands_of(parser):
    return {name for action in parser._actions for name in (action.choices or ())}


def test_readme_is_at_most_8_kb():
    assert len(README.read_bytes()) <= README_BYTES


def test_the_reading_in_readme_is_the_recorded_one():
    text = README.read_text(encoding="utf-8")
    (shown,) = map(json.loads, re.findall(r"^\{.*\}$", text, re.MULTILINE))
    (film,) = re.findall(r"bonefx read (examples/\S+)", text)
    digest = hashlib.sha256((ROOT / film).read_bytes()).hexdigest()
    recorded = (ROOT / "tests/integration/examples_efficientnet_b0.jsonl").read_text().splitlines()
    (reading,) = (one for one in map(json.loads, recorded) if one["sha256"] == digest)
    assert shown == {name: reading[name] for name in shown}


def test_readme_has_one_table_of_results():
    text = README.read_text(encoding="utf-8")
    assert text.count("<!-- performance -->") == text.count("<!-- end of performance -->") == 1
    assert text.index("## Performance") < text.index("<!-- performance -->")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_a_file_and_a_heading(page):
    broken = []
    for target in targets_of(page):
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors_of(path)):
            broken.append(target)
    assert broken == []


def test_index_of_docs_names_every_page():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages - set(LINK.findall(index)) == set()


def test_every_picture_of_docs_is_shown():
    shown = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    pictures = [path.name for path in (ROOT / "docs" / "images").iterdir()]
    assert [name for name in pictures if f"images/{name})" not in shown] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_exist(page):
    """Targets of make, subcommands of bonefx and of train, and modules that Python runs."""
    text = page.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    code = "\n".join([*re.findall(r"```\n(.*?)```", text, flags=re.DOTALL), *CODE.findall(text)])
    targets = set(re.findall(r"(?:^|\s)make ([a-z]+)\b", code))
    assert {name for name in targets if not re.search(rf"^{name}:", makefile, re.M)} == set()
    commands = set(re.findall(r"(?:^|[\s/$])bonefx ([a-z]+)\b", code))
    assert commands - subcommands_of(build_bonefx_parser()) == set()
    trained = set(re.findall(r"-m train ([a-z][a-z-]+)", code))
    assert trained - subcommands_of(build_train_parser()) == set()
    for module in set(re.findall(r"python -m ((?:train|bonefx|benchmarks|docs)[\w.]*)", code)):
        file = ROOT / Path(*module.split("."))
        assert file.with_suffix(".py").is_file() or (file / "__main__.py").is_file(), module


def test_generated_parts_are_current():
    """After a change of parsers or tables: python -m docs.generate."""
    stale = [
        path.name
        for path, text in current_documents().items()
        if path.read_text(encoding="utf-8") != text
    ]
    assert stale == []


def test_an_argument_of_several_values_names_them_all():
    assert "| `--crop TOP LEFT BOTTOM RIGHT` |" in cli_markdown()


def test_architecture_names_files_that_exist_and_what_is_in_them():
    """In the way of a film and the table of changes, names follow the file that defines them."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    sections = text.split("\n## ")
    named = [part for part in sections if part.startswith(("The way", "Where do I"))]
    assert len(named) == 2
    file, wrong = ROOT, []
    for code in CODE.findall("".join(named)):
        if "/" in code:
            file = ROOT / code
        if not file.is_file() or ("/" not in code and not defines(file, code)):
            wrong.append(f"{file.relative_to(ROOT)} {code}")
    assert wrong == []


def defines(file, name):
    pattern = rf"^(?:def {name}|class {name}|{name}\b.*=)"
    return re.search(pattern, file.read_text(encoding="utf-8"), flags=re.MULTILINE) is not None


def test_architecture_answers_at_least_twelve_changes():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.split("## Where do I change ...")[1].split("## Glossary")[0]
    assert len([line for line in table.splitlines() if line.startswith("|")]) - 2 >= 12


def test_architecture_lists_every_folder_of_the_packages():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = text.split("```")[1]
    folders = [
        path.parent.name
        for package in ("bonefx", "train")
        for path in (ROOT / package).glob("*/__init__.py")
    ]
    assert [name for name in folders if f"{name}/" not in tree] == []


def test_version_is_the_same_everywhere():
    assert f"version: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {__version__} - " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_each_place_in_the_code_that_the_page_for_a_hospital_names_exists():
    text = (ROOT / "docs/hospital-it.md").read_text(encoding="utf-8")
    places = {name for name in CODE.findall(text) if re.match(r"(bonefx|deploy|tests)/", name)}
    assert len(places) > 20
    made = {"deploy/users.txt"}  # by the administrator
    assert sorted(place for place in places - made if not (ROOT / place).exists()) == []
