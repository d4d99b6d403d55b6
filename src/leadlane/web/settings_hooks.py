"""Who brings leads by webhook, how is it read, and what failed? Settings, Webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import orjson
from psycopg import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadlane.errors import LeadlaneError
from leadlane.i18n import N_, _, ngettext
from leadlane.intake.hooks import HookPart, MappedLead, leads_in, load_hook, map_lead, read_body, read_hook
from leadlane.intake.problems import BadValueError, Problem, problem_words
from leadlane.policy.problems import Problem as DocumentProblem
from leadlane.service import hooks as service
from leadlane.service.hook_retries import route_again
from leadlane.service.hooks import Stored
from leadlane.store import hooks
from leadlane.store.hooks import DeliveryRow, HookRow, State
from leadlane.web.page import form_of, page, text_of
from leadlane.web.render import redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import PageError, Session, leadlane_of

HOME = "/settings/hooks"
DELIVERIES = "/settings/deliveries"
# The states in the order of their tabs: what needs somebody first.
STATE_WORDS: dict[State, tuple[str, str]] = {
    "failed": (N_("Failed"), "bad"),
    "received": (N_("Waits"), "info"),
    "routed": (N_("Routed"), "good"),
    "ignored": (N_("Ignored"), "plain"),
    "program": (N_("From a program"), "plain"),
}
TOLD_WORDS = {
    "secret": N_("The secret of the sender"),
    "verify_token": N_("The verify token"),
}
SAMPLE_KINDS = {
    "application/json": N_("JSON"),
    "application/x-www-form-urlencoded": N_("fields of a form"),
}
PER_PAGE = 50
MOST_AT_ONCE = 500
_SOURCE = "mapping"


@dataclass(frozen=True, slots=True)
class Tried:
    """What a sample delivery becomes: its leads as they are mapped, and what is wrong."""

    leads: Sequence[MappedLead] = ()
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A mapping that is being written: its text, what is wrong with it, and what a sample becomes."""

    text: str
    sample: str = ""
    kind: str = "application/json"
    problems: Sequence[DocumentProblem] = ()
    other: Mapping[str, str] = field(default_factory=dict)
    is_checked: bool = False
    tried: Tried | None = None


# ---------------------------------------------------------------- all of them


def show_hooks(request: Request, _session: Session) -> Response:
    """Every webhook: what it brought last, what waits and failed, and who was not let in."""
    with leadlane_of(request).pool.connection() as connection:
        rows = hooks.hooks(connection)
        counts = hooks.open_counts(connection)
        last = hooks.last_received(connection)
    return show(
        request,
        "settings/hooks.html",
        hooks=[(row, load_hook(row.source)) for row in rows],
        counts=counts,
        last=last,
    )


def show_new(request: Request, _session: Session) -> Response:
    """A new webhook: choose what it is like, then change that."""
    known = examples()
    chosen = request.query_params.get("example", "")
    return _editor(request, None, Draft(known.get(chosen, "")), chosen if chosen in known else "")


def make_hook(request: Request, _session: Session) -> Response:
    """Check or store a new mapping."""
    return _edit(request, None)


# Names of services are not translated.
_EXAMPLE_WORDS = {
    "hubspot_forms": "HubSpot Forms",
    "linkedin_lead_gen": "LinkedIn Lead Gen",
    "meta_lead_ads": "Meta Lead Ads",
}


@cache
def examples() -> Mapping[str, str]:
    """The mappings to begin with, by name."""
    folder = files("leadlane") / "reference" / "hooks"
    found = {one.name.removesuffix(".yaml"): one.read_text(encoding="utf-8") for one in folder.iterdir()}
    return dict(sorted(found.items()))


def example_words(name: str) -> str:
    """What an example is for: the service as it writes itself."""
    return _EXAMPLE_WORDS.get(name) or name.replace("_", " ").capitalize()


# ---------------------------------------------------------------- one of them


def show_hook(request: Request, _session: Session) -> Response:
    """A webhook: its address, and what it brought, in one state or all."""
    row = _of(request)
    asked = request.query_params.get("state", "")
    state = next((one for one in STATE_WORDS if one == asked), None)
    with leadlane_of(request).pool.connection() as connection:
        counts = hooks.open_counts(connection).get(row.name, {})
        found = hooks.newest(connection, row.name, state, PER_PAGE + 1, _before(request))
    hook = load_hook(row.source)
    here = f"{HOME}/{row.name}"
    tabs: list[tuple[str, str, int | None]] = [(here, _("All"), None)]
    tabs += [
        (f"{here}?state={one}", _(words), counts.get(one, 0) if one in ("failed", "received") else None)
        for one, (words, _tone) in STATE_WORDS.items()
    ]
    return show(
        request,
        "settings/hook.html",
        live=["health"],
        row=row,
        hook=hook,
        address=_address(request, service.PATH + row.name),
        has_key=hook.signature.scheme == "address",
        deliveries=found[:PER_PAGE],
        older=found[PER_PAGE - 1].id if len(found) > PER_PAGE else None,
        failed=counts.get("failed", 0),
        tabs=tabs,
        tab=f"{here}?state={state}" if state else here,
        state_words=STATE_WORDS,
        reason=_first_reason,
    )


def show_mapping(request: Request, _session: Session) -> Response:
    """The mapping of a webhook, to be changed; with a delivery of it at hand, if one is to be mended."""
    row = _of(request)
    asked = request.query_params.get("delivery", "")
    if not (asked.isascii() and asked.isdecimal() and len(asked) < 19):
        return _editor(request, row, Draft(row.source))
    with leadlane_of(request).pool.connection() as connection:
        found = hooks.delivery(connection, int(asked))
    if found is None or found.hook != row.name or found.body is None:
        return _editor(request, row, Draft(row.source))
    kind = next((one for one in SAMPLE_KINDS if found.content_type.startswith(one)), "application/json")
    return _editor(request, row, Draft(row.source, _body(found) or "", kind))


def change_mapping(request: Request, _session: Session) -> Response:
    """Check or store the mapping of a webhook."""
    return _edit(request, _of(request))


def retry_failed(request: Request, _session: Session) -> Response:
    """Route what failed again, the oldest first, by the mapping as it is now."""
    row, leadlane = _of(request), leadlane_of(request)
    with leadlane.pool.connection() as connection:
        numbers = [one.id for one in hooks.newest(connection, row.name, "failed", MOST_AT_ONCE)][::-1]
        outcomes = [route_again(connection, leadlane.books, number, leadlane.now()) for number in numbers]
    routed = sum(one is not None and one.state not in ("failed", "received") for one in outcomes)
    words = ngettext("{n} of {total} is done.", "{n} of {total} are done.", routed)
    told = words.format(n=routed, total=len(outcomes))
    return redirect(f"{HOME}/{row.name}?state=failed", told, tone="good" if routed else "bad")


# ---------------------------------------------------------------- a delivery


def show_delivery(request: Request, _session: Session) -> Response:
    """A delivery as it came, and what is wrong with it."""
    row = _delivery_of(request)
    return show(
        request,
        "settings/delivery.html",
        row=row,
        problems=[problem_words(Problem(**one)) for one in row.problems],
        body=_body(row),
        state_words=STATE_WORDS,
    )


def retry_delivery(request: Request, _session: Session) -> Response:
    """Route a delivery again, by the mapping as it is now."""
    leadlane, row = leadlane_of(request), _delivery_of(request)
    with leadlane.pool.connection() as connection:
        outcome = route_again(connection, leadlane.books, row.id, leadlane.now())
    to = f"{DELIVERIES}/{row.id}"
    if outcome is None or outcome.state in ("failed", "received"):
        return redirect(to, _("It still cannot be routed."), tone="bad")
    return redirect(to, _("It is done: {state}.").format(state=_(STATE_WORDS[outcome.state][0])))


def _body(row: DeliveryRow) -> str | None:
    if row.body is None:
        return None
    try:
        return orjson.dumps(orjson.loads(row.body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return row.body.decode(errors="replace")


def _first_reason(row: DeliveryRow) -> str:
    return problem_words(Problem(**row.problems[0])) if row.problems else ""


# ---------------------------------------------------------------- writing a mapping


def _edit(request: Request, row: HookRow | None) -> Response:
    leadlane = leadlane_of(request)
    text = _lines(request, "text")
    draft = Draft(text, _lines(request, "sample"), text_of(request, "kind"))
    with leadlane.pool.connection() as connection:
        hook, problems = read_hook(text, _SOURCE, service.known_fields(connection, leadlane.books))
        other = _unfit(connection, request, row, hook)
    tried = _try(hook, draft) if hook is not None and draft.sample else None
    draft = Draft(text, draft.sample, draft.kind, problems, other, True, tried)
    if text_of(request, "do") == "check":
        return _editor(request, row, draft)
    if hook is None or other:
        return _editor(request, row, draft, status=422)
    try:
        with leadlane.pool.connection() as connection:
            stored = service.put(
                connection,
                text,
                leadlane.now(),
                secret=text_of(request, "secret") or None,
                generate=bool(text_of(request, "generate")),
                source=_SOURCE,
            )
    except LeadlaneError as error:
        other = {"secret": f"{error.message} {error.hint}".strip()}
        return _editor(request, row, Draft(text, draft.sample, draft.kind, problems, other), status=422)
    return _stored(request, stored)


def _unfit(
    connection: Connection, request: Request, row: HookRow | None, hook: HookPart | None
) -> dict[str, str]:
    """What keeps a sound mapping from being stored here, by field."""
    if hook is None or text_of(request, "do") == "check":
        return {}
    if row is not None and hook.hook != row.name:
        text = _("Its name is {name}, and senders call it by that: leave the line hook: {name} as it is.")
        return {"text": text.format(name=row.name)}
    if row is None and hooks.hook(connection, hook.hook) is not None:
        text = _("There is a webhook {name} already: give this one another name in the line hook:")
        return {"text": text.format(name=hook.hook)}
    is_given = text_of(request, "secret") or text_of(request, "generate")
    is_made = hook.signature.scheme in service.SHARED
    if not is_given and not is_made and service.needs_secret(connection, hook, leadlane_of(request).now()):
        return {"secret": _("Paste the secret that the sender signs with, or have one made.")}
    return {}


def _stored(request: Request, stored: Stored) -> Response:
    name = stored.hook.hook
    if not stored.told:
        return redirect(f"{HOME}/{name}", _("The webhook {name} is stored.").format(name=name))
    # Not sent on to another page: the secret must stand in no address of ours.
    return show(
        request,
        "settings/hook_stored.html",
        hook=stored.hook,
        address=_address(request, stored.path),
        given=stored.told,
        told_words=TOLD_WORDS,
    )


def _try(hook: HookPart, draft: Draft) -> Tried:
    try:
        found = leads_in(hook, read_body(draft.sample.encode(), draft.kind))
    except BadValueError as error:
        return Tried(problems=[Problem("", "", error.reason, error.suggestion)])
    mapped = [map_lead(hook, one) for one in found]
    return Tried(
        [lead for lead, _wrong in mapped if lead is not None],
        [one for _lead, wrong in mapped for one in wrong],
    )


def _editor(
    request: Request, row: HookRow | None, draft: Draft, example: str = "", status: int = 200
) -> Response:
    return show(
        request,
        "settings/hook_edit.html",
        status,
        row=row,
        draft=draft,
        example=example,
        examples=[(name, example_words(name)) for name in examples()],
        kinds=[(kind, _(words)) for kind, words in SAMPLE_KINDS.items()],
        problem_words=problem_words,
        plain=_plain,
        action=f"{HOME}/{row.name}/mapping" if row is not None else f"{HOME}/new",
    )


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def _lines(request: Request, name: str) -> str:
    """A text of several lines as it was written; browsers end each with CR and LF."""
    value = form_of(request).get(name)
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""


def _address(request: Request, path: str) -> str:
    base = leadlane_of(request).settings.public_url or str(request.base_url).rstrip("/")
    return base + path


def _of(request: Request) -> HookRow:
    with leadlane_of(request).pool.connection() as connection:
        found = hooks.hook(connection, request.path_params["hook"])
    if found is None:
        raise PageError(404, _("There is no such webhook"))
    return found


def _delivery_of(request: Request) -> DeliveryRow:
    with leadlane_of(request).pool.connection() as connection:
        found = hooks.delivery(connection, min(request.path_params["number"], 2**63 - 1))
    if found is None:
        raise PageError(404, _("There is no such delivery"))
    return found


def _before(request: Request) -> int | None:
    text = request.query_params.get("before", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


PAGES = (
    page(HOME, show_hooks, capability=Capability.SETTINGS),
    page(HOME + "/new", show_new, capability=Capability.SETTINGS),
    page(HOME + "/new", make_hook, capability=Capability.SETTINGS, method="POST"),
    page(HOME + "/{hook}", show_hook, capability=Capability.SETTINGS),
    page(HOME + "/{hook}/mapping", show_mapping, capability=Capability.SETTINGS),
    page(HOME + "/{hook}/mapping", change_mapping, capability=Capability.SETTINGS, method="POST"),
    page(HOME + "/{hook}/again", retry_failed, capability=Capability.SETTINGS, method="POST"),
    page(DELIVERIES + "/{number:int}", show_delivery, capability=Capability.SETTINGS),
    page(DELIVERIES + "/{number:int}/again", retry_delivery, capability=Capability.SETTINGS, method="POST"),
)
