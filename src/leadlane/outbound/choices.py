"""What can whoever answers choose from, in words, and what are they told where something is missing?

The same wherever a question is put, by the codes of `service.answers`.
"""

from __future__ import annotations

from leadlane.i18n import N_

# `other` takes words of their own.
DECLINE_REASONS = {
    "no time": N_("I have no time for it"),
    "not for me": N_("Somebody else should have it"),
    "junk": N_("It is junk"),
    "duplicate": N_("We have it already"),
    "other": N_("Another reason:"),
}
RESPONSES = {
    "call": N_("By telephone"),
    "email": N_("By e-mail"),
    "meeting": N_("In a meeting"),
    "message": N_("By another message"),
}
PROBLEMS = {
    "missing": N_("Please choose one."),
    "other": N_("Please say the reason in a few words."),
    "moment": N_("Please choose a moment in the next {days} days."),
    "moved": N_("The lead has changed meanwhile. Please look at it again before you confirm."),
}
