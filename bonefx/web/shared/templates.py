"""HTML of the screens from Jinja2 templates, every value escaped."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("bonefx.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, **values: Any) -> str:
    """Render one of bonefx/web/templates, such as "read/verdict.html.j2".

    Args:
        template: Path inside the folder of templates.
        values: For the template; text is escaped, markupsafe.Markup is not.
    """
    return _environment().get_template(template).render(**values).strip()
