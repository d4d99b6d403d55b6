"""From the outbox to those who are to hear of it: real mails, real requests, and receivers that misbehave."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook
from tests.outbound.conftest import Postbox, Running, mail_server
from tests.outbound.receiver import SECRET, Answer, Receiver, receiving
from tests.service.conftest import NOW
from tests.service.telling import (
    MakeLead,
    Told,
    demo,
    endpoint,
    give_to,
    machine,
    people,
    put_changed,
    receiver,
    route,
    route_live,
    run_once,
    sending,
    setup_of,
    states,
    wait_until,
)

from leadlane import clock
from leadlane.config import Settings
from leadlane.core.act import Act
from leadlane.outbound import teams
from leadlane.outbound.endpoints import Endpoint, Outbound
from leadlane.outbound.message import EVENTS, Failure, Sent
from leadlane.service import deliver, planning, ways
from leadlane.service.acts import act
from leadlane.service.deliver import claim, leave_what_is_not_set_up, settle
from leadlane.service.planning import plan
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.ways import MEDIA, Setup, Way, set_up
from leadlane.store import alarms, deliveries

__all__ = ["mail_server", "receiver"]


# ---------------------------------------------------------------- from end to end


def test_a_system_hears_signed_and_soon_of_what_happens_from_now_on(
    published: psycopg.Connection, database_url: str, receiver: Receiver, lead: MakeLead
) -> None:
    route_live(published, lead, [1])
    with sending(database_url, setup_of(endpoint(receiver))):
        wait_until(lambda: deliveries.channels(published))
        begun = time.time()
        route_live(published, lead, [2])
        wait_until(lambda: receiver.requests)
    (request,) = receiver.requests
    assert request.at - begun < 5
    assert Webhook(SECRET).verify(request.body, request.headers) == request.told
    assert request.told["type"] == "lead.assigned"
    told = request.told["data"]
    assert told["lead"]["id"] == "L2"
    assert told["lead"]["fields"]["company"] == "Firm 2"
    assert told["person"]["email"] == f"{told['lead']['owner']}@seller.example"
    assert states(published, channel="webhook:crm") == ["sent"]
    # Mail is not set up: what it would say waits, and is not lost.
    assert states(published, channel="email") == ["waiting"]


def test_a_person_gets_a_mail_that_says_who_and_why(
    published: psycopg.Connection, database_url: str, mail_server: Callable[[], Running], lead: MakeLead
) -> None:
    box = mail_server()
    settings = Settings(smtp_url=box.url, mail_from="Leads <leads@seller.example>")
    route_live(published, lead, [1])
    with sending(database_url, setup_of(settings=settings)):
        wait_until(lambda: box.mails)
    (mail,) = box.mails
    row = published.execute("SELECT owner FROM leads").fetchone()
    assert row is not None
    assert mail["To"].addresses[0].addr_spec == f"{row[0]}@seller.example"
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Kim Number1" in text
    assert "Firm 1" in text
    assert "The rule" in text
    assert states(published) == ["sent"]


def test_only_the_events_that_it_asked_for(
    published: psycopg.Connection, database_url: str, receiver: Receiver, lead: MakeLead
) -> None:
    setup = setup_of(endpoint(receiver, events=("reassigned_away",)))
    with sending(database_url, setup):
        wait_until(lambda: deliveries.channels(published))
        route_live(published, lead, [1])
        owner = published.execute("SELECT owner FROM leads").fetchone()
        assert owner is not None
        act(published, Rulebooks(), [Act("L1", "decline", by=owner[0], reason="no time")], clock.now())
        wait_until(lambda: receiver.requests)
    assert [request.told["type"] for request in receiver.requests] == ["lead.reassigned_away"]


# ---------------------------------------------------------------- machines


def test_what_failed_comes_again_under_the_same_id_with_the_same_body(
    published: psycopg.Connection, database_url: str, receiver: Receiver, lead: MakeLead
) -> None:
    answers = iter([Answer(500), Answer(0), Answer(503, headers={"retry-after": "1"})])
    receiver.answer = lambda _request: next(answers, Answer())
    with sending(database_url, setup_of(endpoint(receiver))):
        wait_until(lambda: deliveries.channels(published))
        route_live(published, lead, [1])
        wait_until(lambda: states(published, channel="webhook:crm") == ["sent"], 40)
    assert len(receiver.requests) == 4
    assert len({(request.id, request.body) for request in receiver.requests}) == 1
    gaps = [
        later.at - earlier.at
        for earlier, later in zip(receiver.requests, receiver.requests[1:], strict=False)
    ]
    assert min(gaps) >= 0.9, "it is not hammered"


def test_of_one_lead_everything_comes_in_order_and_others_go_past(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    told = Told("webhook:crm", Failure("temporary", "stumbled"))
    setup = machine(told)
    route(published, demo(lead, 1))
    give_to(published, "L1", "boris", NOW)
    run_once(published, setup, NOW)
    assert [job.delivery.lead_id for job in told.jobs] == ["L1"], "the second waits for the first"
    told.outcome = Sent()
    route(published, demo(lead, 2), now=NOW)
    run_once(published, setup, NOW + timedelta(milliseconds=1))
    assert told.jobs[-1].delivery.lead_id == "L2"
    run_once(published, setup, NOW + timedelta(minutes=1))
    of_first = [job.delivery.id for job in told.jobs if job.delivery.lead_id == "L1"]
    assert of_first == sorted(of_first)
    assert set(states(published, channel="webhook:crm")) == {"sent"}


def test_a_channel_that_is_down_gets_one_message_at_a_time_and_then_all(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    told = Told("webhook:crm", Failure("temporary", "away", is_channel_down=True))
    setup, now = machine(told), NOW
    route(published, *(demo(lead, n) for n in range(1, 8)))
    run_once(published, setup, now)
    assert len(told.jobs) == 7, "those that were under way already"
    for _hour in range(6):
        before = len(told.jobs)
        now += timedelta(hours=1)
        run_once(published, setup, now)
        assert len(told.jobs) - before <= 1
    assert [one.kind for one in alarms.lasting(published)] == ["channel:webhook:crm"]
    told.outcome = Sent()
    run_once(published, setup, now + timedelta(hours=7))
    assert set(states(published, channel="webhook:crm")) == {"sent"}
    assert alarms.lasting(published) == []


def test_what_is_never_taken_is_dead_and_can_be_sent_again(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    told = Told("webhook:crm", Failure("permanent", "400"))
    setup = machine(told)
    route(published, demo(lead, 1))
    run_once(published, setup, NOW)
    (dead,) = deliveries.search(published, {"state": "dead"}, 10)
    assert dead.error == "400"
    assert deliver.send_again(published, Rulebooks(), setup, dead.id, NOW)
    told.outcome = Sent()
    run_once(published, setup, NOW)
    assert states(published, channel="webhook:crm") == ["sent"]
    assert len({job.delivery.uid for job in told.jobs}) == 1
    assert not deliver.send_again(published, Rulebooks(), setup, dead.id, NOW), "it was sent"


def test_after_so_many_attempts_a_machine_gets_no_more(published: psycopg.Connection, lead: MakeLead) -> None:
    told = Told("webhook:crm", Failure("temporary", "stumbled"))
    setup, now = machine(told), NOW
    route(published, demo(lead, 1))
    while states(published, channel="webhook:crm") != ["dead"]:
        run_once(published, setup, now)
        now += timedelta(hours=7)
    assert len(told.jobs) == deliver.MOST_ATTEMPTS_MACHINE


def test_one_system_that_hangs_holds_up_no_other(
    published: psycopg.Connection, database_url: str, receiver: Receiver, lead: MakeLead
) -> None:
    with receiving() as hanging:
        hanging.answer = lambda _request: Answer(after=4)
        with sending(database_url, setup_of(endpoint(hanging, "slow"), endpoint(receiver, "quick"))):
            wait_until(lambda: len(deliveries.channels(published)) == 2)
            begun = time.monotonic()
            route_live(published, lead, range(20))
            wait_until(lambda: len(receiver.requests) == 20)
            assert time.monotonic() - begun < 3.5
            assert set(states(published, channel="webhook:slow")) <= {"waiting", "sending"}


# ---------------------------------------------------------------- people


def test_several_at_once_become_one_message_and_nobody_is_flooded(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    told = Told("email")
    setup, now = people(told), NOW
    route(published, *(demo(lead, n) for n in range(12)))
    run_once(published, setup, now)
    heard = [job.delivery.person for job in told.jobs]
    assert len(heard) == len(set(heard)), "one message for each person"
    assert sum(len(job.message.items) for job in told.jobs if job.message) == 12
    told.jobs.clear()
    for n in range(100, 130):
        now += timedelta(seconds=1)
        route(published, demo(lead, n), now=now)
        give_to(published, f"L{n}", "boris", now)
        run_once(published, setup, now)
    run_once(published, setup, now + timedelta(minutes=2))
    to_boris = [job for job in told.jobs if job.delivery.person == "boris"]
    assert 2 <= len(to_boris) <= 5
    assert sum(len(job.message.items) + job.message.left_out for job in to_boris if job.message) >= 30


def test_what_is_moot_is_not_sent(published: psycopg.Connection, lead: MakeLead) -> None:
    told = Told("email")
    setup = people(told)
    route(published, demo(lead, 1))
    row = published.execute("SELECT owner FROM leads").fetchone()
    assert row is not None
    act(published, Rulebooks(), [Act("L1", "accept", by=row[0])], NOW)
    run_once(published, setup, NOW + timedelta(seconds=1))
    assert told.jobs == []
    assert states(published) == ["moot"]


def test_a_message_that_was_tried_again_also_tells_what_came_meanwhile(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    told = Told("email", Failure("temporary", "greylisted"))
    setup = people(told)
    route(published, demo(lead, 1))
    give_to(published, "L1", "boris", NOW)
    run_once(published, setup, NOW)
    route(published, demo(lead, 2))
    give_to(published, "L2", "boris", NOW)
    told.outcome = Sent()
    told.jobs.clear()
    run_once(published, setup, NOW + timedelta(minutes=1))
    (job,) = [job for job in told.jobs if job.delivery.person == "boris"]
    assert job.message is not None
    assert [item.lead_id for item in job.message.items] == ["L1", "L2"]


def test_what_nobody_knows_is_uncertain_and_never_sent_again_by_itself(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    told = Told("email")
    setup, books = people(told), Rulebooks()
    route(published, demo(lead, 1))
    deliveries.know_channels(published, setup.ways, NOW)
    plan(published, books, setup, NOW)
    (job,), _again = claim(published, books, setup, told.way, 8, NOW)
    assert deliveries.recover(published, NOW + deliver.LEASE / 2, "died") == []
    (found,) = deliveries.recover(published, NOW + deliver.LEASE, "died")
    assert (found.id, found.state) == (job.delivery.id, "uncertain")
    run_once(published, setup, NOW + timedelta(days=1))
    assert told.jobs == []
    # Whoever was taken for dead comes back with an answer.
    settle(published, books, setup, job.delivery, Sent("server-7"), NOW + timedelta(days=1))
    assert states(published) == ["sent"]


@pytest.fixture
def two_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    chat = replace(MEDIA["email"], name="chat", address=lambda person: f"@{person.id}")
    monkeypatch.setattr(ways, "MEDIA", {**MEDIA, "chat": chat})
    monkeypatch.setattr(deliver, "MEDIA", ways.MEDIA)
    monkeypatch.setattr(planning, "MEDIA", ways.MEDIA)


@pytest.mark.usefixtures("two_channels")
@pytest.mark.parametrize("kind", ["permanent", "temporary"])
def test_if_a_channel_does_not_work_the_next_is_used(
    published: psycopg.Connection, lead: MakeLead, kind: Any
) -> None:
    chat, mail = Told("chat", Failure(kind, "no such user")), Told("email")
    setup, now = people(chat, mail), NOW
    put_changed(published, "boris", channels=["chat", "email"])
    route(published, demo(lead, 1))
    give_to(published, "L1", "boris", NOW)
    for _attempt in range(6):
        run_once(published, setup, now)
        now += timedelta(seconds=20)
    assert [
        (one.channel, one.state) for one in reversed(deliveries.search(published, {"person": "boris"}, 9))
    ] == [
        ("chat", "failed"),
        ("email", "sent"),
    ]
    assert [job.delivery.address for job in mail.jobs if job.delivery.person == "boris"] == [
        "boris@seller.example"
    ]
    assert alarms.lasting(published) == []


@pytest.mark.usefixtures("two_channels")
def test_while_a_channel_is_down_for_long_people_are_told_by_their_next(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    chat, mail = Told("chat", Failure("temporary", "away", is_channel_down=True)), Told("email")
    setup = people(chat, mail)
    for person in ("anna", "boris", "clara"):
        put_changed(published, person, channels=["chat"])
    route(published, *(demo(lead, n) for n in range(3)))
    for n, person in enumerate(("anna", "boris", "clara")):
        give_to(published, f"L{n}", person, NOW)
    for seconds in (0, 10, 40, 90, 150):
        run_once(published, setup, NOW + timedelta(seconds=seconds))
    assert {job.delivery.person for job in mail.jobs} >= {"anna", "boris", "clara"}
    assert len(chat.jobs) <= 7


@pytest.mark.usefixtures("two_channels")
def test_what_waits_for_a_channel_that_is_taken_away_goes_by_one_that_is_set_up(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    chat, mail = Told("chat", Failure("temporary", "away", is_channel_down=True)), Told("email")
    put_changed(published, "boris", channels=["chat"])
    route(published, demo(lead, 1), demo(lead, 2))
    give_to(published, "L1", "boris", NOW)
    run_once(published, people(chat), NOW)
    assert [one.channel for one in deliveries.search(published, {"person": "boris"}, 9)] == ["chat"]

    setup, roster = people(mail), Rulebooks().current(published).roster
    leave_what_is_not_set_up(published, roster, setup, NOW)
    give_to(published, "L2", "boris", NOW)
    run_once(published, setup, NOW)
    (job,) = [job for job in mail.jobs if job.delivery.person == "boris"]
    assert job.message is not None
    assert {item.lead_id for item in job.message.items} == {"L1", "L2"}
    assert chat.jobs != []


@pytest.mark.usefixtures("two_channels")
def test_what_was_not_tried_yet_follows_the_roster(published: psycopg.Connection, lead: MakeLead) -> None:
    mail = Told("email")
    put_changed(published, "boris", channels=["chat"], email=None)
    route(published, demo(lead, 1), demo(lead, 2))
    give_to(published, "L1", "boris", NOW)
    run_once(published, people(mail), NOW)
    assert [job for job in mail.jobs if job.delivery.person == "boris"] == []
    put_changed(published, "boris", channels=["chat"], email="boris@elsewhere.example")
    give_to(published, "L2", "boris", NOW)
    run_once(published, people(mail), NOW)
    (job,) = [job for job in mail.jobs if job.delivery.person == "boris"]
    assert job.message is not None
    assert job.message.address == "boris@elsewhere.example"
    assert {item.lead_id for item in job.message.items} == {"L1", "L2"}


@pytest.mark.usefixtures("two_channels")
def test_a_channel_that_is_down_wakes_nobody_at_night(published: psycopg.Connection, lead: MakeLead) -> None:
    chat, mail = Told("chat"), Told("email")
    setup = people(chat, mail, at_any_hour=frozenset({"assigned"}))
    night = NOW + timedelta(hours=12)
    for person in ("boris", "anna"):
        put_changed(published, person, channels=["chat"])
    route(published, demo(lead, 1), now=NOW)
    give_to(published, "L1", "anna", NOW)
    run_once(published, setup, NOW)
    chat.outcome = Failure("temporary", "away", is_channel_down=True)
    give_to(published, "L1", "boris", night)  # that it is gone can wait until Anna is back at work
    for seconds in (0, 10, 40, 90, 150):
        run_once(published, setup, night + timedelta(seconds=seconds))
    assert [job for job in mail.jobs if job.delivery.person == "boris"]
    (waiting,) = deliveries.search(published, {"person": "anna", "state": "waiting"}, 9)
    assert (waiting.channel, waiting.next_at > night + timedelta(hours=1)) == ("email", True)


def test_the_manager_hears_when_no_channel_works(published: psycopg.Connection, lead: MakeLead) -> None:
    told = Told("email", Failure("permanent", "550 no such mailbox"))
    setup = people(told)
    route(published, demo(lead, 1))
    give_to(published, "L1", "boris", NOW)
    run_once(published, setup, NOW)
    told.outcome = Sent()
    told.jobs.clear()
    run_once(published, setup, NOW)
    (job,) = [job for job in told.jobs if job.delivery.person == "maria"]
    assert job.message is not None
    assert "Boris Keller cannot be told" in job.message.items[0].reason
    # Told once, until he can be reached again.
    give_to_again(published, lead, setup)
    assert not [job for job in told.jobs[1:] if job.delivery.person == "maria"]
    assert "unreachable:boris" not in {one.kind for one in alarms.lasting(published)}


def give_to_again(db: psycopg.Connection, lead: MakeLead, setup: Setup) -> None:
    route(db, demo(lead, 2))
    give_to(db, "L2", "boris", NOW)
    run_once(db, setup, NOW + timedelta(minutes=5))


def test_who_has_no_address_is_dead_and_their_manager_hears(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    told = Told("email")
    put_changed(published, "boris", email=None)
    route(published, demo(lead, 1))
    give_to(published, "L1", "boris", NOW)
    run_once(published, people(told), NOW)
    (dead,) = deliveries.search(published, {"person": "boris"}, 9)
    assert dead.state == "dead"
    assert "no address" in str(dead.error)
    run_once(published, people(told), NOW)
    assert "maria" in [job.delivery.person for job in told.jobs]


def test_what_is_not_urgent_waits_for_working_hours(published: psycopg.Connection, lead: MakeLead) -> None:
    night = NOW + timedelta(hours=12)
    told = Told("email")
    setup = people(told, at_any_hour=frozenset({"alarm"}))
    route(published, demo(lead, 1, now=night), now=night)
    run_once(published, setup, night)
    assert told.jobs == []
    (one,) = deliveries.search(published, {"state": "waiting"}, 9)
    assert one.next_at == NOW.replace(hour=8) + timedelta(days=1)
    run_once(published, setup, one.next_at)
    assert len(told.jobs) == 1


def test_an_alarm_for_every_admin_goes_to_revenue_operations_while_it_lasts(
    published: psycopg.Connection,
) -> None:
    told = Told("email")
    alarms.begin(published, "late", "Steps are late.", NOW)
    run_once(published, people(told), NOW)
    assert [job.delivery.person for job in told.jobs] == ["olga"]
    assert told.jobs[0].message is not None
    assert [item.reason for item in told.jobs[0].message.items] == ["Steps are late."]
    alarms.end(published, ["late"])
    alarms.begin(published, "review", "Nobody is there.", NOW)
    alarms.end(published, ["review"])
    told.jobs.clear()
    run_once(published, people(told), NOW + timedelta(minutes=2))
    assert told.jobs == []


def test_a_rate_is_kept(published: psycopg.Connection, lead: MakeLead) -> None:
    told = Told("webhook:crm")
    one = Endpoint("crm", "https://x.example", (SecretStr(SECRET),), frozenset(EVENTS), 60, ())
    setup = Setup(Settings(), Outbound((one,)), {told.name: Way(told.name, 60, told)})
    route(published, *(demo(lead, n) for n in range(40)))
    run_once(published, setup, NOW)
    assert len(told.jobs) == 10
    run_once(published, setup, NOW + timedelta(seconds=5))
    assert len(told.jobs) == 15


def test_two_senders_send_nothing_twice(
    published: psycopg.Connection, database_url: str, receiver: Receiver, lead: MakeLead
) -> None:
    setup = setup_of(endpoint(receiver))
    with sending(database_url, setup), sending(database_url, setup):
        wait_until(lambda: deliveries.channels(published))
        for start in range(0, 60, 10):
            route_live(published, lead, range(start, start + 10))
        wait_until(lambda: len(receiver.requests) >= 60)
    assert len(receiver.requests) == 60
    assert len({request.id for request in receiver.requests}) == 60
    assert set(states(published, channel="webhook:crm")) == {"sent"}


def test_a_database_that_goes_away_loses_no_answer(
    published: psycopg.Connection, database_url: str, receiver: Receiver, lead: MakeLead
) -> None:
    receiver.answer = lambda _request: Answer(after=0.5)
    with sending(database_url, setup_of(endpoint(receiver))):
        wait_until(lambda: deliveries.channels(published))
        route_live(published, lead, [1])
        wait_until(lambda: receiver.requests)
        published.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'leadlane sender%'"
        )
        wait_until(lambda: states(published, channel="webhook:crm") == ["sent"])
    assert len(receiver.requests) == 1


def test_settings_without_channels_set_nothing_up(tmp_path: Path) -> None:
    assert set_up(Settings(data_dir=tmp_path, smtp_url="smtp://x.example"), Outbound()).ways == {}


def test_each_channel_that_fails_gives_way_to_the_next_and_then_the_manager_hears(
    published: psycopg.Connection,
    database_url: str,
    mail_server: Callable[..., Running],
    receiver: Receiver,
    lead: MakeLead,
) -> None:
    """Real channels from end to end: a workflow of Teams that is gone, then a mailbox that is."""
    box = mail_server(Postbox(refused={"boris@seller.example": "550 no such mailbox"}))
    receiver.answer = lambda _request: Answer(404)
    settings = Settings(smtp_url=box.url, mail_from="Leads <leads@seller.example>")
    outbound = {
        "allowed": ("127.0.0.0/8",),
        "sections": {"teams": teams.Section(enabled=True)},
        "digest": False,
    }
    put_changed(published, "boris", channels=["teams", "email"], teams_workflow=receiver.url)
    with sending(database_url, setup_of(settings=settings, **outbound)):
        now = clock.now()
        route(published, demo(lead, 1, now=now), now=now)
        give_to(published, "L1", "boris", now)
        mails = box.mails_to("maria@seller.example")
    assert [
        (one.channel, one.state) for one in reversed(deliveries.search(published, {"person": "boris"}, 9))
    ] == [("teams", "failed"), ("email", "dead")]
    assert len(receiver.requests) == 1
    assert "Boris Keller cannot be told" in mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    (failed,) = deliveries.search(published, {"channel": "teams"}, 9)
    assert receiver.url not in str(failed.error)
