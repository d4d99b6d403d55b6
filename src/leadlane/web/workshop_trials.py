"""What would a draft do? A lead tried by hand, the last leads decided again, the scenarios run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from psycopg import Connection
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from leadlane.core.facts import FieldSpec
from leadlane.core.policy import IntentItem, Policy
from leadlane.i18n import N_, _, current_language, ngettext
from leadlane.policy.words import field_words
from leadlane.scenarios.first import first_scenario
from leadlane.scenarios.kept import run_kept, standing_for
from leadlane.scenarios.stage import open_stage
from leadlane.service import drafts, past_leads, workshop_runs
from leadlane.service.rulebooks import field_specs
from leadlane.service.try_lead import Tried, try_lead
from leadlane.service.workshop_runs import Asked
from leadlane.store import workshop
from leadlane.web.page import form_of, page, text_of
from leadlane.web.render import redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import PageError, Session, leadlane_of
from leadlane.web.words import zone_of
from leadlane.web.workshop import HOME, signs_as, views

TRY, PAST, SCENARIOS = f"{HOME}/try", f"{HOME}/past", f"{HOME}/scenarios"
# What most leads say; the other fields stand below.
_FIRST = ("email", "company", "country", "industry", "employees", "source", "deal_value")
_COUNTS = (100, 500, past_leads.MOST)
_COMPARED = {
    "segment": N_("Segment"),
    "route": N_("Route"),
    "destination": N_("Where to"),
    "service_level": N_("Service level"),
    "owner": N_("Who"),
}
_MOST_SHOWN = 200
_LONGEST_SCENARIO = 200_000
_MOST_SCENARIOS = 500
_NOTHING = MappingProxyType({"name": "", "text": ""})
_NAME = re.compile(r"[^\w.-]+")


def _mended(text: str) -> Policy:
    """The policy that a draft says. PageError (422) while it has errors."""
    policy = drafts.read(text)
    if policy is None:
        raise PageError(
            422,
            _("The draft has errors"),
            _("Mend them first: they stand beside the draft, with their lines."),
        )
    return policy


# ---------------------------------------------------------------- a lead by hand


def show_try(request: Request, session: Session) -> Response:
    """The form, and, where it was sent, what would happen."""
    leadlane, form = leadlane_of(request), form_of(request)
    tried, problems, has_errors = None, {}, False
    given = {name: value for name, value in form.items() if isinstance(value, str)}
    chosen = [value for value in form.getlist("signal") if isinstance(value, str)]
    with leadlane.pool.connection() as connection:
        draft = drafts.open_draft(connection, session.user_id)
        policy = drafts.read(draft.text)
        book = leadlane.books.current(connection)
        if policy is None:
            has_errors, policy = True, book.policy
        elif request.method == "POST":
            tried, found = try_lead(
                connection,
                book,
                policy,
                _raw(policy, given, chosen),
                zone_of(session.zone),
                leadlane.now(),
            )
            problems = {one.field: f"{one.reason} {one.suggestion}".strip() for one in found}
    specs = field_specs(policy)
    first = [specs[name] for name in _FIRST if name in specs] + list(policy.fields.values())
    return show(
        request,
        "workshop/try.html",
        422 if problems else 200,
        views=views(),
        draft=draft,
        has_errors=has_errors,
        first=[_asked_for(spec, given) for spec in first],
        others=[_asked_for(spec, given) for spec in specs.values() if spec not in first],
        signals=_signals(policy),
        given=given,
        chosen=chosen,
        problems=problems,
        tried=tried,
        lines=_lines(tried) if tried else [],
        same=[(line["what"], line["after"]) for line in _lines(tried)] if tried else [],
    )


def _asked_for(spec: FieldSpec, given: Mapping[str, str]) -> dict[str, Any]:
    """A field of the form: what it is called, what was typed, and its values where they are few."""
    yes_no = [("true", _("yes")), ("false", _("no"))]
    choices = yes_no if spec.type == "boolean" else [(value, value) for value in spec.values]
    return {
        "name": spec.name,
        "label": field_words(spec.name),
        "value": given.get(spec.name, ""),
        "choices": choices,
    }


def _signals(policy: Policy) -> list[IntentItem]:
    """What the policy asks about, each once, as often as it takes at most."""
    items = [item for items in policy.intent.values() for item in items]
    return list({item.signal: item for item in sorted(items, key=lambda item: item.count)}.values())


def _raw(policy: Policy, given: Mapping[str, str], chosen: list[str]) -> dict[str, Any]:
    """A lead as an entrance would take it."""
    specs: Mapping[str, FieldSpec] = field_specs(policy)
    counts = {item.signal: item.count for item in _signals(policy)}
    signals = [name for name in chosen for _n in range(counts.get(name, 1))]
    signals += [one.strip() for one in given.get("signals", "").split(",") if one.strip()]
    fields = {name: value for name in specs if (value := given.get(name, "").replace("\0", "").strip())}
    return {**fields, "signals": signals} if signals else fields


def _lines(tried: Tried) -> list[dict[str, Any]]:
    """What was compared: under the policy in force, and under the draft."""
    pairs = {name: (getattr(tried.before, name), getattr(tried.after, name)) for name in _COMPARED}
    return [
        {"what": _(_COMPARED[name]), "before": old or "–", "after": new or "–", "differs": old != new}
        for name, (old, new) in pairs.items()
    ]


# ---------------------------------------------------------------- the last leads


def show_past(request: Request, session: Session) -> Response:
    """What would have been decided differently, as far as it is known by now."""
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        draft = drafts.open_draft(connection, session.user_id)
        run = workshop.run(connection, session.user_id, "past")
    past = past_leads.read_past(run.result) if run and run.result else None
    wanted = request.query_params.get("route", "")
    differing = past.differing if past else []
    shown = [one for one in differing if not wanted or f"{one.before.route}>{one.after.route}" == wanted]
    moved = {
        name: [row for row in past.moved if row[0] == name] if past else [] for name in past_leads.COMPARED
    }
    policy = drafts.read(draft.text)
    return show(
        request,
        "workshop/past.html",
        views=views(),
        draft=draft,
        has_errors=policy is None,
        run=run,
        is_running=workshop_runs.is_running(run, leadlane.now()),
        is_of_this=run is not None and policy is not None and run.version == policy.version,
        past=past,
        shown=shown[:_MOST_SHOWN],
        found=len(shown),
        wanted=wanted,
        moved=moved,
        titles={name: _(title) for name, title in _COMPARED.items()},
        counts=_COUNTS,
    )


def start_past(request: Request, session: Session) -> Response:
    """Begin to decide the last leads again."""
    leadlane, said = leadlane_of(request), text_of(request, "count")
    count = int(said) if said in map(str, _COUNTS) else _COUNTS[0]
    with leadlane.pool.connection() as connection:
        policy = _mended(drafts.open_draft(connection, session.user_id).text)

    def work(report: workshop_runs.Report) -> Any:
        with leadlane.pool.connection() as connection:
            return past_leads.as_json(past_leads.decide_again(connection, policy, count, report))

    workshop_runs.start(leadlane.pool, leadlane.now, _asked(session, "past", policy), work)
    return redirect(PAST)


def _asked(session: Session, kind: workshop.RunKind, policy: Policy) -> Asked:
    return Asked(session.user_id, kind, policy.version, current_language())


# ---------------------------------------------------------------- scenarios


def show_scenarios(request: Request, session: Session) -> Response:
    """The scenarios that are kept, and how the last run of them went."""
    return _scenarios(request, session)


def _scenarios(
    request: Request,
    session: Session,
    status: int = 200,
    given: Mapping[str, str] = _NOTHING,
    problem: str = "",
) -> Response:
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        draft = drafts.open_draft(connection, session.user_id)
        kept = workshop.scenarios(connection)
        run = workshop.run(connection, session.user_id, "scenarios")
    results = {one["file"]: one for one in run.result} if run and run.result else {}
    policy = drafts.read(draft.text)
    return show(
        request,
        "workshop/scenarios.html",
        status,
        views=views(),
        draft=draft,
        has_errors=policy is None,
        kept=kept,
        run=run,
        results=results,
        failed=sum(one["outcome"] != "passed" for one in results.values()),
        is_running=workshop_runs.is_running(run, leadlane.now()),
        is_of_this=run is not None and policy is not None and run.version == policy.version,
        given=given,
        problem=problem,
    )


def start_scenarios(request: Request, session: Session) -> Response:
    """Begin to run all of them under the draft."""
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        text = drafts.open_draft(connection, session.user_id).text
        policy = _mended(text)
        kept = {one.name: one.content for one in workshop.scenarios(connection)}
        instead = standing_for(connection, text)
    if not kept:
        return redirect(SCENARIOS, _("There are no scenarios yet. Add one first."), tone="bad")

    def work(report: workshop_runs.Report) -> Any:
        return run_kept(leadlane.url, kept, instead, report)

    workshop_runs.start(leadlane.pool, leadlane.now, _asked(session, "scenarios", policy), work)
    return redirect(SCENARIOS)


def add_scenarios(request: Request, session: Session) -> Response:
    """Keep what was pasted or uploaded."""
    leadlane = leadlane_of(request)
    texts, problem = _sent(request)
    if problem:
        given = {"name": text_of(request, "name"), "text": text_of(request, "text")}
        return _scenarios(request, session, 422, given, problem)
    with leadlane.pool.connection() as connection, connection.transaction():
        if len(workshop.scenarios(connection)) + len(texts) > _MOST_SCENARIOS:
            raise PageError(
                422,
                _("These are too many scenarios"),
                _("At most {most} are kept. Remove some first.").format(most=_MOST_SCENARIOS),
            )
        for name, text in texts.items():
            workshop.keep_scenario(connection, name, text, signs_as(session), leadlane.now())
    told = ngettext("{n} scenario is kept.", "{n} scenarios are kept.", len(texts)).format(n=len(texts))
    return redirect(SCENARIOS, told)


def _sent(request: Request) -> tuple[dict[str, str], str]:
    """The scenarios that were sent, by name, or what is wrong with them."""
    texts: dict[str, str] = {}
    for file in form_of(request).getlist("file"):
        if isinstance(file, UploadFile) and file.filename:
            content = file.file.read(_LONGEST_SCENARIO + 1)
            texts[_name(PurePath(file.filename).name)] = content.decode("utf-8", "replace").replace(
                "\0", "\ufffd"
            )
    if pasted := text_of(request, "text"):
        name = text_of(request, "name")
        if not name:
            return {}, _("Give it a name, such as hot_leads.yaml.")
        texts[_name(name)] = pasted.replace("\r\n", "\n") + "\n"
    if not texts:
        return {}, _("Paste a scenario, or choose files.")
    if too_long := next((name for name, text in texts.items() if len(text) > _LONGEST_SCENARIO), None):
        return {}, _("{name} is too long: at most {most} characters.").format(
            name=too_long, most=_LONGEST_SCENARIO
        )
    return texts, ""


def _name(said: str) -> str:
    """A name as a file may have it."""
    name = _NAME.sub("_", said).strip("._")[:80] or "scenario"
    return name if name.endswith((".yaml", ".yml")) else f"{name}.yaml"


def make_first(request: Request, session: Session) -> Response:
    """Keep a scenario of what the policy in force does at present."""
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection, open_stage(leadlane.url) as stage:
        text = first_scenario(connection, stage, leadlane.now())
        workshop.keep_scenario(connection, "first.yaml", text, signs_as(session), leadlane.now())
    return redirect(
        SCENARIOS, _("first.yaml says what the policy in force does now. Change what you expect.")
    )


def show_scenario(request: Request, session: Session) -> Response:
    """One scenario, to be read and changed."""
    with leadlane_of(request).pool.connection() as connection:
        kept = _kept(connection, request)
        run = workshop.run(connection, session.user_id, "scenarios")
    results = {one["file"]: one for one in run.result} if run and run.result else {}
    found = results.get(kept.name) if run and run.started_at > kept.changed_at else None
    problems = [
        {"line": one["line"], "column": one.get("column", 1), "severity": "error", "message": one["message"]}
        for one in _told(found)
    ]
    return show(request, "workshop/scenario.html", kept=kept, result=found, problems=problems)


def _told(result: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """What is wrong in the text of a scenario, with its lines."""
    if result is None:
        return []
    wrong = [
        {
            **one,
            "message": " – ".join(
                filter(None, (one["path"], one["found"], one["expected"], one["suggestion"]))
            ),
        }
        for one in result["problems"]
    ]
    return [*wrong, *result["failures"]]


def keep_scenario(request: Request, session: Session) -> Response:
    """Keep a scenario as it reads now."""
    leadlane = leadlane_of(request)
    sent = form_of(request).get("text")
    text = sent.replace("\r\n", "\n").replace("\0", "\ufffd") if isinstance(sent, str) else ""
    with leadlane.pool.connection() as connection:
        kept = _kept(connection, request)
        if len(text) > _LONGEST_SCENARIO:
            most = _("At most {most} characters are kept.").format(most=_LONGEST_SCENARIO)
            raise PageError(422, _("This is too large"), most)
        workshop.keep_scenario(connection, kept.name, text, signs_as(session), leadlane.now())
    return redirect(f"{SCENARIOS}/{quote(kept.name)}", _("Kept."))


def remove_scenario(request: Request, _session: Session) -> Response:
    """Run a scenario no more."""
    with leadlane_of(request).pool.connection() as connection:
        kept = _kept(connection, request)
        workshop.remove_scenario(connection, kept.name, removed=True)
    told = _("{name} is removed.").format(name=kept.name)
    return redirect(SCENARIOS, told, undo=f"{SCENARIOS}/{quote(kept.name)}/restore")


def restore_scenario(request: Request, _session: Session) -> Response:
    """Take back a scenario that was removed."""
    name = request.path_params["name"]
    with leadlane_of(request).pool.connection() as connection:
        if not workshop.remove_scenario(connection, name, removed=False):
            raise _no_scenario()
    return redirect(SCENARIOS, _("{name} is back.").format(name=name))


def _kept(connection: Connection, request: Request) -> workshop.ScenarioRow:
    kept = workshop.scenario(connection, request.path_params["name"])
    if kept is None:
        raise _no_scenario()
    return kept


def _no_scenario() -> PageError:
    return PageError(404, _("There is no such scenario"), _("It may have been removed meanwhile."))


_EDIT: dict[str, Any] = {"capability": Capability.EDIT_POLICY}

PAGES = (
    page(TRY, show_try, **_EDIT),
    page(TRY, show_try, method="POST", **_EDIT),
    page(PAST, show_past, **_EDIT),
    page(PAST, start_past, method="POST", **_EDIT),
    page(SCENARIOS, show_scenarios, **_EDIT),
    page(SCENARIOS, add_scenarios, method="POST", **_EDIT),
    page(f"{HOME}/run-scenarios", start_scenarios, method="POST", **_EDIT),
    page(f"{HOME}/first-scenario", make_first, method="POST", **_EDIT),
    page(f"{SCENARIOS}/{{name}}", show_scenario, **_EDIT),
    page(f"{SCENARIOS}/{{name}}", keep_scenario, method="POST", **_EDIT),
    page(f"{SCENARIOS}/{{name}}/remove", remove_scenario, method="POST", **_EDIT),
    page(f"{SCENARIOS}/{{name}}/restore", restore_scenario, method="POST", **_EDIT),
)
