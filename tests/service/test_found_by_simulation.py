"""What simulated weeks found wrong once, each as the shortest story that shows it."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from tests.service.conftest import NOW
from tests.service.due import POLICY, Company, company, lead

from leadlane.core.facts import Signal
from leadlane.service.replay import replay_all
from leadlane.service.roster import put_entry
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.run_due import next_due_at
from leadlane.service.submission import signal_submission
from leadlane.store.watchdog import violations

__all__ = ["company"]

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def _is_sound(company: Company) -> None:
    assert violations(company.db) == []
    assert all(one.is_identical for one in replay_all(company.db, Rulebooks()))


def _told(company: Company, event: str) -> list[dict[str, str | None]]:
    rows = company.db.execute("SELECT details FROM timeline WHERE event = %s ORDER BY id", [event])
    return [row[0] for row in rows]


def test_the_timeline_says_who_covers(company: Company) -> None:
    company.route([lead("L1", domain="owned.example")])
    company.away("ann", NOW + HOUR, NOW + 2 * HOUR)
    company.run(NOW + HOUR)
    [told] = _told(company, "covering")
    assert (told["owner"], told["covered_by"]) == ("ann", "bob")
    _is_sound(company)


def test_the_timeline_does_not_say_that_somebody_covers_when_nobody_does(company: Company) -> None:
    company.route([lead("L1", domain="owned.example")])
    for person in ("ann", "bob"):
        company.away(person, NOW + HOUR, NOW + 2 * HOUR)
    company.run(NOW + HOUR)
    assert (company.count("uncovered"), company.count("covering")) == (1, 0)
    assert company.row("L1")[:2] == ("ann", None)


def test_a_backup_who_is_back_covers_for_an_owner_who_is_not(company: Company) -> None:
    company.publish(POLICY.replace(", chase: steps", ""))
    company.route([lead("L1", domain="owned.example")])
    company.away("ann", NOW + HOUR, NOW + 9 * HOUR)
    company.away("bob", NOW + HOUR, NOW + 2 * HOUR)
    company.run(NOW + HOUR)
    assert company.row("L1")[:2] == ("ann", None)
    company.run(NOW + 2 * HOUR)
    assert company.row("L1")[:2] == ("ann", "bob")
    _is_sound(company)


def test_whoever_declines_and_gets_it_for_review_is_told(company: Company) -> None:
    company.route([lead("L1", signal="visit")])
    company.act("L1", "review", NOW, by="olga", to="olga")
    assert company.row("L1")[0::2] == ("olga", "assigned")
    company.act("L1", "decline", NOW, by="olga")
    assert company.row("L1")[0:3:2] == ("olga", "review")
    assert company.events("L1")[-2:] == ["declined", "review"]


def test_a_full_backup_is_passed_over_where_no_pool_is_asked(company: Company) -> None:
    company.change("bob", max_open=1)
    company.route([lead("L0"), lead("L1", signal="visit")])
    company.act("L0", "reassign", NOW, to="bob")
    company.act("L1", "review", NOW, by="olga", to="ann")
    company.act("L1", "decline", NOW, by="ann")
    assert company.row("L1")[0:3:2] == ("olga", "review")
    _is_sound(company)


def test_two_steps_of_one_moment_hand_a_lead_on_once(company: Company) -> None:
    twice = "- {after: 90 minutes, reassign: backup}\n    - {after: 90 minutes, unless: accepted,"
    company.publish(POLICY.replace("- {after: 90 minutes, unless: accepted,", twice))
    company.route([lead("L1")])
    company.run(NOW + 90 * MINUTE)
    assert company.count("handed_on") == 1
    _is_sound(company)


def test_hours_that_change_repeat_no_step_of_a_chase(company: Company) -> None:
    """Two hours of work came before three hours on the clock; then ann's hours change, and come after."""
    steps = "- {after: 2 business hours, remind: owner}\n    - {after: 3 hours, notify: manager}\n"
    company.publish(POLICY[: POLICY.index("    - {after: 30")] + "    " + steps)
    company.route([lead("L1", domain="owned.example")])
    company.run(NOW + 2 * HOUR)
    company.change("ann", hours={"mon-fri": ["18:00-23:00"]})
    for hours in range(2, 14):
        company.run(NOW + hours * HOUR)
    assert (company.count("reminded"), company.count("escalated")) == (1, 1)
    _is_sound(company)


def test_a_midnight_that_something_waits_for_is_an_instant_in_utc(company: Company) -> None:
    company.fill_up()
    company.route([lead("L1")])
    midnight = next_due_at(company.db, company.books, NOW + 2 * HOUR)
    assert company.waiting() == ["L1"]
    assert midnight is not None
    assert midnight.utcoffset() == timedelta(0)
    company.route([lead("L2")], now=NOW.astimezone(ZoneInfo("Asia/Tokyo")))
    _is_sound(company)


def test_what_was_promised_is_kept_while_nobody_has_the_lead(company: Company) -> None:
    def promised() -> object:
        return company.db.execute("SELECT service_level, respond_by FROM leads").fetchone()

    company.change("olga", active=False)
    company.route([lead("L1")])
    before = promised()
    for _reps in range(2):
        company.act("L1", "decline", NOW + HOUR, by=company.row("L1")[0])
    assert company.row("L1")[0:3:2] == (None, "review")
    company.act("L1", "reassign", NOW + 2 * HOUR, to="cyd")
    assert company.row("L1")[0] == "cyd"
    assert promised() == before
    _is_sound(company)


def test_news_of_a_lead_that_nobody_has_moves_no_promise(company: Company) -> None:
    company.change("olga", active=False)
    company.route([lead("L1")])
    before = company.db.execute("SELECT respond_by FROM leads").fetchone()
    for _reps in range(2):
        company.act("L1", "decline", NOW + HOUR, by=company.row("L1")[0])
    news = Signal("read", NOW + 2 * HOUR)
    company.route([signal_submission("L1", (news,), "test", NOW + 2 * HOUR)], NOW + 2 * HOUR)
    assert company.count("signal") == 1
    assert company.db.execute("SELECT respond_by FROM leads").fetchone() == before
    _is_sound(company)


def test_a_daily_cap_holds_for_who_joins_where_it_is_still_the_day_before(company: Company) -> None:
    before_dawn = NOW.replace(hour=2)  # still the evening before in America
    content = {"name": "Nia", "role": "rep", "timezone": "America/Los_Angeles", "per_day": 1}
    for person in ("ann", "bob"):
        company.change(person, active=False)
    put_entry(company.db, "person", "nia", content, "test", before_dawn)
    company.route([lead("L1")], before_dawn)
    company.route([lead("L2")], before_dawn)
    assert company.row("L1")[0::2] == ("nia", "assigned")
    assert company.row("L2")[0::2] == ("olga", "review")
    _is_sound(company)


def test_the_timeline_does_not_say_that_somebody_covers_when_the_last_who_did_goes_away(
    company: Company,
) -> None:
    company.away("ann", NOW, NOW + 9 * HOUR)
    company.route([lead("L1", domain="owned.example")])
    company.act("L1", "touch", NOW + HOUR, by="bob", how="call")
    company.away("bob", NOW + 2 * HOUR, NOW + 4 * HOUR)
    company.run(NOW + 2 * HOUR)
    assert company.row("L1")[:3] == ("ann", "bob", "working")
    assert company.events("L1")[-2:] == ["touched", "uncovered"]
    _is_sound(company)
