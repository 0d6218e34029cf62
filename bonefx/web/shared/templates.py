"""Render the HTML of the screens from Jinja2 templates, with every value escaped."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup

BREAK_BETWEEN_TAGS = re.compile(r"(?<=[>}])\s*\n\s*(?=[<{])")


class JoinTags(Extension):
    """Remove line breaks between tags, so that a template's layout adds no space to the page."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        """Return the template without line breaks between two tags or expressions."""
        return BREAK_BETWEEN_TAGS.sub("", source)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("bonefx.web"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=[JoinTags],
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, **values: Any) -> Markup:
    """Render one of bonefx/web/templates.

    Args:
        template: Path inside the folder of templates, such as "shared/verdict.html.j2".
        values: Values for the template; text is escaped, Markup from another template is not.

    Returns:
        HTML that other templates take as it is.
    """
    return Markup(_environment().get_template(template).render(**values).strip())  # noqa: S704
