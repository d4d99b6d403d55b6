"""What is said of findings: kept, the last one counts, and what came of those that were accepted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from tests.service.conftest import NOW, POLICY

from leadlane.errors import LeadlaneError
from leadlane.insight.costs import Cost, Factor
from leadlane.insight.findings import Finding, Proposal
from leadlane.insight.proportions import Estimate
from leadlane.insight.verdicts import Said, Verdict, figures_of, is_folded
from leadlane.policy.edit import Edit, edited
from leadlane.service.publish import current_document, publish
from leadlane.service.quarterly.review_roster import into_roster, roster_change
from leadlane.service.quarterly.review_verdicts import (
    LONGEST_REASON,
    followed,
    give,
    history,
    reopen,
    verdicts,
)
from leadlane.store import review_verdicts

DAY = timedelta(days=1)
TO_DACH = (Edit("set", ("segments", "cee", "team"), "dach"),)
FINDING = Finding(
    "segment:cee:dach",
    "segment",
    "cee does better with dach",
    ("Leads of cee are won more often by dach.",),
    0.97,
    240,
    Estimate(0.12, 0.05, 0.19, 240),
    Cost("moved", (Factor("leads", 200, 240, 280), Factor("gap", 50, 120, 190))),
    proposal=Proposal("Give cee to dach", policy=TO_DACH),
)


def give_now(db: psycopg.Connection, said: Said, reason: str = "", at: int = 0, **changed: object) -> Verdict:
    return give(db, replace(FINDING, **changed), "2026Q1", said, "olga", reason, NOW + at * DAY)  # type: ignore[arg-type]


def test_a_verdict_is_kept_with_the_figures_and_the_proposal_of_its_time(
    published: psycopg.Connection,
) -> None:
    given = give_now(published, "dismissed", " they hire in Prague ")
    assert verdicts(published) == {FINDING.key: given}
    assert given.reason == "they hire in Prague"
    assert given.figures == figures_of(FINDING)
    assert given.figures.money == (10_000, 28_800, 53_200)
    assert given.policy == TO_DACH
    assert is_folded(given, figures_of(FINDING))


def test_the_last_one_counts_and_the_others_are_its_history(published: psycopg.Connection) -> None:
    give_now(published, "dismissed", "not now")
    last = give_now(published, "accepted", at=1)
    assert verdicts(published) == {FINDING.key: last}
    assert [one.said for one in history(published, FINDING.key)] == ["accepted", "dismissed"]
    reopen(published, last, "olga", NOW + 2 * DAY)
    assert verdicts(published) == {}


def test_who_dismisses_says_why(published: psycopg.Connection) -> None:
    with pytest.raises(LeadlaneError, match="why it is dismissed"):
        give_now(published, "dismissed", "  ")
    with pytest.raises(LeadlaneError, match="too long"):
        give_now(published, "dismissed", "x" * (LONGEST_REASON + 1))
    assert verdicts(published) == {}


def test_an_accepted_one_is_followed_to_the_version_that_says_it(published: psycopg.Connection) -> None:
    given = give_now(published, "accepted", at=1)
    now = figures_of(replace(FINDING, effect=Estimate(0.02, -0.03, 0.07, 300)))
    (waiting,) = followed(published, [given], {FINDING.key: now})
    assert (waiting.published, waiting.is_done) == (None, False)
    # In its own quarter there is no "since then".
    assert followed(published, [given], {FINDING.key: given.figures})[0].change is None
    other = POLICY.replace("strong_at: 60", "strong_at: 50")
    publish(published, other, "policy.yaml", "olga", "something else", NOW + 2 * DAY)
    assert not followed(published, [given], {})[0].is_done
    publish(published, edited(other, TO_DACH), "policy.yaml", "olga", "the review", NOW + 3 * DAY)
    publish(published, edited(POLICY, TO_DACH), "policy.yaml", "olga", "later", NOW + 4 * DAY)
    (done,) = followed(published, [given], {FINDING.key: now})
    assert done.is_done
    assert done.published is not None
    assert done.published.comment == "the review"
    assert done.now == now
    assert done.change is not None
    assert done.change.value == pytest.approx(-0.10)
    assert done.change.high < 0  # it has become less, beyond chance
    assert followed(published, [given], {})[0].now is None


def test_an_edited_one_is_followed_to_the_version_that_changed_the_place(
    published: psycopg.Connection,
) -> None:
    given = give_now(published, "edited", at=1)
    publish(published, POLICY + "# a comment\n", "policy.yaml", "olga", "no matter", NOW + 2 * DAY)
    assert not followed(published, [given], {})[0].is_done
    text = edited(POLICY, [Edit("set", ("segments", "cee", "team"), "south")])
    publish(published, text, "policy.yaml", "olga", "to south instead", NOW + 3 * DAY)
    (done,) = followed(published, [given], {})
    assert done.published is not None
    assert done.published.comment == "to south instead"


def test_what_is_proposed_for_people_is_done_when_the_roster_says_it(published: psycopg.Connection) -> None:
    edits = (Edit("set", ("people", "fritz", "teams"), ["cee"]),)
    given = give_now(published, "accepted", at=1, proposal=Proposal("Fritz to cee", roster=edits))
    assert not followed(published, [given], {})[0].is_done
    words, lines = roster_change(published, given.roster)
    assert words == ["Fritz Bauer: teams dach → cee"]
    assert [line[0] for line in lines if line[:2] in ("- ", "+ ")] == ["-", "+"]
    into_roster(published, given.roster, "olga", NOW + 2 * DAY)
    assert current_document(published).people["fritz"]["teams"] == ["cee"]
    assert followed(published, [given], {})[0].is_done
    assert roster_change(published, given.roster) == ([], [])


def test_rows_put_in_and_taken_out_are_recognised(published: psycopg.Connection) -> None:
    edits = (
        Edit("remove", ("routes", "vip")),
        Edit("insert", ("routes", "hot-weak"), {"name": "peak", "when": {"intent": "high"}, "pool": "sdr"}),
    )
    given = give_now(published, "accepted", at=1, proposal=Proposal("Two changes", policy=edits))
    assert not followed(published, [given], {})[0].is_done
    publish(published, edited(POLICY, edits), "policy.yaml", "olga", "both", NOW + 2 * DAY)
    assert followed(published, [given], {})[0].is_done


def test_a_review_is_kept_by_period_and_language(published: psycopg.Connection) -> None:
    review_verdicts.keep_review(published, "2025Q4", "en", {"n": 1}, NOW)
    review_verdicts.keep_review(published, "2026Q1", "en", {"n": 2}, NOW)
    review_verdicts.keep_review(published, "2026Q1", "it", {"n": 3}, NOW + DAY)
    review_verdicts.keep_review(published, "2026Q1", "en", {"n": 4}, NOW + 2 * DAY)
    found = {
        language: review_verdicts.review(published, "2026Q1", language) for language in ("en", "it", "pl")
    }
    assert {language: row and row.content["n"] for language, row in found.items()} == {
        "en": 4,
        "it": 3,
        "pl": 4,
    }
    assert review_verdicts.review(published, "2024Q1") is None
    assert review_verdicts.reviews(published) == [("2026Q1", NOW + 2 * DAY), ("2025Q4", NOW)]
