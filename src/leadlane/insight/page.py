"""How is a report shown? As one HTML page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from leadlane.i18n import _, current_language
from leadlane.insight.section import Report


def page(report: Report) -> str:
    """The report as one HTML document, for screens of any width, light and dark, and for print."""
    template = _environment().get_template("report.html")
    return template.render(report=report, language=current_language())


@cache
def _environment() -> Environment:
    loader = PackageLoader("leadlane.insight", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = loader.get_source(environment, "report.css")[0]
    # `_` is looked up when the page is made: the language belongs to who asks.
    environment.globals |= {"_": _, "style": Markup(style)}
    return environment
