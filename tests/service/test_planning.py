"""Who hears of what, by which channel, from when on: again where nobody acts, as a team, at night."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from tests.service.conftest import NOW
from tests.service.telling import (
    MakeLead,
    Told,
    demo,
    give_to,
    people,
    put_changed,
    route,
    run_once,
    setup_of,
    states,
)

from leadlane.config import Settings
from leadlane.core.act import Act
from leadlane.outbound.endpoints import Again, Audience, Outbound, Post
from leadlane.outbound.message import Failure
from leadlane.service.acts import act
from leadlane.service.planning import plan, plan_all
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.ways import Setup
from leadlane.store import alarms, deliveries

SOON = timedelta(minutes=5)
SMS = Again("sms", SOON, "accepted", frozenset({"assigned", "covering"}))


def with_sms(*rules: Again) -> tuple[Setup, Told, Told]:
    mail, sms = Told("email"), Told("sms")
    return people(mail, sms, also=rules or (SMS,)), mail, sms


def give_boris(db: psycopg.Connection, lead: MakeLead, numbers: range, now: datetime = NOW) -> None:
    put_changed(db, "boris", phone="+4915112345678", channels=["email", "sms"])
    route(db, *(demo(lead, n, now=now) for n in numbers), now=now)
    for n in numbers:
        give_to(db, f"L{n}", "boris", now)


def to_boris(told: Told) -> list[tuple[str, ...]]:
    """The leads that each message to Boris told of."""
    return [
        tuple(sorted(str(item.lead_id) for item in job.message.items))
        for job in told.jobs
        if job.delivery.person == "boris" and job.message is not None
    ]


# ---------------------------------------------------------------- again


def test_who_has_not_accepted_is_told_again_by_another_channel(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    setup, mail, sms = with_sms()
    give_boris(published, lead, range(1, 2))
    run_once(published, setup, NOW)
    run_once(published, setup, NOW + SOON - timedelta(seconds=1))
    assert (to_boris(mail), to_boris(sms)) == ([("L1",)], [])
    run_once(published, setup, NOW + SOON)
    run_once(published, setup, NOW + timedelta(hours=1))
    assert to_boris(sms) == [("L1",)]
    assert [job.delivery.address for job in sms.jobs] == ["+4915112345678"]


@pytest.mark.parametrize("done", ["accept", "touch", "reassign", "close"])
def test_who_has_acted_is_not_told_again(published: psycopg.Connection, lead: MakeLead, done: Any) -> None:
    setup, _mail, sms = with_sms()
    give_boris(published, lead, range(1, 2))
    run_once(published, setup, NOW)
    more = {"touch": {"how": "call"}, "reassign": {"to": "anna"}, "close": {"outcome": "won"}}
    (receipt,) = act(
        published,
        Rulebooks(),
        [Act("L1", done, by="boris", **more.get(done, {}))],
        NOW + timedelta(minutes=1),
    )
    assert receipt.status == "updated"
    run_once(published, setup, NOW + SOON)
    assert to_boris(sms) == []
    assert states(published, channel="sms", person="boris") == ["moot"]


def test_unless_responded_asks_for_more_than_accepting(published: psycopg.Connection, lead: MakeLead) -> None:
    setup, _mail, sms = with_sms(Again("sms", SOON, "responded", frozenset({"assigned"})))
    give_boris(published, lead, range(1, 3))
    run_once(published, setup, NOW)
    done = [Act("L1", "accept", by="boris"), Act("L2", "touch", by="boris", how="call")]
    act(published, Rulebooks(), done, NOW + timedelta(minutes=1))
    run_once(published, setup, NOW + SOON)
    assert to_boris(sms) == [("L1",)]


def test_it_is_planned_with_the_first_message_or_not_at_all(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    setup, _mail, sms = with_sms()
    give_boris(published, lead, range(1, 2))
    deliveries.know_channels(published, setup.ways, NOW)
    published.execute("ALTER TABLE deliveries ADD CONSTRAINT broken CHECK (channel <> 'sms') NOT VALID")
    with pytest.raises(psycopg.errors.CheckViolation):
        run_once(published, setup, NOW)
    assert states(published) == []
    published.execute("ALTER TABLE deliveries DROP CONSTRAINT broken")
    run_once(published, setup, NOW)
    assert states(published, channel="sms") == ["waiting"]
    # A sender that died meanwhile changes nothing: it is due all the same.
    run_once(published, setup, NOW + SOON)
    assert to_boris(sms) == [("L1",)]


def test_rules_that_cannot_be_read_lose_no_message(published: psycopg.Connection, lead: MakeLead) -> None:
    setup, mail, _sms = with_sms()
    give_boris(published, lead, range(1, 2))
    deliveries.know_channels(published, setup.ways, NOW)
    published.execute("ALTER TABLE policies RENAME COLUMN source TO elsewhere")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        plan_all(published, Rulebooks(), setup, NOW)
    published.execute("ALTER TABLE policies RENAME COLUMN elsewhere TO source")
    run_once(published, setup, NOW)
    assert to_boris(mail) == [("L1",)]


def test_what_falls_due_together_is_one_message_also_after_an_outage(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    setup, _mail, sms = with_sms()
    for n in range(4):
        give_boris(published, lead, range(n, n + 1), NOW + timedelta(seconds=10 * n))
        run_once(published, setup, NOW + timedelta(seconds=10 * n))
    run_once(published, setup, NOW + SOON)
    run_once(published, setup, NOW + timedelta(minutes=6))
    assert to_boris(sms) == [("L0",), ("L1", "L2", "L3")]
    for n in range(10, 14):
        give_boris(published, lead, range(n, n + 1), NOW + timedelta(minutes=n))
        plan(published, Rulebooks(), setup, NOW + timedelta(minutes=n))
    run_once(published, setup, NOW + timedelta(hours=1))
    assert to_boris(sms)[2:] == [("L10", "L11", "L12", "L13")]
    assert states(published, channel="sms", state="waiting") == []


def test_only_who_lists_the_channel_and_is_reached_by_it(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    setup, _mail, _sms = with_sms()
    give_boris(published, lead, range(1, 2))
    put_changed(published, "boris", channels=["email"])
    put_changed(published, "anna", channels=["email", "sms"])
    route(published, demo(lead, 2))
    give_to(published, "L2", "anna", NOW)
    run_once(published, setup, NOW)
    assert states(published, channel="sms") == []


def test_a_further_message_that_fails_is_dead_and_raises_no_alarm(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    setup, _mail, sms = with_sms()
    sms.outcome = Failure("permanent", "no such number")
    give_boris(published, lead, range(1, 2))
    run_once(published, setup, NOW)
    run_once(published, setup, NOW + SOON)
    assert states(published, channel="sms") == ["dead"]
    assert alarms.lasting(published) == []


# ---------------------------------------------------------------- posts


def test_a_team_reads_of_its_leads_and_of_no_others(published: psycopg.Connection, lead: MakeLead) -> None:
    mail, slack = Told("email"), Told("slack")
    dach = Post("dach", "slack", "#leads-dach", only=Audience(teams=frozenset({"dach"})))
    setup = people(mail, slack, posts=(dach,))
    route(published, demo(lead, 1), demo(lead, 2))
    give_to(published, "L1", "boris", NOW)
    give_to(published, "L2", "dora", NOW)
    run_once(published, setup, NOW)
    (job,) = slack.jobs
    assert (job.delivery.person, job.delivery.address) == ("post:dach", "#leads-dach")
    assert job.message is not None
    assert (job.message.person, job.message.name) == ("", "dach")
    assert {(item.event, item.lead_id) for item in job.message.items} == {("assigned", "L1")}
    assert all(not item.answers for item in job.message.items)


@pytest.mark.parametrize(
    ("only", "is_heard"),
    [
        (Audience(), True),
        (Audience(pools=frozenset({"no such pool"})), False),
        (Audience(routes=frozenset({"no such route"})), False),
        (Audience(teams=frozenset({"dach", "south"}), pools=frozenset({"no such pool"})), False),
    ],
)
def test_whoever_listens_hears_of_what_meets_all_that_they_ask(
    published: psycopg.Connection, lead: MakeLead, only: Audience, is_heard: bool
) -> None:
    slack = Told("slack")
    setup = people(Told("email"), slack, posts=(Post("all", "slack", "#leads", only=only),))
    route(published, demo(lead, 1))
    give_to(published, "L1", "boris", NOW)
    run_once(published, setup, NOW)
    assert bool(slack.jobs) is is_heard


def test_a_post_whose_channel_does_not_work_is_an_alarm(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    slack = Told("slack", Failure("permanent", "channel_not_found"))
    setup = people(Told("email"), slack, posts=(Post("all", "slack", "#leads"),))
    route(published, demo(lead, 1))
    run_once(published, setup, NOW)
    assert states(published, channel="slack") == ["dead"]
    (alarm,) = alarms.lasting(published)
    assert "Nothing can be posted to all" in alarm.reason


# ---------------------------------------------------------------- quiet hours

NIGHT = NOW + timedelta(hours=12)
QUIET = frozenset({"alarm"})


def test_what_can_wait_waits_for_working_hours(published: psycopg.Connection, lead: MakeLead) -> None:
    mail = Told("email")
    setup = people(mail, at_any_hour=QUIET)
    route(published, demo(lead, 1, now=NIGHT), now=NIGHT)
    run_once(published, setup, NIGHT)
    assert mail.jobs == []


def test_a_promise_that_ends_before_they_are_back_is_told_at_night(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    mail = Told("email")
    setup = people(mail, at_any_hour=QUIET)
    route(published, demo(lead, 1, now=NIGHT), now=NIGHT)
    published.execute("UPDATE leads SET respond_by = %s", [NIGHT + timedelta(hours=1)])
    run_once(published, setup, NIGHT)
    assert [item.event for job in mail.jobs if job.message for item in job.message.items] == ["assigned"]


def test_that_a_lead_is_gone_is_never_urgent(published: psycopg.Connection, lead: MakeLead) -> None:
    mail = Told("email")
    route(published, demo(lead, 1))
    give_to(published, "L1", "boris", NOW)
    run_once(published, people(mail), NOW)
    mail.jobs.clear()
    give_to(published, "L1", "anna", NIGHT)
    run_once(published, people(mail, at_any_hour=QUIET), NIGHT)
    assert [job.delivery.person for job in mail.jobs] == ["anna"], "the promise is long over"
    run_once(published, people(mail, at_any_hour=QUIET), NOW + timedelta(days=1))
    assert {job.delivery.person for job in mail.jobs} == {"anna", "boris"}


def test_the_clock_of_a_further_message_begins_with_the_first(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    mail, sms = Told("email"), Told("sms")
    setup = people(mail, sms, also=(SMS,), at_any_hour=QUIET)
    give_boris(published, lead, range(1, 2), NIGHT)
    run_once(published, setup, NIGHT)
    (first,) = deliveries.search(published, {"channel": "email", "person": "boris"}, 9)
    (again,) = deliveries.search(published, {"channel": "sms"}, 9)
    assert again.next_at == first.next_at + SOON


# ---------------------------------------------------------------- what is set up


def test_what_outbound_says_of_channels_that_are_not_set_up_waits_or_is_left_out(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    setup = setup_of(settings=Settings(), also=(SMS,), posts=(Post("all", "slack", "#leads"),))
    assert isinstance(setup.outbound, Outbound)
    give_boris(published, lead, range(1, 2))
    run_once(published, setup, NOW)
    assert states(published, channel="sms") == []
    assert states(published, channel="slack") == ["waiting"]
