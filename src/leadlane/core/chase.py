"""What if they do not act? Which steps of a chase are due, and when the next one is.

A chase is counted from the moment the person who has the lead got it, on that person's clock. Steps
are taken in order of due time; those due at the same moment together, in the order listed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from leadlane.core.business_time import Calendar, NoWorkingTime
from leadlane.core.policy import ChaseStep, Policy


@dataclass(frozen=True, slots=True)
class DueStep:
    """A step, its number as it is listed (from 0), and the instant at which it is due."""

    due_at: datetime
    step: ChaseStep
    number: int


@dataclass(frozen=True, slots=True)
class Overdue:
    """What is to be taken now, what an outage made too late, and the numbers of all steps then behind."""

    now_due: tuple[DueStep, ...]
    too_late: tuple[DueStep, ...]
    behind: tuple[int, ...]


def chase_of(policy: Policy, service_level: str | None) -> tuple[ChaseStep, ...]:
    """The steps that a service level of this policy is chased by; none for a level it does not have."""
    for level in policy.service_levels:
        if level.name == service_level and level.chase is not None:
            return policy.chases[level.chase]
    return ()


def due_steps(steps: Sequence[ChaseStep], since: datetime, calendar: Calendar) -> list[DueStep]:
    """The steps with their due times, in that order; a calendar without working time makes none due."""
    found = []
    for number, step in enumerate(steps):
        try:
            found.append(DueStep(calendar.add(since, step.after), step, number))
        except NoWorkingTime:
            continue
    return sorted(found, key=lambda due: due.due_at)  # stable: the order listed decides among equals


def next_due_at(
    steps: Sequence[ChaseStep], since: datetime, calendar: Calendar, behind: Collection[int]
) -> datetime | None:
    """When the next step is due, after those whose numbers are `behind`; None when all are."""
    return next((one.due_at for one in due_steps(steps, since, calendar) if one.number not in behind), None)


def overdue(due: Sequence[DueStep], behind: tuple[int, ...], now: datetime) -> Overdue:
    """The steps due by `now`. Of several moments only the last counts: no burst after an outage."""
    # By number, not by how many: when somebody's hours change, so may the order in which steps are due.
    ripe = [one for one in due if one.due_at <= now and one.number not in behind]
    last = ripe[-1].due_at if ripe else now
    return Overdue(
        tuple(one for one in ripe if one.due_at == last),
        tuple(one for one in ripe if one.due_at < last),
        (*behind, *(one.number for one in ripe)),
    )
