"""Who may be meant by what somebody has typed? People and companies, the best first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from psycopg import Connection
from rapidfuzz import fuzz

from leadlane.core.facts import Account
from leadlane.core.match import Evidence
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.intake.problems import BadValueError, shorten
from leadlane.intake.values import read_text
from leadlane.matching.compare import same_company
from leadlane.matching.keys import SHORTEST_PHONE, company_of_host, email_key, phone_key, registrable_domain
from leadlane.matching.record import read_record
from leadlane.matching.spoken import spoken_name
from leadlane.matching.words import COMMON_WORDS
from leadlane.service.recognise import account_record, search_accounts
from leadlane.store import accounts, ownership
from leadlane.store.contacts import Contact
from leadlane.store.ownership import LeadCard

SHORTEST, LONGEST = 2, 200
# So many leads of one name in each stage are looked at, so many of one mailbox, number or company shown.
MOST_NAMED, MOST_LEADS = 8, 10
# How alike (0 to 100, normalised indel similarity) a name must be of which only the beginning was the same.
_ALIKE = 80
# Of a name that nothing begins with, so many letters are left off; then so many in each stage are compared.
_LEFT_OFF, _LEAST_LEFT, _MOST_COMPARED = 2, 4, 25
_PHONE = re.compile(r"[\d\s()+./\-]+").fullmatch


class ClueError(LeadlaneError):
    """What somebody has typed cannot be looked up; `what` names the parameter, `value` is its beginning."""

    def __init__(self, what: str, value: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.what = what
        self.value = shorten(value)


@dataclass(frozen=True, slots=True)
class Clues:
    """What is known of whoever is meant; "" where nothing is. `name` may be a person's or a company's."""

    id: str = ""
    email: str = ""
    domain: str = ""
    phone: str = ""
    name: str = ""
    company: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody who may be meant, a person or else a company, and by what (`by`) they were found.

    `leads` are a person's own, the open one first. `score` (0 to 1) says how well they fit; `evidence` why
    a name that is not the same may be meant.
    """

    by: str
    score: float
    is_person: bool = False
    name: str = ""
    leads: tuple[LeadCard, ...] = ()
    contact: Contact | None = None
    account: Account | None = None
    domain: str | None = None
    evidence: tuple[Evidence, ...] = field(default=(), compare=False)

    @property
    def key(self) -> tuple[str, str]:
        """By what it is the same somebody that was found twice."""
        if self.is_person:
            one = self.leads[0] if self.leads else None
            mailbox = one.email_key if one else (self.contact.email_key if self.contact else None)
            return ("person", mailbox or (one.id if one else self.contact.id if self.contact else self.name))
        if self.account is not None:
            return ("account", self.account.id)
        return ("company", self.domain or self.name.casefold())


def read_query(query: str) -> Clues:
    """What a text is: an address, a page, a number, an id, a name. ClueError if it says too little."""
    text = _text(query, "q")
    if "@" in text.lstrip("@"):
        key = email_key(text)
        is_whole = key is not None and "." in key.rpartition("@")[2]
        return Clues(id=text, email=text if is_whole else "")
    if _PHONE(text) and sum(map(str.isdigit, text)) >= SHORTEST_PHONE:
        return Clues(id=text, phone=text)
    if " " not in text and "." in text and (domain := registrable_domain(text.lstrip("@"))):
        return Clues(id=text, domain=domain, name=domain.partition(".")[0])
    return Clues(id=text, name=text)


def is_unfinished(query: str) -> bool:
    """Whether a text can only be the beginning of an address or a number, by which nobody is known yet.

    ClueError as by `read_query`.
    """
    clues = read_query(query)
    if "@" in clues.id:
        return not (clues.email or clues.domain)
    is_number = _PHONE(clues.id) is not None
    is_abroad = clues.id.startswith(("+", "00"))
    return is_number and (not clues.phone or (is_abroad and phone_key(clues.phone) is None))


def read_clues(given: Mapping[str, str]) -> Clues:
    """Clues that were named: email, domain, company, phone. ClueError for one that is something else."""
    texts = {name: _text(value, name) for name, value in given.items()}
    if "email" in texts and email_key(texts["email"]) is None:
        raise ClueError("email", texts["email"], _("This is no e-mail address."))
    if "domain" in texts:
        domain = registrable_domain(texts["domain"])
        if domain is None:
            raise ClueError("domain", texts["domain"], _("This is no domain."))
        texts["domain"] = domain
    if "phone" in texts and sum(map(str.isdigit, texts["phone"])) < SHORTEST_PHONE:
        raise ClueError("phone", texts["phone"], _("This is no phone number."))
    return Clues(**texts)


def _text(value: str, what: str) -> str:
    try:
        text = " ".join(read_text(value, LONGEST).split())
    except BadValueError as error:
        raise ClueError(what, value, error.reason, error.suggestion) from None
    if len(text) < SHORTEST or not any(map(str.isalnum, text)):
        raise ClueError(
            what,
            value,
            _("At least {n} characters are needed, a letter or a digit among them.").format(n=SHORTEST),
            _("Give an e-mail address, a domain, a phone number, an id, or a name or the beginning of one."),
        )
    return text


def find(connection: Connection, clues: Clues, countries: Iterable[str], limit: int) -> list[Found]:
    """Everybody who may be meant, at most `limit`, the best first. `countries` are tried for numbers."""
    mailbox = _by_email(connection, clues.email)
    # Who is known says more than where they are.
    host = "" if mailbox else clues.email.rpartition("@")[2]
    found = [
        *_by_id(connection, clues.id),
        *mailbox,
        *_by_phone(connection, clues.phone, countries),
        *_by_domain(connection, clues.domain or company_of_host(host) or ""),
        *_by_account_name(connection, clues.company or clues.name, limit),
        *_by_lead_name(connection, clues.name, {"person", "company"}),
        *_by_lead_name(connection, clues.company, {"company"}),
    ]
    best: dict[tuple[str, str], Found] = {}
    for one in sorted(found, key=_rank):
        best.setdefault(one.key, one)
    known_domains = {domain for one in best.values() if one.account for domain in one.account.domains}
    kept = [one for one in best.values() if one.is_person or one.account or one.domain not in known_domains]
    return kept[:limit]


def _rank(one: Found) -> tuple[float, int, str, str]:
    # Of two who fit as well, the one whom somebody works comes first: a "yes" for the other would mislead.
    open_in = {lead.stage for lead in one.leads if lead.is_open}
    is_held = one.account is not None or bool(open_in - {"nurture"})
    return -round(one.score, 2), 0 if is_held else 1 if open_in else 2, one.name.casefold(), one.key[1]


def _people(by: str, score: float, cards: Sequence[LeadCard]) -> list[Found]:
    """The people of these leads; leads of one mailbox are one person, the open one first."""
    own: dict[str, list[LeadCard]] = {}
    for card in cards:
        own.setdefault(card.email_key or card.id, []).append(card)
    found = []
    for leads in own.values():
        leads.sort(key=lambda card: (not card.is_open, -card.arrived_at.timestamp()))
        name = person_name(leads[0].fields)
        one = Found(by, score, True, name, tuple(leads), domain=leads[0].domain)
        found.append(one)
    return found


def person_name(fields: Mapping[str, object]) -> str:
    """How a person is called: by name, else by address, else by number."""
    names = [str(fields[part]) for part in ("first_name", "last_name") if fields.get(part)]
    return " ".join(names) or str(fields.get("email") or fields.get("phone") or "")


def _contacts(connection: Connection, by: str, score: float, contacts: Iterable[Contact]) -> list[Found]:
    return [
        Found(
            by,
            score,
            True,
            " ".join(filter(None, (one.first_name, one.last_name))) or one.email,
            contact=one,
            account=accounts.account(connection, one.account_id) if one.account_id else None,
        )
        for one in contacts
    ]


def _by_id(connection: Connection, text: str) -> list[Found]:
    if not text:
        return []
    found = _people("id", 1, ownership.by_id(connection, text))
    account = accounts.account(connection, text)
    return found if account is None else [*found, Found("id", 1, name=account.name, account=account)]


def _by_email(connection: Connection, email: str) -> list[Found]:
    key = email_key(email)
    if key is None:
        return []
    contacts = ownership.contacts_by(connection, email_key=key)
    people = _people("email", 1, ownership.by_email(connection, key, MOST_LEADS))
    return [*people, *_contacts(connection, "email", 0.99, contacts)]


def _by_phone(connection: Connection, phone: str, countries: Iterable[str]) -> list[Found]:
    keys = list(
        dict.fromkeys(key for country in ("", *countries) if (key := phone_key(phone, country or None)))
    )
    if not keys:
        return []
    contacts = ownership.contacts_by(connection, phone_keys=keys)
    people = _people("phone", 0.95, ownership.by_phone(connection, keys, MOST_LEADS))
    return [*people, *_contacts(connection, "phone", 0.94, contacts)]


def _by_domain(connection: Connection, domain: str) -> list[Found]:
    if not domain:
        return []
    account_id = ownership.accounts_of_domains(connection, [domain]).get(domain)
    account = accounts.account(connection, account_id) if account_id else None
    if account is not None:
        return [Found("domain", 0.98, name=account.name, account=account, domain=domain)]
    cards = ownership.by_companies(connection, [domain], [], 1)
    return [Found("domain", 0.98, name=_company_of(cards[0]), domain=domain)] if cards else []


def _company_of(card: LeadCard) -> str:
    return str(card.fields.get("company") or card.domain or "")


def _by_account_name(connection: Connection, name: str, limit: int) -> list[Found]:
    """Accounts that are called so, or begin so, or look alike: then with the evidence."""
    if not name:
        return []
    typed, found = read_record("", {"company": name}), []
    known = search_accounts(connection, name, limit)
    said = spoken_name(name)
    for account in known:
        share = max(_share_typed(said, spoken_name(own)) for own in (account.name, *account.aliases))
        if share:
            found.append(Found("name", share, name=account.name, account=account))
            continue
        judged = same_company(typed, account_record(account), COMMON_WORDS)
        score = 0.7 * judged.probability
        found.append(Found("likeness", score, name=account.name, account=account, evidence=judged.evidence))
    return found


def _share_typed(typed: str, name: str) -> float:
    """How much of a name is typed (0 to 0.97), if it begins so; 0 if not, 0.5 less if a later word does."""
    if name.startswith(typed):
        return 0.5 + 0.47 * len(typed) / max(len(name), 1)
    return 0.4 if f" {typed}" in f" {name}" else 0.0


def _by_lead_name(connection: Connection, name: str, kinds: set[str]) -> list[Found]:
    """People and companies of leads whose names begin so; if none does, those with names that look alike."""
    typed = spoken_name(name)
    if not typed:
        return []
    named = ownership.by_name(connection, [typed], kinds, MOST_NAMED)
    if named:
        return _named(named, {one.spoken: _share_typed(typed, one.spoken) for one in named}, "name")
    orders = _orders(typed)
    named = ownership.by_name(connection, _beginnings(orders), kinds, _MOST_COMPARED)
    alike = {
        one.spoken: max(fuzz.ratio(text, one.spoken[: len(text) + 2]) for text in orders) for one in named
    }
    scores = {spoken: 0.6 * ratio / 100 for spoken, ratio in alike.items() if ratio >= _ALIKE}
    return _named([one for one in named if one.spoken in scores], scores, "likeness")


def _orders(typed: str) -> list[str]:
    """A name as typed, and with its last word first."""
    words = typed.split(" ")
    return list(dict.fromkeys((typed, " ".join((*words[-1:], *words[:-1])))))


def _beginnings(orders: Sequence[str]) -> list[str]:
    """What a name may begin with of which a letter is wrong."""
    cuts = (_LEFT_OFF, len(orders[0]) // 2)
    starts = (text[: max(_LEAST_LEFT, len(text) - cut)] for text, cut in product(orders, cuts))
    return list(dict.fromkeys(starts))


def _named(named: Sequence[ownership.Named], scores: Mapping[str, float], by: str) -> list[Found]:
    found: list[Found] = []
    for one in named:
        score = scores[one.spoken]
        # A company that is known by nothing but what its people wrote, is these people.
        if one.kind == "person" or one.lead.domain is None:
            found += _people(by, score, [one.lead])
        else:
            found.append(Found(by, score, name=_company_of(one.lead), domain=one.lead.domain))
    return found
