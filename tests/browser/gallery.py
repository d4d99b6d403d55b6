"""Every component on one page, to be looked at and measured. Only in tests, and in `tools/screenshots.py`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from jinja2 import Template
from starlette.requests import Request
from starlette.responses import Response

from leadlane.web.page import page, text_of
from leadlane.web.render import environment, redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import Session, leadlane_of

_HERE = Path(__file__).parent
_made = [0]


def show_gallery(request: Request, _session: Session) -> Response:
    """The page."""
    _made[0] += 1
    now = leadlane_of(request).now()
    names = ["Ewa Pawlik", "Łukasz Żurek", "<script>alert(1)</script>"]
    moments = [now + timedelta(minutes=12 * n - 6) for n in range(3)]
    template = _template("gallery.html")
    rows = list(zip(names, moments, strict=True))
    return show(request, template, live=["person:anna"], rows=rows, made=_made[0])


def act(request: Request, _session: Session) -> Response:
    """An act that can be undone."""
    return redirect(text_of(request, "next"), told="Done.", undo="/gallery/act")


def show_dialog(request: Request, _session: Session) -> Response:
    """A form of its own."""
    return show(request, _template("gallery_dialog.html"), reason="", problem="")


def send_dialog(request: Request, _session: Session) -> Response:
    """What was filled in."""
    reason = text_of(request, "reason")
    if len(reason) < 5:
        return show(request, _template("gallery_dialog.html"), 422, reason=reason, problem="Please say more.")
    return redirect(text_of(request, "next"), told=f"Sent: {reason}")


def _template(name: str) -> Template:
    return environment().from_string((_HERE / name).read_text(encoding="utf-8"))


PAGES = (
    page("/gallery", show_gallery, capability=Capability.OWN_ACCOUNT),
    page("/gallery/act", act, capability=Capability.OWN_ACCOUNT, method="POST"),
    page("/gallery/dialog", show_dialog, capability=Capability.OWN_ACCOUNT),
    page("/gallery/dialog", send_dialog, capability=Capability.OWN_ACCOUNT, method="POST"),
)
