"""Where can one go from here? The main places of Leadlane, and which of them somebody sees."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from leadlane.i18n import N_
from leadlane.web.roles import Capability
from leadlane.web.session import Session


@dataclass(frozen=True, slots=True)
class Place:
    """A main place. `key` goes there after `g`; `label` is to be translated where it is shown."""

    path: str
    label: str
    icon: str
    key: str
    capability: Capability


WORK = (
    Place("/my-leads", N_("My leads"), "inbox", "m", Capability.SEE_OWN_LEADS),
    Place("/whose", N_("Whose is it?"), "search", "w", Capability.ASK_WHOSE),
    Place("/now", N_("Now"), "activity", "n", Capability.SEE_NOW),
    Place("/review", N_("Review"), "list-checks", "r", Capability.REVIEW),
)
KNOW = (
    Place("/rulebook", N_("Rulebook"), "book-open", "b", Capability.READ_RULES),
    Place("/territories", N_("Territories"), "map", "t", Capability.READ_RULES),
    Place("/people", N_("People"), "users", "p", Capability.SEE_PEOPLE),
    Place("/coverage", N_("Coverage"), "calendar-clock", "c", Capability.SEE_PEOPLE),
    Place("/reports", N_("Reports"), "chart-column", "i", Capability.READ_REPORTS),
)
RUN = (
    Place("/workshop", N_("Policy workshop"), "flask-conical", "o", Capability.EDIT_POLICY),
    Place("/settings", N_("Settings"), "settings", "s", Capability.SEE_HEALTH),
)
GROUPS = (("", WORK), (N_("Know"), KNOW), (N_("Run"), RUN))
# Where each role begins, the first that there is.
HOMES = {
    "admin": ("/start", "/now", "/my-leads", "/settings/users"),
    "manager": ("/now", "/my-leads"),
    "rep": ("/my-leads",),
    "viewer": ("/whose", "/rulebook", "/account"),
}


def places(session: Session, there: Collection[str]) -> list[tuple[str, list[Place]]]:
    """The places that somebody may go to, in groups with their headings; `there` are all addresses."""
    seen = [
        (label, [place for place in group if place.path in there and session.may(place.capability)])
        for label, group in GROUPS
    ]
    return [(label, group) for label, group in seen if group]


def home(session: Session, there: Collection[str]) -> str:
    """Where somebody begins."""
    return next((path for path in HOMES[session.role] if path in there), "/account")
