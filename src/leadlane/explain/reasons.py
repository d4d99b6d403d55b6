"""What does a reason code mean? Every one of them in a few words."""

from __future__ import annotations

from leadlane.core.trace import Reason
from leadlane.i18n import N_, _

_WORDS = {
    Reason.INACTIVE: N_("no longer receives leads"),
    Reason.AWAY: N_("away"),
    Reason.REQUIREMENT: N_("does not meet what the pool requires"),
    Reason.FULL: N_("full: as many open leads as they can take"),
    Reason.DAILY_CAP: N_("has had as many leads today as they can take"),
    Reason.EXCLUDED: N_("declined this lead, or lost it before"),
    Reason.CLOSED: N_("outside working hours"),
    Reason.NOT_PREFERRED: N_("others suit this lead better"),
    Reason.ONLY_ONE: N_("nobody else was left"),
    Reason.BALANCE: N_("the highest balance, so it was their turn"),
    Reason.FEWEST_OPEN: N_("the fewest open leads in relation to weight"),
    Reason.WEIGHT: N_("the larger weight among equals"),
    Reason.LONGEST_SINCE: N_("longest without a new lead among equals"),
    Reason.ID: N_("first in order of id among equals"),
    Reason.COUNTED: N_("counted"),
    Reason.FADED: N_("faded: too long ago"),
    Reason.NOT_LISTED: N_("not listed in the policy"),
    Reason.TOO_FEW: N_("too few of them"),
    Reason.OFF_HOURS: N_("It came outside everybody's working hours."),
    Reason.BACKUP_POOL: N_("Nobody in the pool of the route could take it, so a backup pool did."),
    Reason.NOBODY_AVAILABLE: N_(
        "Nobody in the pool of the route or its backup pools could take it, so it went to review."
    ),
    Reason.NO_OWNER: N_("The route leads to an owner and there is none, so it went to review."),
    Reason.COVERED: N_("The owner is out, and somebody covers."),
    Reason.NOBODY_COVERS: N_("The owner is out, and nobody covers."),
    Reason.NO_WORKING_TIME: N_(
        "Whoever has the lead has no working hours ahead, so no moment can be promised."
    ),
    Reason.EMPTY_REVIEW_POOL: N_("There is nobody in the review pool: every administrator has been told."),
    Reason.SAME_PERSON: N_("The same person already had an open lead, so this became part of it."),
    Reason.UNSURE_MATCH: N_("It may be somebody known: a person is to say who it is."),
    Reason.IDENTIFIED: N_("A person has said whose it is, so the lead was routed again."),
    Reason.MERGED: N_("A person has said that two leads are the same prospect."),
    Reason.SPLIT: N_("A person has said that this was somebody else."),
    Reason.INTENT_ROSE: N_("The intent rose, so the lead was routed again."),
    Reason.PERSONAL_BACKUP: N_("It went to the personal backup of whoever had it."),
    Reason.REASSIGNMENT_LIMIT: N_(
        "It has changed hands as often as the policy allows, so it went to review."
    ),
    Reason.DECLINED: N_("Whoever had it declined it."),
    Reason.DISPUTED: N_("Somebody says that the rules were wrong about it, so a person decides."),
    Reason.CAPACITY_FREED: N_("Somebody in the pool that it waited for became free."),
    Reason.RETURNED: N_("The owner is back and has it again."),
    Reason.LATE: N_("The step was taken later than it was due."),
    Reason.DONE: N_("done"),
    Reason.NOT_NEEDED: N_("not needed: it was accepted or answered before"),
    Reason.NOBODY: N_("skipped: there was nobody to act on"),
    Reason.TOO_LATE: N_("skipped: a later step was due by then"),
    Reason.NOT_OPEN: N_("This lead is closed, or there is none of this id."),
    Reason.NOT_ASSIGNED: N_("Nobody has this lead at present, so there is nothing to accept or decline."),
    Reason.NOT_YOURS: N_("Somebody else has this lead."),
    Reason.NOT_IN_REVIEW: N_("This lead is not in review."),
    Reason.IN_REVIEW: N_("This lead is in review already: say it to whoever decides."),
    Reason.UNKNOWN_PERSON: N_("There is nobody of this id in the roster."),
    Reason.UNKNOWN_DESTINATION: N_("There is no pool or program of this name."),
    Reason.UNKNOWN_OUTCOME: N_("A lead is closed as won, lost, junk, duplicate or unqualified."),
    Reason.WRONG_MOMENT: N_("A lead ends between its arrival and now."),
    Reason.UNKNOWN_ACCOUNT: N_("There is no account of this id."),
    Reason.OTHER_NOT_OPEN: N_("The other lead is closed, or there is none of this id."),
    Reason.SAME_LEAD: N_("That is the same lead already."),
    Reason.NOT_MERGED: N_("Nothing of this id has been merged into this lead."),
    Reason.KEPT: N_("It stays with whoever already had it."),
    Reason.MOVED: N_("It was routed again and has a new place."),
}


def reason_words(reason: str) -> str:
    """A reason code in words. ValueError for a text that is none."""
    return _(_WORDS[Reason(reason)])
