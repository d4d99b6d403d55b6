"""How does a lead stand, how did it end, how was it touched, why was it declined? The codes in words."""

from __future__ import annotations

from leadlane.i18n import N_, _

_STAGES = {
    "assigned": N_("assigned"),
    "accepted": N_("accepted"),
    "working": N_("in work"),
    "review": N_("in review"),
    "nurture": N_("in a nurture program"),
    "closed": N_("closed"),
}
_OUTCOMES = {
    "won": N_("won"),
    "lost": N_("lost"),
    "junk": N_("junk"),
    "duplicate": N_("duplicate"),
    "unqualified": N_("unqualified"),
}
_TOUCHES = {
    "call": N_("call"),
    "email": N_("e-mail"),
    "meeting": N_("meeting"),
    "message": N_("message"),
    "note": N_("note"),
}
# What somebody said who did not write words of their own.
_SAID = {
    "no time": N_("no time for it"),
    "not for me": N_("somebody else should have it"),
    "junk": N_("it is junk"),
    "duplicate": N_("it is known already"),
    "undone": N_("taken back"),
}


def stage_words(stage: str) -> str:
    """Where a lead stands: `in work`."""
    return _(_STAGES.get(stage, stage))


def outcome_words(outcome: str) -> str:
    """How a lead ended: `won`."""
    return _(_OUTCOMES.get(outcome, outcome))


def touch_words(kind: str) -> str:
    """How a prospect was touched: `e-mail`."""
    return _(_TOUCHES.get(kind, kind))


def said_words(reason: str) -> str:
    """A reason that somebody gave: one that was offered to them in words, their own as they wrote it."""
    return _(_SAID[reason]) if reason in _SAID else reason
