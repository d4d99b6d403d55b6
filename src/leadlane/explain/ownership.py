"""May I contact them? The answer and its reason in sentences."""

from __future__ import annotations

from leadlane.core.facts import Roster
from leadlane.core.ownership import Ground, Verdict
from leadlane.explain.speech import person_words
from leadlane.i18n import N_, _

_MINE = {
    Ground.LEAD: N_("It is your lead."),
    Ground.REVIEW: N_("It is in review with you: place it first."),
    Ground.COLLEAGUE: N_("You are working another lead of this company."),
    Ground.CUSTOMER: N_("They are your customer."),
    Ground.NAMED_ACCOUNT: N_("It is your named account."),
    Ground.ACCOUNT: N_("It is your account."),
}
_THEIRS = {
    Ground.LEAD: N_("{owner} is working them."),
    Ground.REVIEW: N_("Their lead is in review, and {owner} decides who takes it."),
    Ground.COLLEAGUE: N_("{owner} is working another lead of this company."),
    Ground.CUSTOMER: N_("They are a customer, and {owner} holds the relationship."),
    Ground.NAMED_ACCOUNT: N_("It is a named account of {owner}."),
    Ground.ACCOUNT: N_("It is an account of {owner}."),
}
_NOBODYS = {
    Ground.UNDECIDED: N_("Their lead is in review, and nobody is there to decide who takes it."),
    Ground.DISQUALIFIED: N_("The policy disqualifies them: {reason}."),
    Ground.NURTURE: N_(
        "They are in a nurture program, and nobody works them. Take the lead over, so that they are not"
        " written to twice."
    ),
    Ground.FREE: N_("Nobody works them at present."),
    Ground.UNKNOWN: N_("Nobody here knows them yet."),
}


def answer_words(verdict: Verdict, roster: Roster) -> str:
    """The answer alone: yes, ask whom, or no."""
    match verdict.answer:
        case "yes":
            return _("Yes")
        case "ask":
            return _("Ask {name} first").format(name=person_words(roster, verdict.ask))
        case _:
            return _("No")


def because_words(verdict: Verdict, roster: Roster, asker: str | None = None, reason: str = "") -> str:
    """Why that is the answer; `reason` is that of a policy that disqualifies the prospect."""
    owner = person_words(roster, verdict.owner)
    if verdict.owner is None:
        return _(_NOBODYS[verdict.ground]).format(reason=reason)
    if verdict.answer == "yes":
        if verdict.owner == asker:
            return _(_MINE[verdict.ground])
        return _("{words} You are there for them at the moment.").format(
            words=_(_THEIRS[verdict.ground]).format(owner=owner)
        )
    words = _(_THEIRS[verdict.ground]).format(owner=owner)
    if verdict.ask == verdict.owner:
        return words
    return _("{words} While they are out, {name} is there for them.").format(
        words=words, name=person_words(roster, verdict.ask)
    )
