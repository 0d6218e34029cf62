"""Write the generated parts of docs/cli.md and docs/api.md.

    python -m docs.generate            write them
    python -m docs.generate --check    exit with 1 if one is not current

The text outside of the markers is written by hand.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
START, END = "<!-- generated -->", "<!-- end of generated -->"


def cli_markdown() -> str:
    """Render all commands of both command lines from their parsers."""
    from bonefx.cli.parser import build_parser as build_bonefx_parser
    from train.cli import build_parser as build_train_parser

    return "\n".join([
        "## bonefx\n", *_commands(build_bonefx_parser()),
        "## python -m train\n", *_commands(build_train_parser()),
    ])  # fmt: skip


def _commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Render each subcommand as a heading, its help and a table of its arguments."""
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        helps = {choice.dest: choice.help for choice in action._choices_actions}
        for name, command in action.choices.items():
            yield f"### {parser.prog} {name}\n"
            yield f"{_sentence(command.description or helps.get(name) or '')}\n"
            yield from _arguments(command)
            if command.epilog:
                yield f"```\n{command.epilog.strip()}\n```\n"


def _arguments(command: argparse.ArgumentParser) -> Iterator[str]:
    shown = [action for action in command._actions if action.dest != "help"]
    if not shown:
        return
    yield "| argument | meaning |"
    yield "| --- | --- |"
    for action in shown:
        meaning = " ".join((action.help or "").split()) % _expansions(action)
        required = "; required" if action.required and action.option_strings else ""
        yield f"| {_argument_name(action)} | {_cell(meaning + required)} |"
    yield ""


def _expansions(action: argparse.Action) -> dict[str, Any]:
    return vars(action) | {"choices": ", ".join(map(str, action.choices or ()))}


def _argument_name(action: argparse.Action) -> str:
    given = action.metavar
    metavar = " ".join(given) if isinstance(given, tuple) else given or action.dest
    if not action.option_strings:
        return f"`{metavar}`"
    takes_value = action.nargs != 0
    more = " ..." if action.nargs in ("+", "*") else ""
    value = f" {metavar if action.metavar else metavar.upper()}{more}" if takes_value else ""
    return ", ".join(f"`{option}{value}`" for option in action.option_strings)


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    end = "" if text.endswith((".", ":")) or not text else "."
    return f"{text[:1].upper()}{text[1:]}{end}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def api_markdown() -> str:
    """Render each table of the JSON output from its JSON schema."""
    from bonefx.report import report_records, table_records
    from bonefx.schema import describe_record

    kinds = (
        table_records.ReadingTable, table_records.ComparisonTable, table_records.RowTable,
        table_records.CaseTable, report_records.ReportTable,
    )  # fmt: skip
    tables: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        schema = describe_record(kind)
        tables[kind.__name__] = schema
        tables |= {
            name: part for name, part in schema.get("$defs", {}).items() if name not in tables
        }
    return "\n".join(line for name, table in tables.items() for line in _table(name, table))


def _table(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"{_first_paragraph(schema.get('description', ''))}\n"
    if "enum" in schema:
        yield ", ".join(f"`{value}`" for value in schema["enum"]) + "\n"
        return
    yield "| field | type | meaning |"
    yield "| --- | --- | --- |"
    for field, part in schema.get("properties", {}).items():
        meaning = _cell(" ".join(part.get("description", "").split()))
        yield f"| {field} | {_cell(_type_name(part))} | {meaning} |"
    yield ""


def _first_paragraph(text: str) -> str:
    return " ".join(text.split("\n\n", maxsplit=1)[0].split())


def _type_name(part: dict[str, Any]) -> str:
    """Name a JSON type; a named table or list of codes is a link to it."""
    if "$ref" in part:
        name = part["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in part:
        return " or ".join(dict.fromkeys(_type_name(one) for one in part["anyOf"]))
    if part.get("type") == "array":
        members = part.get("prefixItems")
        if members:
            return f"[{', '.join(map(_type_name, members))}]"
        return f"list of {_type_name(part.get('items', {}))}"
    ends = (("minimum", "from"), ("maximum", "to"))
    limits = [f"{word} {part[key]}" for key, word in ends if key in part]
    return " ".join([str(part.get("type", "any")), *limits])


def with_generated(text: str, generated: str) -> str:
    """Replace what stands between the markers of a document."""
    pattern = re.compile(f"{START}.*{END}", re.DOTALL)
    return pattern.sub(lambda _: f"{START}\n{generated.rstrip()}\n{END}", text)


def current_documents() -> dict[Path, str]:
    """Render both documents as they should be."""
    parts = {DOCS / "cli.md": cli_markdown(), DOCS / "api.md": api_markdown()}
    return {
        path: with_generated(path.read_text(encoding="utf-8"), part) for path, part in parts.items()
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Write the documents, or check them; returns 1 if a checked one is not current."""
    parser = argparse.ArgumentParser(prog="python -m docs.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(argv)
    changed = {
        path: text
        for path, text in current_documents().items()
        if path.read_text(encoding="utf-8") != text
    }
    for path, text in changed.items():
        if not options.check:
            path.write_text(text, encoding="utf-8", newline="\n")
        sys.stderr.write(f"{path.name} {'is not current' if options.check else 'written'}\n")
    return int(options.check and bool(changed))


if __name__ == "__main__":
    sys.exit(main())
