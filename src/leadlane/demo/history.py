"""Who came to the demonstration company in the months before, and when? The same ones for the same moment."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from leadlane.demo import company, words
from leadlane.demo.company import ZONE, Company, Raw

# Of the whole demonstration, the last two weeks included.
WEEKS = 26
PREFIX = "demo-past-"
_SEED = 20_260_102
# How many come in a week, at first and in the end; each week is a little more or less than that.
_FIRST_WEEK, _LAST_WEEK, _UNEVEN = 90, 170, 0.08
_WEEKDAYS = (26, 20, 18, 17, 14, 3, 2)
# How much arrives in the hours from 7 to 20; on Mondays the newsletter goes out at 9.
_HOURS = (2, 5, 9, 11, 10, 7, 6, 8, 10, 9, 6, 3, 2, 1)
_MONDAY_HOURS = (2, 8, 30, 16, 9, 6, 5, 7, 8, 7, 4, 2, 1, 1)
_SIZES = ((4, 45, 24), (50, 190, 14), (200, 990, 44), (1000, 6000, 18))
_SOUTHERN = 1.6  # so much more often than in the last two weeks
_AGAIN, _FREE_MAIL, _WELL_KNOWN = 0.05, 0.03, 0.03


def leads(now: datetime, weeks: int = WEEKS) -> Iterator[Raw]:
    """Leads from `weeks` before `now` until two weeks before it, in order, as `company.leads` has those."""
    rng = random.Random(_SEED)
    known = [one for one in company.well_known() if one.country.code == "DE"]
    taken = {(account.name.split()[0]) for account in company.accounts()}
    came: list[Raw] = []
    for number, moment in enumerate(_moments(rng, now, weeks), start=1):
        chance = rng.random()
        if chance < _AGAIN and came:
            raw = company.again(rng, rng.choice(came[-300:]), moment)
        elif chance < _AGAIN + _FREE_MAIL:
            raw = company.stranger(rng, moment)
        elif chance < _AGAIN + _FREE_MAIL + _WELL_KNOWN:
            raw = company.visitor(rng, rng.choice(known), moment)
        else:
            raw = company.visitor(rng, _company(rng, taken), moment, number)
            came.append(raw)
        raw |= company.moved(raw, moment)
        yield {"id": f"{PREFIX}{number:04d}", **company.written(raw)}


def _company(rng: random.Random, taken: set[str]) -> Company:
    """A company that is none of the accounts, nor sounds like one."""
    shares = [one.share * (_SOUTHERN if one.code in ("IT", "ES", "FR") else 1) for one in words.COUNTRIES]
    country = rng.choices(words.COUNTRIES, shares)[0]
    one = company.invented(rng, country, _SIZES)
    while one.name.split()[0] in taken:
        one = company.invented(rng, country, _SIZES)
    # Their own domain in each country: few companies come twice.
    stem = one.domain.partition(".")[0]
    return Company(
        *(one.name, f"{stem}-{country.code.lower()}.example", country, one.city, one.industry),
        *(one.employees, one.tech_stack),
    )


def _moments(rng: random.Random, now: datetime, weeks: int) -> list[datetime]:
    """When somebody came: more and more of them, mostly in office hours, most on Mondays."""
    last = (now - timedelta(days=company.DAYS)).astimezone(ZONE).date()
    first = (now - timedelta(weeks=weeks)).astimezone(ZONE).date()
    begin, end = now - timedelta(weeks=weeks), now - timedelta(days=company.DAYS)
    found = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        share = number / max(1, 7 * (WEEKS - 2))
        week = _FIRST_WEEK + (_LAST_WEEK - _FIRST_WEEK) * share
        expected = week * _WEEKDAYS[day.weekday()] / sum(_WEEKDAYS) * rng.gauss(1, _UNEVEN)
        count = int(expected + rng.random())
        found += [moment for _one in range(count) if begin < (moment := _moment(rng, day)) <= end]
    return sorted(found)


def _moment(rng: random.Random, day: date) -> datetime:
    hours = _MONDAY_HOURS if day.weekday() == 0 else _HOURS
    hour = 7 + rng.choices(range(len(hours)), hours)[0]
    at = time(hour, rng.randrange(60), rng.randrange(60))
    return datetime.combine(day, at, ZONE)
