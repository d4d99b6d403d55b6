"""Which leads and accounts does the demonstration company have? The same ones for the same moment."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from leadlane.core.facts import Account
from leadlane.demo import words

DAYS = 14
COMPANIES = 700
STRANGERS = 330  # leads that come for the first time, those below not counted
RETURNING = 26  # the same person once more
FREE_MAIL = 14  # people who write from a private mailbox
_SEED = 20_260_101
ZONE = ZoneInfo("Europe/Berlin")
# How much arrives in the hours from 7 to 20, as a web site sees it.
_HOURS = (2, 5, 9, 11, 10, 7, 6, 8, 10, 9, 6, 3, 2, 1)

# (signal, sources, weight): what people do first, and where they come from.
_FIRST_SIGNALS = (
    ("demo_request", ("organic_search", "paid_search", "website"), 20),
    ("contact_sales_form", ("website", "organic_search"), 9),
    ("pricing_page_visit", ("website", "paid_search"), 9),
    ("outbound_reply", ("outbound",), 6),
    ("webinar_attendance", ("webinar",), 15),
    ("case_study_engagement", ("website", "newsletter"), 9),
    ("content_download", ("organic_search", "paid_search", "newsletter"), 18),
    ("newsletter_subscription", ("newsletter",), 6),
    ("badge_scan", ("trade_show",), 8),
)
_STACKS = (("salesforce",), ("hubspot",), ("dynamics",), ("pipedrive",), ("sap", "dynamics"), ("zoho",), ())
_STACK_WEIGHTS = (26, 26, 8, 10, 8, 7, 15)
_SIZES = ((4, 45, 30), (50, 190, 20), (200, 990, 30), (1000, 6000, 20))
# Who introduces somebody; their leads are a person's to place.
_REFERRALS = ("vip", "executive")
_REFERRED_EVERY = 8

Raw = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Company:
    """A company that leads come from."""

    name: str
    domain: str
    country: words.Country
    city: str
    industry: str
    employees: int
    tech_stack: tuple[str, ...]


def accounts() -> list[Account]:
    """Accounts beside those of the reference roster, owned by people of that roster."""
    return [
        Account(
            company.domain.partition(".")[0], company.name, (company.domain,), named, customer, owner, country
        )
        for company, (named, customer, owner) in zip(_companies(), _STANDINGS, strict=False)
        for country in [company.country.code]
    ]


# (named, customer, owner) of the first of the invented companies.
_STANDINGS = (
    (True, False, "anna"),
    (True, False, "dora"),
    (True, False, "boris"),
    (True, False, "emil"),
    (False, True, "carla"),
    (False, True, "carla"),
    (False, True, "anna"),
    (False, True, "carla"),
    (False, False, "clara"),
    (False, False, None),
    (False, False, None),
    (False, False, "emil"),
)


def leads(now: datetime) -> list[Raw]:
    """Leads of the two weeks before `now`, in the order of their arrival, as they would be sent in.

    Each has an `id`, an `arrived_at`, and `signals` with their times.
    """
    rng = random.Random(_SEED)
    companies = _companies()
    # The first ones are known accounts, and come a little more often.
    weights = [2 if index < len(_STANDINGS) else 1 for index in range(len(companies))]
    invented = [visitor(rng, rng.choices(companies, weights)[0], now, index) for index in range(STRANGERS)]
    invented += [stranger(rng, now) for _index in range(FREE_MAIL)]
    invented += [visitor(rng, company, now) for company in well_known()]
    invented += [again(rng, rng.choice(invented[:STRANGERS]), now) for _index in range(RETURNING)]
    invented.sort(key=lambda raw: raw["arrived_at"])
    return [{"id": f"demo-{number:04d}", **written(raw)} for number, raw in enumerate(invented, start=1)]


def written(raw: Raw) -> Raw:
    """A lead as it is sent: moments as texts."""
    signals = [{"name": one["name"], "at": one["at"].isoformat()} for one in raw["signals"]]
    return {**raw, "arrived_at": raw["arrived_at"].isoformat(), "signals": signals}


def _companies() -> list[Company]:
    rng = random.Random(_SEED + 1)
    found: dict[str, Company] = {}
    while len(found) < COMPANIES:
        company = _company(rng)
        found.setdefault(company.domain, company)
    return list(found.values())


def _company(rng: random.Random) -> Company:
    country = rng.choices(words.COUNTRIES, [one.share for one in words.COUNTRIES])[0]
    return invented(rng, country, _SIZES)


def invented(rng: random.Random, country: words.Country, sizes: Sequence[tuple[int, int, int]]) -> Company:
    """A company of a country; `sizes` are the least and the most employees, and how often."""
    industry = rng.choices(list(words.INDUSTRIES), [share for share, _names in words.INDUSTRIES.values()])[0]
    stem, suffix = rng.choice(words.STEMS), rng.choice(words.INDUSTRIES[industry][1])
    low, high, _share = rng.choices(sizes, [size[2] for size in sizes])[0]
    return Company(
        name=f"{stem} {suffix} {country.legal_form}",
        domain=f"{stem}-{suffix}.example".lower(),
        country=country,
        city=rng.choice(country.cities),
        industry=industry,
        employees=rng.randint(low, high),
        tech_stack=rng.choices(_STACKS, _STACK_WEIGHTS)[0],
    )


def well_known() -> list[Company]:
    """Companies that the reference policy and roster name, as often as they come in two weeks: an account, a
    customer, a competitor.
    """
    germany = words.COUNTRIES[0]
    acme = Company(
        *("Acme Maschinenbau GmbH", "acme.example", germany, "Stuttgart", "manufacturing", 1800, ("sap",))
    )
    helix = Company(
        *("Helix Versicherung AG", "helix.example", germany, "Hannover", "insurance", 2400, ("salesforce",))
    )
    rival = Company(
        *("Rival CRM", "rival-crm.example", words.COUNTRIES[-1], "Boston", "software", 300, ("hubspot",))
    )
    return [acme] * 3 + [helix] * 4 + [rival] * 3


def visitor(rng: random.Random, company: Company, now: datetime, index: int = 1) -> Raw:
    """Somebody of a company who comes in the two weeks before `now`; some were introduced, by their index."""
    first_name, last_name = rng.choice(company.country.first_names), rng.choice(company.country.last_names)
    raw = {
        "email": f"{_ascii(first_name)}.{_ascii(last_name)}@{company.domain}",
        "title": rng.choice(words.TITLES),
        "company": company.name,
        "website": f"https://www.{company.domain}",
        "industry": company.industry,
        "employees": company.employees,
        "tech_stack": list(company.tech_stack),
        **_person(company.country, first_name, last_name, company.city),
        **_visit(rng, company.country.language, now),
    }
    if index % _REFERRED_EVERY == 0:
        raw |= {"referral": rng.choice(_REFERRALS), "source": "partner", "campaign": "partner-referrals"}
    return _without_nothing(raw)


def stranger(rng: random.Random, now: datetime) -> Raw:
    """Somebody who writes from a private mailbox: no company is known."""
    country = rng.choice(words.COUNTRIES)
    first_name, last_name = rng.choice(country.first_names), rng.choice(country.last_names)
    address = f"{_ascii(first_name)}.{_ascii(last_name)}.{rng.randint(100, 999)}@gmail.com"
    person = _person(country, first_name, last_name, rng.choice(country.cities))
    return _without_nothing({"email": address, **person, **_visit(rng, country.language, now)})


def again(rng: random.Random, before: Raw, now: datetime) -> Raw:
    """The same person once more, by another form: the address is written differently, and there is news."""
    visit = _visit(rng, before["language"], now)
    earliest = before["arrived_at"] + timedelta(minutes=20)
    if visit["arrived_at"] < earliest:
        visit |= moved(visit, min(earliest + timedelta(hours=rng.randint(0, 40)), now))
    local, _at, domain = before["email"].partition("@")
    written = rng.choice((f"{local}+news@{domain}", f"{local}@{domain}".upper(), f"{local}@{domain}"))
    kept = {name: before[name] for name in ("first_name", "last_name", "company", "country", "language")}
    return _without_nothing({**kept, "email": written, **visit})


def _person(country: words.Country, first_name: str, last_name: str, city: str) -> Raw:
    return {
        "first_name": first_name,
        "last_name": last_name,
        "country": country.code,
        "city": city,
        "language": country.language,
    }


def _visit(rng: random.Random, language: str, now: datetime) -> Raw:
    """When and how somebody came, and what they had done before."""
    arrived_at = _moment(rng, now)
    name, sources, _weight = rng.choices(_FIRST_SIGNALS, [one[2] for one in _FIRST_SIGNALS])[0]
    source = rng.choice(sources)
    signals = [{"name": name, "at": arrived_at}]
    for _index in range(rng.choice((0, 0, 0, 1, 1, 2))):
        earlier = rng.choice(("content_download", "newsletter_subscription", "webinar_attendance"))
        signals.append({"name": earlier, "at": arrived_at - timedelta(hours=rng.randint(5, 1500))})
    texts = words.MESSAGES.get(language, words.MESSAGES["en"])
    return {
        "source": source,
        "campaign": rng.choice(words.CAMPAIGNS[source]),
        "message": rng.choice(texts) if name in ("demo_request", "contact_sales_form") else "",
        "arrived_at": arrived_at,
        "signals": signals,
    }


def moved(visit: Raw, arrived_at: datetime) -> Raw:
    """When somebody came and what they had done before, as if they had come at another moment."""
    shift = arrived_at - visit["arrived_at"]
    signals = [{"name": one["name"], "at": one["at"] + shift} for one in visit["signals"]]
    return {"arrived_at": arrived_at, "signals": signals}


def _moment(rng: random.Random, now: datetime) -> datetime:
    """A moment of the last two weeks, mostly in office hours."""
    while True:
        day = (now - timedelta(days=rng.randrange(DAYS + 1))).astimezone(ZONE)
        hour = 7 + rng.choices(range(len(_HOURS)), _HOURS)[0]
        moment = day.replace(hour=hour, minute=rng.randrange(60), second=rng.randrange(60), microsecond=0)
        is_wanted = day.weekday() < 5 or rng.random() < 0.15
        if is_wanted and now - timedelta(days=DAYS) < moment <= now:
            return moment.astimezone(now.tzinfo)


def _ascii(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.lower().replace("ł", "l").replace("ß", "ss"))
    return "".join(letter for letter in letters if letter.isascii() and letter.isalpha())


def _without_nothing(raw: Raw) -> Raw:
    return {name: value for name, value in raw.items() if value not in ("", [], None)}
