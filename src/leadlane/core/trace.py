"""Why a decision came out as it did: reason codes and steps. Data, no prose.

A trace is made of plain lists, dicts, texts, numbers and aware datetimes, in a fixed order, so that
the same decision always gives the same bytes. `leadlane.explain` turns it into words.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

Trace = dict[str, Any]
TRACE_VERSION = 1


class Reason(StrEnum):
    """Every reason code there is. docs/reason_codes.md says what each means; a test holds them together."""

    # Why a person of the pool could not be chosen, in the order in which it is asked.
    INACTIVE = "inactive"
    AWAY = "away"
    REQUIREMENT = "requirement"
    FULL = "full"
    DAILY_CAP = "daily_cap"
    EXCLUDED = "excluded"
    CLOSED = "closed"
    NOT_PREFERRED = "not_preferred"
    # What decided among those still in the running.
    ONLY_ONE = "only_one"
    BALANCE = "balance"
    FEWEST_OPEN = "fewest_open"
    WEIGHT = "weight"
    LONGEST_SINCE = "longest_since"
    ID = "id"
    # What became of a signal.
    COUNTED = "counted"
    FADED = "faded"
    NOT_LISTED = "not_listed"
    TOO_FEW = "too_few"
    # What else is to be known about a decision.
    OFF_HOURS = "off_hours"
    BACKUP_POOL = "backup_pool"
    NOBODY_AVAILABLE = "nobody_available"
    NO_OWNER = "no_owner"
    COVERED = "covered"
    NOBODY_COVERS = "nobody_covers"
    NO_WORKING_TIME = "no_working_time"
    EMPTY_REVIEW_POOL = "empty_review_pool"
    SAME_PERSON = "same_person"
    UNSURE_MATCH = "unsure_match"
    IDENTIFIED = "identified"
    MERGED = "merged"
    SPLIT = "split"
    INTENT_ROSE = "intent_rose"
    PERSONAL_BACKUP = "personal_backup"
    REASSIGNMENT_LIMIT = "reassignment_limit"
    DECLINED = "declined"
    DISPUTED = "disputed"
    CAPACITY_FREED = "capacity_freed"
    RETURNED = "returned"
    LATE = "late"
    # What became of a step of a chase.
    DONE = "done"
    NOT_NEEDED = "not_needed"
    NOBODY = "nobody"
    TOO_LATE = "too_late"
    # Why an act is refused.
    NOT_OPEN = "not_open"
    NOT_ASSIGNED = "not_assigned"
    NOT_YOURS = "not_yours"
    NOT_IN_REVIEW = "not_in_review"
    IN_REVIEW = "in_review"
    UNKNOWN_PERSON = "unknown_person"
    UNKNOWN_DESTINATION = "unknown_destination"
    UNKNOWN_OUTCOME = "unknown_outcome"
    WRONG_MOMENT = "wrong_moment"
    UNKNOWN_ACCOUNT = "unknown_account"
    OTHER_NOT_OPEN = "other_not_open"
    SAME_LEAD = "same_lead"
    NOT_MERGED = "not_merged"
    # How news of a lead that somebody has, or that has a place, ended.
    KEPT = "kept"
    MOVED = "moved"
