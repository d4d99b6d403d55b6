"""What can be set up here, how is it, and what comes first? Settings, health, and the first steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

from psycopg import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadlane.i18n import N_, _, ngettext
from leadlane.outbound.endpoints import read_outbound
from leadlane.service.checkup import disk_line, look_over
from leadlane.service.first_steps import first_steps, is_ready
from leadlane.service.ways import set_up
from leadlane.store import api_keys, deliveries, hooks
from leadlane.web.page import page
from leadlane.web.render import redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import Leadlane, Session, leadlane_of

HOME = "/settings"
HEALTH = "/settings/health"
START = "/start"
FIRST_STEPS = "/settings/first-steps"


@dataclass(frozen=True, slots=True)
class Section:
    """A page of the settings; `label` and `text` are to be translated where they are shown."""

    path: str
    label: str
    text: str
    icon: str


SECTIONS = (
    Section("/settings/users", N_("Users"), N_("Who may sign in, and as what"), "users"),
    Section("/settings/keys", N_("API keys"), N_("Programs that use Leadlane over HTTP"), "key-round"),
    Section("/settings/channels", N_("Channels"), N_("How people and systems are told"), "send"),
    Section("/settings/messages", N_("Messages"), N_("What was sent, and what did not arrive"), "mail"),
    Section("/settings/hooks", N_("Webhooks"), N_("Forms and systems that bring leads"), "webhook"),
    Section(
        "/settings/import", N_("Import"), N_("People, accounts, contacts and leads from a file"), "upload"
    ),
    Section(HEALTH, N_("Health"), N_("Whether everything is as it must be"), "shield-check"),
    Section(FIRST_STEPS, N_("First steps"), N_("From chaos to routing, in five steps"), "list-checks"),
)
# Of a finding: the tone of its badge, and the word on it.
VERDICTS = {
    "bad": ("bad", N_("Mend this")),
    "warning": ("warn", N_("Look at this")),
    "good": ("good", N_("Good")),
}


def show_settings(request: Request, session: Session) -> Response:
    """All there is to set up, with what needs somebody; who may only see the health is sent there."""
    if not session.may(Capability.SETTINGS):
        return redirect(HEALTH)
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        states = _states(connection, leadlane)
    return show(request, "settings/settings.html", sections=SECTIONS, states=states)


def _states(connection: Connection, leadlane: Leadlane) -> Mapping[str, tuple[str, str]]:
    """What is to be said beside a section: a tone and words."""
    keys = len(api_keys.valid_keys(connection))
    ways = set_up(leadlane.settings, read_outbound(leadlane.settings)).ways
    down = [one for one in deliveries.channels(connection).values() if one.down_since is not None]
    unsent = deliveries.counts(connection, ("uncertain", "dead"))
    unrouted = hooks.unrouted(connection)
    said = {
        "/settings/keys": ("plain", ngettext("{n} key", "{n} keys", keys).format(n=keys)),
        "/settings/channels": ("good", ngettext("{n} set up", "{n} set up", len(ways)).format(n=len(ways))),
    }
    if not ways:
        said["/settings/channels"] = ("warn", _("none set up"))
    if broken := [one for one in down if one.name in ways]:
        words = ngettext("{n} does not work", "{n} do not work", len(broken))
        said["/settings/channels"] = ("bad", words.format(n=len(broken)))
    if lost := sum(unsent.values()):
        words = ngettext("{n} to look at", "{n} to look at", lost)
        said["/settings/messages"] = ("warn", words.format(n=lost))
    if failed := unrouted["failed"]:
        words = ngettext("{n} delivery failed", "{n} deliveries failed", failed)
        said["/settings/hooks"] = ("warn", words.format(n=failed))
    return said


def show_health(request: Request, session: Session) -> Response:
    """Everything that was looked at, the worst first; what reads every lead only where it is asked for."""
    leadlane = leadlane_of(request)
    is_whole = "all" in request.query_params and session.may(Capability.SETTINGS)
    with leadlane.pool.connection() as connection:
        found = [
            disk_line(leadlane.settings.data_dir),
            *look_over(connection, leadlane.books, leadlane.settings, leadlane.now(), wholly=is_whole),
        ]
    order = list(VERDICTS)
    return show(
        request,
        "settings/health.html",
        found=sorted(found, key=lambda line: order.index(line.verdict)),
        to_mend=sum(line.verdict == "bad" for line in found),
        to_see=sum(line.verdict == "warning" for line in found),
        verdicts=VERDICTS,
        is_whole=is_whole,
        may_settings=session.may(Capability.SETTINGS),
        version=version("leadlane"),
    )


def start(request: Request, session: Session) -> Response:
    """Where an admin begins: the first steps, until leads can be routed."""
    with leadlane_of(request).pool.connection() as connection:
        if is_ready(connection):
            return redirect("/now")
    return show_first_steps(request, session)


def show_first_steps(request: Request, _session: Session) -> Response:
    """The five steps, which of them are done, and where each is made."""
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        steps = first_steps(connection, leadlane.books, leadlane.settings)
    there = request.scope["pages"]
    return show(
        request,
        "settings/first_steps.html",
        steps=steps,
        has_workshop="/workshop" in there,
        has_coverage="/coverage" in there,
        has_reports="/reports" in there,
    )


PAGES = (
    page(START, start, capability=Capability.SETTINGS),
    page(HOME, show_settings, capability=Capability.SEE_HEALTH),
    page(HEALTH, show_health, capability=Capability.SEE_HEALTH),
    page(FIRST_STEPS, show_first_steps, capability=Capability.SETTINGS),
)
