"""Whose is it? Who owns a prospect, how it stands, who would get it, and whether one may contact them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

from psycopg import Connection
from typing_extensions import TypedDict

from leadlane.core.decision import Decision
from leadlane.core.facts import WORKED_STAGES, Account, Lead, Roster, Signal
from leadlane.core.match import Keys, find_match
from leadlane.core.ownership import Claims, Hold, Verdict, may_contact
from leadlane.core.policy import Route
from leadlane.core.routing import judge
from leadlane.core.rulebook import Rulebook
from leadlane.errors import LeadlaneError
from leadlane.explain.likeness import likeness_words
from leadlane.explain.ownership import answer_words, because_words
from leadlane.explain.reasons import reason_words
from leadlane.explain.speech import destination_words, person_words
from leadlane.i18n import _
from leadlane.intake.leads import read_lead
from leadlane.intake.problems import Problem, did_you_mean
from leadlane.policy.words import duration_words
from leadlane.service.prospects import ClueError, Clues, Found, find, person_name, read_clues, read_query
from leadlane.service.rulebooks import field_specs
from leadlane.service.submission import Submission, submission
from leadlane.service.what_if import known_company, what_if
from leadlane.store import accounts, ownership
from leadlane.store.codec import read_fields
from leadlane.store.ownership import LastTouch, LeadCard

MOST_SHOWN = 5
MOST_PROSPECTS = 20
# What a lead says of its company rather than of its person.
_OF_COMPANY = (
    "company", "company_domain", "website", "country", "region", "city", "industry", "employees",
    "annual_revenue", "tech_stack",
)  # fmt: skip


class PersonRef(TypedDict):
    """A person of the roster."""

    id: str
    name: str


class AnswerWords(TypedDict):
    """Whether whoever asks may contact them. `because` is a code, the words are for people."""

    answer: Literal["yes", "ask", "no"]
    ask: PersonRef | None
    because: str
    answer_words: str
    words: str


class TouchRef(TypedDict):
    """The last touch: when, by whom, how."""

    at: datetime
    person: PersonRef | None
    kind: str


class AccountRef(TypedDict):
    """The account of a prospect's company, and its owner; of a customer whoever holds the relationship."""

    id: str
    name: str
    customer: bool
    named: bool
    owner: PersonRef | None


class TerritoryView(TypedDict):
    """A segment of the policy: the team that serves it, and that team's manager, who owns the territory."""

    segment: str
    description: str
    team: str | None
    team_name: str | None
    owner: PersonRef | None


class LeadRef(TypedDict):
    """Another lead of the company, open or closed: who had it, and how it stands or ended."""

    id: str
    name: str
    stage: str
    owner: PersonRef | None
    covered_by: PersonRef | None
    outcome: str | None
    at: datetime


class ProspectView(TypedDict):
    """Somebody who may be meant: a person with `lead`, or a company.

    `found_by`: id, email, phone, domain, name (it begins so), or likeness (`evidence` says what speaks for
    it and against). `owner` is whose the prospect is, by their own lead, a colleague's, or the account;
    `covered_by` is there for them at the moment. `colleagues` are the open leads of others at the company.
    """

    kind: Literal["person", "company"]
    found_by: str
    name: str
    email: str | None
    company: str | None
    domain: str | None
    country: str | None
    lead: str | None
    stage: str | None
    owner: PersonRef | None
    covered_by: PersonRef | None
    may_contact: AnswerWords
    next_step: str | None
    next_step_due_at: datetime | None
    last_touch: TouchRef | None
    account: AccountRef | None
    territory: TerritoryView | None
    colleagues: list[LeadRef]
    closed: list[LeadRef]
    evidence: list[str]


class WouldView(TypedDict):
    """What would become of a lead that came in now. `signal`: with this one, none for as it was asked."""

    signal: str | None
    route: str
    destination: str
    owner: PersonRef | None
    covered_by: PersonRef | None
    respond_within: str | None
    words: str
    reasons: list[str]


class WhatIfView(TypedDict):
    """Somebody who is no lead yet: the territory, who would get them at this moment, and why."""

    territory: TerritoryView | None
    relationship: str
    may_contact: AnswerWords
    would: list[WouldView]


class OwnershipView(TypedDict):
    """Everybody who may be meant, the best first; and what would become of somebody not known yet."""

    asked_by: PersonRef | None
    prospects: list[ProspectView]
    what_if: WhatIfView | None


class FactsError(LeadlaneError):
    """What was said of the prospect is not well-formed; `problems` says why, all of it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(
            _("What was said of the prospect is not valid."),
            "\n".join(f"{one.field}: {one.reason} {one.suggestion}".strip() for one in problems),
        )
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Question:
    """Whose is `query`, or whoever has this e-mail, domain, company and phone?

    `asker` is who wants to contact them: a person's id, e-mail or name. `facts` are further fields of the
    prospect, for those who are not known yet; `signals` may be among them.
    """

    query: str | None = None
    email: str | None = None
    domain: str | None = None
    company: str | None = None
    phone: str | None = None
    asker: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    limit: int = MOST_SHOWN


def whose(connection: Connection, book: Rulebook, question: Question, now: datetime) -> OwnershipView:
    """The answer. LeadlaneError for a query that is none or an unknown asker, FactsError for bad facts."""
    asker = _asker(book.roster, question.asker)
    typed = read_query(question.query) if question.query is not None else Clues()
    parts = {name: getattr(question, name) for name in ("email", "domain", "company", "phone")}
    named = read_clues({name: text for name, text in parts.items() if text is not None})
    if typed == named:
        read_query("")  # nothing was asked for, which it says
    _given(book, typed, named, question.facts, now)  # bad facts are told whoever is found
    countries = sorted({person.country for person in book.roster.people.values() if person.country})
    if country := question.facts.get("country"):
        countries.insert(0, str(country))
    found: list[Found] = []
    seen = set()
    for clues in (named, typed):
        for one in find(connection, clues, countries, question.limit) if clues != Clues() else ():
            if one.key not in seen:
                seen.add(one.key)
                found.append(one)
    answering = _Answering(connection, book, now, asker, _around(connection, found[: question.limit]))
    would = None
    if _is_new(found, typed, named):
        would = _what_if(answering, _given(book, typed, named, question.facts, now))
    return {
        "asked_by": _ref(book.roster, asker),
        "prospects": [_prospect(answering, one) for one in found[: question.limit]],
        "what_if": would,
    }


def territories(book: Rulebook) -> list[TerritoryView]:
    """The segments of the policy in their order, with the teams and the managers whose they are."""
    found = (_territory(book, segment.name) for segment in book.policy.segments)
    return [one for one in found if one is not None]


def _asker(roster: Roster, text: str | None) -> str | None:
    if text is None:
        return None
    if text in roster.people:
        return text
    wanted = text.strip().casefold()
    meant = [
        one.id
        for one in roster.people.values()
        if wanted and wanted in (one.email.casefold(), one.name.casefold())
    ]
    if len(meant) > 1:
        people = ", ".join(f"{roster.people[id_].name} ({id_})" for id_ in meant)
        message = _("Several people go by {name}: {people}").format(name=text, people=people)
        raise ClueError("for", text, message, _("Give the id of the one who is meant."))
    if not meant:
        names = [*roster.people, *(one.name for one in roster.people.values())]
        raise ClueError(
            "for",
            text,
            _("There is nobody of the id {id} in the roster.").format(id=text),
            did_you_mean(text, names),
        )
    return meant[0]


def _given(book: Rulebook, typed: Clues, named: Clues, facts: Mapping[str, Any], now: datetime) -> Submission:
    """The prospect as a lead that came in now: what was asked for, and what was said besides."""
    raw: dict[str, Any] = {
        "email": named.email or typed.email,
        "company_domain": named.domain or typed.domain,
        "company": named.company or ("" if typed.domain else typed.name),
        "phone": named.phone or typed.phone,
    }
    raw = {name: value for name, value in raw.items() if value} | dict(facts)
    given, problems = read_lead(raw, field_specs(book.policy), now, book.zone)
    own = [one for one in problems if one.field in facts or one.field.partition("[")[0] in facts]
    if own:
        raise FactsError(own)
    if given is None:
        # What was typed need not be a value of a lead: half a number, half an address.
        given, problems = read_lead({"id": "asked", **facts}, field_specs(book.policy), now, book.zone)
        if given is None:
            raise FactsError(problems)
    return submission(given, "whose", now, lead_id="asked")


def _is_new(found: Sequence[Found], typed: Clues, named: Clues) -> bool:
    """Whether nobody is known who certainly is the one that was asked for."""
    if named.email or typed.email or named.phone or typed.phone:
        return not any(one.is_person and one.by in ("email", "phone", "id") for one in found)
    return not any(one.by != "likeness" for one in found)


# ---------------------------------------------------------------- what is around them


@dataclass(frozen=True, slots=True)
class _Around:
    """What belongs to those found: accounts by id and by domain, leads of companies, last touches by lead."""

    accounts: Mapping[str, Account]
    by_domain: Mapping[str, str]
    cards: Sequence[LeadCard]
    touches: Mapping[str, LastTouch]

    def account_of(self, one: Found) -> Account | None:
        """The account of somebody's company."""
        if one.account is not None:
            return one.account
        linked = next((lead.account_id for lead in one.leads if lead.account_id), None)
        return self.accounts.get(linked or self.by_domain.get(one.domain or "", ""))

    def leads_of(self, one: Found) -> list[LeadCard]:
        """All leads of somebody's company, their own among them."""
        account = self.account_of(one)
        domains = {one.domain, *(account.domains if account else ())} - {None}
        return [
            card
            for card in self.cards
            if card.domain in domains or (account is not None and card.account_id == account.id)
        ]


def _around(connection: Connection, found: Sequence[Found]) -> _Around:
    given = {one.account.id: one.account for one in found if one.account is not None}
    domains = {one.domain for one in found if one.domain}
    by_domain = ownership.accounts_of_domains(connection, domains)
    linked = {lead.account_id for one in found for lead in one.leads if lead.account_id}
    for account_id in {*by_domain.values(), *linked} - given.keys():
        if (account := accounts.account(connection, account_id)) is not None:
            given[account_id] = account
    domains.update(domain for account in given.values() for domain in account.domains)
    company = ownership.by_companies(connection, domains, given.keys(), 2 * MOST_SHOWN)
    cards = {card.id: card for card in company}
    ids = cards.keys() | {lead.id for one in found for lead in one.leads}
    return _Around(given, by_domain, list(cards.values()), ownership.last_touches(connection, ids))


@dataclass(frozen=True, slots=True)
class _Answering:
    """What an answer is made with."""

    connection: Connection
    book: Rulebook
    now: datetime
    asker: str | None
    around: _Around


# ---------------------------------------------------------------- somebody known


def _prospect(answering: _Answering, one: Found) -> ProspectView:
    book, around = answering.book, answering.around
    own = one.leads[0] if one.leads and one.leads[0].is_open else None
    own_ids = {lead.id for lead in one.leads}
    account = around.account_of(one)
    others = [card for card in around.leads_of(one) if card.id not in own_ids]
    fields = _fields(one, account, others)
    segment, route = _judged(answering, fields, account, others)
    colleagues = [card for card in others if card.is_open]
    claims = Claims(
        _hold(own) if own else None,
        [_hold(card) for card in colleagues],
        account,
        barred=own is None and route.kind == "disqualify",
    )
    whose_it_is = may_contact(claims, book.roster, answering.now)
    closed = [card for card in (*one.leads, *others) if not card.is_open]
    closed.sort(key=lambda card: card.closed_at or card.changed_at, reverse=True)
    shown = own or (one.leads[0] if one.leads else None)
    return {
        "kind": "person" if one.is_person else "company",
        "found_by": one.by,
        "name": one.name,
        "email": _text(fields, "email") if one.is_person else None,
        "company": account.name if account else _text(fields, "company"),
        "domain": one.domain or (account.domains[0] if account and account.domains else None),
        "country": _text(fields, "country"),
        "lead": shown.id if shown else None,
        "stage": shown.stage if shown else None,
        "owner": _ref(book.roster, whose_it_is.owner),
        "covered_by": _ref(book.roster, whose_it_is.ask if whose_it_is.ask != whose_it_is.owner else None),
        "may_contact": _answer(
            answering, may_contact(claims, book.roster, answering.now, answering.asker), route
        ),
        "next_step": own.next_step if own else None,
        "next_step_due_at": own.next_step_due_at if own else None,
        "last_touch": _last_touch(answering, one.leads or others),
        "account": _account_ref(book.roster, account),
        "territory": _territory(book, own.segment if own else segment),
        "colleagues": [_lead_ref(book.roster, card) for card in colleagues[:MOST_SHOWN]],
        "closed": [_lead_ref(book.roster, card) for card in closed[:MOST_SHOWN]],
        "evidence": likeness_words(one.evidence),
    }


def _fields(one: Found, account: Account | None, others: Sequence[LeadCard]) -> dict[str, Any]:
    """What is known of somebody, as the fields of a lead that they would be."""
    fields = _of_company(account, others)
    if one.domain:
        fields["company_domain"] = one.domain
    if one.contact is not None:
        parts = ("first_name", "last_name", "email", "phone")
        fields |= {name: value for name in parts if (value := getattr(one.contact, name))}
    return fields | (one.leads[0].fields if one.leads else {})


def _of_company(account: Account | None, cards: Sequence[LeadCard]) -> dict[str, Any]:
    """What is known of a company: what its newest lead says of it, and above all what the account does."""
    newest = max(cards, key=lambda card: card.arrived_at, default=None)
    fields = {name: newest.fields[name] for name in _OF_COMPANY if name in newest.fields} if newest else {}
    if account is not None:
        said = {"company": account.name, "country": account.country, "city": account.city}
        said |= {"company_domain": next(iter(account.domains), "")}
        fields |= {name: value for name, value in said.items() if value}
    return fields


def _judged(
    answering: _Answering, fields: Mapping[str, Any], account: Account | None, others: Iterable[LeadCard]
) -> tuple[str | None, Route]:
    """The segment of somebody, and the route that a lead of theirs without any signal would take."""
    book = answering.book
    lead = Lead("asked", answering.now, read_fields(fields, field_specs(book.policy)))
    match = find_match(lead.id, _keys(fields, account), known_company(account, _worked(others)))
    route, qualified = judge(book, lead, match, answering.now, {})
    return qualified.segment, route


def _keys(fields: Mapping[str, Any], account: Account | None) -> Keys:
    return Keys(domain=_text(fields, "company_domain"), account=account.id if account else None)


def _worked(cards: Iterable[LeadCard]) -> list[LeadCard]:
    return [card for card in cards if card.stage in WORKED_STAGES]


def _hold(card: LeadCard) -> Hold:
    return Hold(card.stage, card.owner, card.covered_by)


def _last_touch(answering: _Answering, cards: Iterable[LeadCard]) -> TouchRef | None:
    touches = answering.around.touches
    last = max(
        (touches[card.id] for card in cards if card.id in touches), key=lambda one: one.at, default=None
    )
    if last is None:
        return None
    return {"at": last.at, "person": _ref(answering.book.roster, last.person), "kind": last.kind}


# ---------------------------------------------------------------- somebody new


def _what_if(answering: _Answering, asked: Submission) -> WhatIfView:
    """As it was asked; and where no signal was named, also with the first that shows high intent."""
    book = answering.book
    account, cards = _company(answering.connection, asked.keys.domain)
    # What is known of the company, a lead from there would bring as well.
    company = read_fields(_of_company(account, cards), field_specs(book.policy))
    lead = replace(asked.lead, fields={**company, **asked.lead.fields})
    decide = partial(
        what_if, answering.connection, book, account=account, worked=_worked(cards), now=answering.now
    )
    decision = decide(replace(asked, lead=lead))
    would = [_would(book, decision, None)]
    ready = book.policy.intent.get("high", ())
    if not lead.signals and ready:
        signals = (Signal(ready[0].signal, answering.now),) * ready[0].count
        keen = _would(book, decide(replace(asked, lead=replace(lead, signals=signals))), ready[0].signal)
        if any(keen[part] != would[0][part] for part in ("route", "owner", "covered_by")):
            would.append(keen)
    route = _route(book, decision)
    claims = Claims(
        colleagues=[_hold(card) for card in cards if card.is_open],
        account=account,
        barred=route.kind == "disqualify",
        known=bool(cards) or account is not None,
    )
    verdict = may_contact(claims, book.roster, answering.now, answering.asker)
    return {
        "territory": _territory(book, decision.qualified.segment),
        "relationship": decision.match.relationship if decision.match else "none",
        "may_contact": _answer(answering, verdict, route),
        "would": would,
    }


def _company(connection: Connection, domain: str | None) -> tuple[Account | None, list[LeadCard]]:
    """The account of a domain, and the leads of the company."""
    if domain is None:
        return None, []
    account_id = ownership.accounts_of_domains(connection, [domain]).get(domain)
    account = accounts.account(connection, account_id) if account_id else None
    domains = {domain, *(account.domains if account else ())}
    cards = ownership.by_companies(connection, domains, [account.id] if account else [], 2 * MOST_SHOWN)
    return account, list({card.id: card for card in cards}.values())


def _would(book: Rulebook, decision: Decision, signal: str | None) -> WouldView:
    standing = decision.standing
    route = _route(book, decision)
    chosen = [step["by"] for step in decision.trace.get("pick", ()) if step.get("chosen")]
    level = book.promise.by_name.get(standing.service_level or "")
    words = destination_words(route)
    if standing.owner is not None:
        holder = person_words(book.roster, standing.covered_by or standing.owner)
        words = _("{destination}: {name}").format(destination=words, name=holder)
    return {
        "signal": signal,
        "route": route.name,
        "destination": standing.destination or "",
        "owner": _ref(book.roster, standing.owner),
        "covered_by": _ref(book.roster, standing.covered_by),
        "respond_within": duration_words(level.respond_within) if level else None,
        "words": words,
        "reasons": [reason_words(code) for code in (*chosen, *decision.reasons)],
    }


def _route(book: Rulebook, decision: Decision) -> Route:
    return next(route for route in book.policy.routes if route.name == decision.trace["route"]["name"])


# ---------------------------------------------------------------- parts of an answer


def _answer(answering: _Answering, verdict: Verdict, route: Route) -> AnswerWords:
    roster = answering.book.roster
    reason = route.target if route.kind == "disqualify" else ""
    return {
        "answer": verdict.answer,
        "ask": _ref(roster, verdict.ask),
        "because": str(verdict.ground),
        "answer_words": answer_words(verdict, roster),
        "words": because_words(verdict, roster, answering.asker, reason),
    }


def _territory(book: Rulebook, name: str | None) -> TerritoryView | None:
    segment = next((one for one in book.policy.segments if one.name == name), None)
    if segment is None:
        return None
    team = book.roster.teams.get(segment.team or "")
    return {
        "segment": segment.name,
        "description": segment.description,
        "team": segment.team,
        "team_name": team.name if team else None,
        "owner": _ref(book.roster, team.manager if team else None),
    }


def _account_ref(roster: Roster, account: Account | None) -> AccountRef | None:
    if account is None:
        return None
    return {
        "id": account.id,
        "name": account.name,
        "customer": account.customer,
        "named": account.named,
        "owner": _ref(roster, _active(roster, account.owner)),
    }


def _lead_ref(roster: Roster, card: LeadCard) -> LeadRef:
    return {
        "id": card.id,
        "name": person_name(card.fields),
        "stage": card.stage,
        # Of a lead that is over it is told who had it, wherever they are now.
        "owner": _ref(roster, _active(roster, card.owner) if card.is_open else card.owner),
        "covered_by": _ref(roster, _active(roster, card.covered_by)),
        "outcome": card.outcome,
        "at": card.arrived_at if card.is_open else card.closed_at or card.changed_at,
    }


def _active(roster: Roster, person: str | None) -> str | None:
    """Somebody who is there to be asked: not one who has left."""
    known = roster.people.get(person or "")
    return person if known is not None and known.active else None


def _ref(roster: Roster, person: str | None) -> PersonRef | None:
    return {"id": person, "name": person_words(roster, person)} if person is not None else None


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return str(value) if value else None
