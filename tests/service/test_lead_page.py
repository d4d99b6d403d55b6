"""All that there is to know of a lead, and why it is where it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from tests.service.conftest import NOW, POLICY

from leadlane.core.act import Act
from leadlane.i18n import language
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.lead_page import LeadPage, lead_page
from leadlane.service.publish import publish
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission
from leadlane.service.why_page import WhyPage, why_page
from leadlane.store import leads

WARSAW = ZoneInfo("Europe/Warsaw")
HOT: dict[str, Any] = {
    "email": "jo@umbra.example",
    "first_name": "Jo",
    "last_name": "Licht",
    "company": "Umbra",
    "industry": "banking",
    "employees": 800,
    "country": "DE",
    "message": "Please call\nus back",
    "signals": ["demo_request"],
}


class Pages:
    def __init__(self, db: psycopg.Connection, books: Rulebooks) -> None:
        self.db, self.books = db, books

    def lead(self, id_: str = "L1") -> LeadPage:
        row = leads.get(self.db, id_)
        assert row is not None
        return lead_page(self.db, self.books, row, WARSAW, NOW + timedelta(minutes=1))

    def why(self, id_: str = "L1") -> WhyPage:
        row = leads.get(self.db, id_)
        assert row is not None
        return why_page(self.db, self.books, row, WARSAW)

    def do(self, *acts: Act) -> None:
        assert {one.status for one in act(self.db, self.books, acts, NOW)} == {"updated"}


@pytest.fixture
def pages(published: psycopg.Connection, books: Rulebooks, lead: Callable[..., Submission]) -> Pages:
    route_batch(published, books, [lead(id="L1", **HOT)], NOW)
    return Pages(published, books)


def test_the_head_says_who_whose_and_what_is_next(pages: Pages) -> None:
    shown = pages.lead()
    assert (shown.name, shown.company, shown.message) == ("Jo Licht", "Umbra", "Please call\nus back")
    assert ("country", "Germany") in shown.facts
    assert not {"e-mail", "company", "message"} & {label for label, _value in shown.facts}
    assert shown.owner is not None
    assert (shown.stage, shown.promise, shown.next_step_due_at) == ("assigned", "running", shown.respond_by)
    assert [name for name, _at in shown.signals] == ["demo request"]


def test_the_decision_is_a_path_of_five_stations(pages: Pages) -> None:
    shown = pages.lead()
    assert [one.key for one in shown.stations] == ["match", "qualify", "route", "pick", "promise"]
    match, qualify, route, pick, promise = shown.stations
    assert match.answer == "a new company"
    assert (qualify.answer, qualify.detail) == ("high intent, strong fit", "dach · mid · 25,000 EUR")
    assert (route.answer, route.detail) == ("hot-mid", "pool mid-ae")
    assert shown.owner is not None
    assert pick.answer == shown.owner.name
    assert (promise.detail, promise.at) == ("demo-request", shown.respond_by)


def test_every_section_of_the_explanation_belongs_to_a_station(pages: Pages) -> None:
    why = pages.why()
    told = {one.key: [section.key for section in one.sections] for one in why.stations}
    assert told == {
        "match": ["known"],
        "qualify": ["signals", "fit", "market"],
        "route": ["route"],
        "pick": ["pool:mid-ae"],
        "promise": ["promise"],
    }
    assert why.changes is not None
    assert why.today.is_same_policy
    assert not why.today.differs


def test_what_todays_policy_would_have_said(pages: Pages) -> None:
    publish(pages.db, POLICY.replace("strong_at: 60", "strong_at: 90"), "p.yaml", "test", "", NOW)
    today = pages.why().today
    assert not today.is_same_policy
    differing = {line.what: (line.then, line.today) for line in today.lines if line.differs}
    assert differing["Fit"] == ("strong", "weak")
    assert differing["Route"] == ("hot-mid", "hot-weak")
    assert differing["Where to"] == ("pool mid-ae", "pool sdr")
    assert [section.key for section in today.reasons] == ["signals", "fit", "market", "route"]
    publish(pages.db, POLICY.replace("enterprise-dach", "big-dach"), "p.yaml", "test", "", NOW)
    today = pages.why().today
    assert not today.is_same_policy
    assert (today.differs, today.reasons) == (False, ())


def test_the_timeline_says_who_did_what_the_newest_first(pages: Pages) -> None:
    owner = pages.lead().owner
    assert owner is not None
    pages.do(
        Act("L1", "touch", by=owner.id, how="email", reason="Asked for <b>details</b>"),
        Act("L1", "plan", by=owner.id, reason="Call", due_at=NOW + timedelta(hours=2)),
        Act("L1", "dispute", user="Ada Admin", reason="They are a bank"),
    )
    shown = pages.lead()
    told = [(one.words, one.said) for one in shown.timeline]
    assert told[-1] == ("It came in: demo request.", "")
    assert (f"{owner.name} logged: e-mail.", "Asked for <b>details</b>") in told
    assert (f"{owner.name} set the next step.", "Call") in told
    assert ("Ada Admin says that this is wrong.", "They are a bank") in told
    assert shown.why.endswith("→ Ada Admin says that this is wrong: They are a bank")
    assert next(one.due_at for one in shown.timeline if one.event == "planned") == NOW + timedelta(hours=2)


def test_other_leads_of_the_person_and_the_company(pages: Pages, lead: Callable[..., Submission]) -> None:
    pages.do(Act("L1", "close", by="anna", outcome="lost"))
    for id_, email in (("L2", "jo@umbra.example"), ("L3", "bo@umbra.example")):
        route_batch(pages.db, pages.books, [lead(id=id_, **{**HOT, "email": email})], NOW)
    shown = pages.lead("L2")
    assert [(one.id, one.is_same_person, one.outcome) for one in shown.others] == [
        ("L1", True, "lost"),
        ("L3", False, ""),
    ]


def test_a_page_is_in_the_language_of_its_reader(pages: Pages) -> None:
    with language("pl"):
        shown = pages.lead()
    assert ("kraj", "Niemcy") in shown.facts
