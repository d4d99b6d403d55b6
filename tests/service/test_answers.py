"""Answers from messages: a link only asks; what is confirmed is done once, for whoever still has the lead."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.service.conftest import NOW

from leadlane.core.act import Act
from leadlane.service import answers
from leadlane.service.acts import act
from leadlane.service.answers import Given
from leadlane.service.batch import route_batch
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import leads

ALL = ("accept", "decline", "responded", "snooze")
SOON = NOW + timedelta(minutes=2)
TOMORROW = NOW + timedelta(days=1)


@dataclass(frozen=True)
class Public:
    public_url: str = "https://leads.seller.example/"


@pytest.fixture
def desk(published, books, lead):
    """A hot lead with whoever got it, and the tokens that they were sent."""

    class Desk:
        db = published

        def __init__(self) -> None:
            raw = {"email": "jo@strom.example", "company": "Strom", "employees": 300, "country": "DE"}
            raw |= {
                "tech_stack": ["salesforce"],
                "industry": "software",
                "signals": [{"name": "demo_request"}],
            }
            route_batch(published, books, [lead(id="L1", **raw)], NOW)
            self.owner = self.row.owner
            self.tokens = self.links(self.owner)

        @property
        def row(self):
            return leads.get(published, "L1")

        def links(self, person):
            made = answers.links(published, Public(), "L1", self.row.place, person, ALL, NOW)
            return {verb: url.removeprefix("https://leads.seller.example/a/") for verb, url in made.items()}

        def look(self, verb, now=SOON):
            return answers.look(published, books, self.tokens[verb], now)

        def answer(self, verb, given=None, now=SOON):
            return answers.answer(published, books, self.tokens[verb], given or Given(), now)

        def act(self, kind, now=SOON, **more):
            (receipt,) = act(published, books, [Act("L1", kind, **more)], now)
            assert receipt.status == "updated", receipt.problem

        def decisions(self):
            return published.execute("SELECT count(*) FROM decisions").fetchone()[0]

        def events(self):
            rows = published.execute("SELECT event, actor FROM timeline ORDER BY id").fetchall()
            return [f"{event} {actor}" for event, actor in rows]

    return Desk()


def test_only_the_hash_of_a_token_is_stored(desk):
    stored = desk.db.execute("SELECT answers::text FROM answers").fetchall()
    assert len(stored) == 4
    assert not any(token in text for token in desk.tokens.values() for (text,) in stored)


def test_without_a_public_address_there_are_no_links(published):
    assert answers.links(published, Public(""), "L1", 1, "anna", ALL, NOW) == {}
    assert published.execute("SELECT count(*) FROM answers").fetchone() == (0,)


def test_looking_changes_nothing(desk):
    before = desk.row
    assert [desk.look(verb).state for verb in ALL] == ["open"] * 4
    assert desk.row == before
    assert desk.decisions() == 1


def test_accepting(desk):
    asked, problem = desk.answer("accept")
    assert (asked.state, problem) == ("used", None)
    assert (desk.row.stage, desk.row.accepted_at) == ("accepted", SOON)
    assert desk.events()[-1] == f"accepted person:{desk.owner}"


def test_an_answer_sent_twice_is_done_once(desk):
    for _time in range(3):
        asked, problem = desk.answer("responded", Given(choice="call", note="Nobody there"))
        assert (asked.state, problem) == ("used", None)
    assert desk.db.execute("SELECT person, kind, note FROM touches").fetchall() == [
        (desk.owner, "call", "Nobody there")
    ]


def test_an_answer_whose_sender_died_before_it_was_marked_is_not_done_again(desk):
    desk.answer("responded", Given(choice="call"))
    desk.db.execute("UPDATE answers SET used_at = NULL")
    asked, _problem = desk.answer("responded", Given(choice="email"))
    assert asked.state == "used"
    assert desk.db.execute("SELECT kind FROM touches").fetchall() == [("call",)]


def test_after_accepting_the_other_links_of_the_message_still_work(desk):
    desk.answer("accept")
    asked, _problem = desk.answer("responded", Given(choice="meeting"))
    assert asked.state == "used"
    assert (desk.row.stage, desk.row.responded_at) == ("working", SOON)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Given(choice="no time"), "no time"),
        (Given(choice="junk", note="Asks for money"), "junk"),
        (Given(choice="other", note="My cousin works there"), "My cousin works there"),
    ],
)
def test_declining_hands_the_lead_on_with_the_reason(desk, given, reason):
    asked, problem = desk.answer("decline", given)
    assert (asked.state, problem) == ("used", None)
    assert desk.row.owner not in (None, desk.owner)
    assert asked.holder == desk.row.owner
    details = desk.db.execute("SELECT details FROM timeline WHERE event = 'declined'").fetchone()[0]
    assert details["reason"] == reason
    notes = [note for (note,) in desk.db.execute("SELECT note FROM touches")]
    assert notes == (["Asks for money"] if given.choice == "junk" else [])


def test_putting_off_moves_the_next_step_and_not_the_promise(desk):
    before = desk.row
    asked, problem = desk.answer("snooze", Given(until=TOMORROW))
    assert (asked.state, problem) == ("used", None)
    after = desk.row
    assert after.next_step_due_at == TOMORROW
    assert (after.next_step, after.respond_by, after.chase_at) == (
        before.next_step,
        before.respond_by,
        before.chase_at,
    )


@pytest.mark.parametrize(
    ("verb", "given", "problem"),
    [
        ("decline", Given(), "missing"),
        ("decline", Given(choice="because"), "missing"),
        ("decline", Given(choice="other"), "other"),
        ("responded", Given(), "missing"),
        ("responded", Given(choice="note"), "missing"),
        ("snooze", Given(), "missing"),
        ("snooze", Given(until=SOON), "moment"),
        ("snooze", Given(until=NOW + timedelta(days=61)), "moment"),
    ],
)
def test_what_is_missing_is_asked_for_and_the_link_still_works(desk, verb, given, problem):
    asked, found = desk.answer(verb, given)
    assert (asked.state, found) == ("open", problem)
    assert desk.decisions() == 1


def test_who_no_longer_has_the_lead_changes_nothing_and_hears_who_has_it(desk):
    desk.act("reassign", to="maria")
    count = desk.decisions()
    sent = (Given(), Given(choice="junk"), Given(choice="call"), Given(until=TOMORROW))
    for verb, given in zip(ALL, sent, strict=True):
        asked, _problem = desk.answer(verb, given)
        assert (asked.state, asked.holder) == ("elsewhere", "maria")
    assert desk.decisions() == count
    assert desk.row.owner == "maria"


def test_a_lead_that_moves_while_the_page_is_open_is_shown_again(desk):
    # It went away and came back: the same person, at another place than the page showed.
    seen = desk.row.place
    desk.act("reassign", to="maria")
    desk.act("reassign", to=desk.owner)
    asked, problem = desk.answer("accept", Given(seen=seen))
    assert (asked.state, problem) == ("open", "moved")
    assert desk.row.stage == "assigned"
    asked, problem = desk.answer("accept", Given(seen=desk.row.place))
    assert (asked.state, problem) == ("used", None)


def test_a_lead_accepted_elsewhere_is_not_accepted_again(desk):
    desk.act("accept", by=desk.owner)
    count = desk.decisions()
    assert desk.answer("accept")[0].state == "already"
    assert desk.decisions() == count


def test_a_closed_lead(desk):
    desk.act("close", by=desk.owner, outcome="lost")
    assert {desk.answer(verb)[0].state for verb in ALL} == {"closed"}


def test_a_lead_that_was_merged_is_answered_as_the_one_it_is_part_of(desk, books, lead):
    route_batch(desk.db, books, [lead(id="L2", email="eva@strom.example", company="Strom")], SOON)
    desk.act("merge", by="olga", to="L2")
    tokens = answers.links(desk.db, Public(), "L2", 1, desk.owner, ["accept"], NOW)
    asked = answers.look(desk.db, books, tokens["accept"].rpartition("/")[2], SOON)
    assert (asked.state, asked.row.id) == ("open", "L1")


def test_links_expire_and_are_forgotten(desk):
    late = NOW + answers.LIFETIME
    assert desk.look("accept", late - timedelta(seconds=1)).state == "open"
    assert desk.answer("accept", now=late)[0].state == "expired"
    assert desk.decisions() == 1
    much_later = late + answers.REMEMBERED + timedelta(seconds=1)
    answers.links(desk.db, Public(), "L9", 1, "anna", ["accept"], much_later)
    assert desk.look("accept", much_later) is None
    assert desk.db.execute("SELECT lead_id FROM answers").fetchall() == [("L9",)]


def test_unknown_tokens(desk, books):
    for token in ("", "x", desk.tokens["accept"][:-1], desk.tokens["accept"].swapcase()):
        assert answers.look(desk.db, books, token, SOON) is None
        assert answers.answer(desk.db, books, token, Given(), SOON) == (None, None)


def test_whoever_left_the_company_can_answer_no_more(desk):
    desk.db.execute(
        "UPDATE roster_entries SET content = (content::jsonb || '{\"active\": false}')::json WHERE id = %s",
        [desk.owner],
    )
    assert answers.look(desk.db, Rulebooks(), desk.tokens["accept"], SOON).state == "expired"


def test_moments_to_put_off_to_are_in_working_time(desk):
    asked = desk.look("snooze")
    zone = ZoneInfo(asked.person.timezone)
    told = [moment.astimezone(zone).strftime("%a %H:%M") for moment in answers.snooze_choices(asked)]
    assert told == ["Mon 11:02", "Mon 13:02", "Tue 09:00", "Mon 09:00"]
    friday = replace(asked, at=datetime(2026, 3, 6, 15, 0, tzinfo=ZoneInfo("UTC")))
    told = [moment.astimezone(zone).strftime("%a %d %H:%M") for moment in answers.snooze_choices(friday)]
    assert told == ["Fri 06 17:00", "Fri 06 19:00", "Mon 09 09:00"]
