"""How are people and systems told, and does it work? Settings, Channels, with a test; and the messages."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from leadlane.core.facts import Person
from leadlane.i18n import N_, _, ngettext
from leadlane.outbound.endpoints import CHANNEL_PREFIX, POST_PREFIX, read_outbound
from leadlane.outbound.message import Failure, Sent
from leadlane.outbound.telling import event_words
from leadlane.service.channels_page import Reader, address_of, channels_page, send_test
from leadlane.service.deliver import send_again
from leadlane.service.rulebooks import NothingPublishedError
from leadlane.service.ways import MEDIA, set_up, shown_address
from leadlane.store import deliveries
from leadlane.store.deliveries import UNWELL, Delivery, State
from leadlane.web.page import page, text_of
from leadlane.web.render import redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import Leadlane, PageError, Session, leadlane_of

CHANNELS = "/settings/channels"
MESSAGES = "/settings/messages"
CHANNEL_WORDS = {
    "email": (N_("E-mail"), "mail"),
    "slack": (N_("Slack"), "message-square"),
    "teams": (N_("Microsoft Teams"), "users"),
    "sms": (N_("SMS"), "phone"),
    "apprise": (N_("Everything else (Apprise)"), "bell"),
}
# Where it is said how a channel is set up, and what outbound.yaml takes where no setting is enough.
HOW = {
    "email": ("docs/channels.md", ""),
    "slack": ("docs/slack.md", ""),
    "teams": ("docs/teams.md", "teams: {enabled: yes}"),
    "sms": ("docs/sms.md", ""),
    "apprise": ("docs/sms.md", "apprise: {enabled: yes}"),
}
# Where somebody is reached by a channel, in the roster.
REACHED = {
    "email": N_("your e-mail address"),
    "slack": N_("your member id or e-mail address in the roster"),
    "teams": N_("the address of your workflow, teams_workflow, in the roster"),
    "sms": N_("your phone in the roster"),
    "apprise": N_("your apprise addresses in the roster"),
}
STATE_WORDS: dict[State, tuple[str, str]] = {
    "dead": (N_("Given up"), "bad"),
    "uncertain": (N_("Perhaps sent"), "warn"),
    "failed": (N_("Failed, told otherwise"), "warn"),
    "waiting": (N_("Waits"), "info"),
    "sending": (N_("Being sent"), "info"),
    "sent": (N_("Sent"), "good"),
    "moot": (N_("Not needed any more"), "plain"),
}
# Those of which the newest are found at once, however many there are of others.
_LISTED: tuple[State, ...] = ("dead", "uncertain", "failed", "waiting", "sent")
PER_PAGE = 50
MOST_AT_ONCE = 500


# ---------------------------------------------------------------- channels


def show_channels(request: Request, session: Session) -> Response:
    """Every channel: set up or what is missing, its state, and what waits for it."""
    return _channels(request, session)


def try_channel(request: Request, session: Session) -> Response:
    """Send a test message to whoever is signed in, and say how that went."""
    leadlane, channel = leadlane_of(request), text_of(request, "channel")
    if channel not in MEDIA:
        raise PageError(404, _("There is no such channel"))
    person = _person(leadlane, session)
    address = address_of(channel, session.email, person)
    if not address:
        raise PageError(409, _("You are not reached by this channel"), _("Add it for you in the roster."))
    reader = Reader(session.person_id or "", session.name, session.zone, session.language, address)
    outbound = read_outbound(leadlane.settings)
    outcome = send_test(leadlane.settings, outbound, channel, reader, leadlane.now())
    if outcome is None:
        raise PageError(409, _("This channel is not set up"), _("Set it up, and restart Leadlane."))
    return _channels(request, session, (channel, outcome))


def _person(leadlane: Leadlane, session: Session) -> Person | None:
    if session.person_id is None:
        return None
    try:
        with leadlane.pool.connection() as connection:
            return leadlane.books.current(connection).roster.people.get(session.person_id)
    except NothingPublishedError:
        return None


def _channels(
    request: Request, session: Session, tested: tuple[str, Sent | Failure] | None = None
) -> Response:
    leadlane = leadlane_of(request)
    person = _person(leadlane, session)
    with leadlane.pool.connection() as connection:
        found = channels_page(
            connection, leadlane.settings, read_outbound(leadlane.settings), session.email, person
        )
    return show(
        request,
        "settings/channels.html",
        live=["health"],
        found=found,
        tested=tested[0] if tested else "",
        failure=tested[1] if tested and isinstance(tested[1], Failure) else None,
        channel_words=CHANNEL_WORDS,
        how=HOW,
        reached=REACHED,
        event_words=event_words,
        unsent=sum(found.unsent.get(state, 0) for state in ("uncertain", "dead")),
    )


# ---------------------------------------------------------------- messages


def show_messages(request: Request, _session: Session) -> Response:
    """Messages in one state, the newest first; without one, the first state that needs somebody."""
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        counts = deliveries.counts(connection)
        state = _state(request.query_params.get("state"), counts)
        rows = deliveries.search(connection, {"state": state}, PER_PAGE + 1, _before(request))
        waiting = sum(one.count for one in deliveries.waiting(connection) if one.channel is not None)
    shown: dict[State, int | None] = {"dead": 0, "uncertain": 0, "failed": 0, **counts, "waiting": waiting}
    tabs = [
        (f"{MESSAGES}?state={one}", _(words), shown.get(one))
        for one, (words, _tone) in STATE_WORDS.items()
        if one in _LISTED
    ]
    return show(
        request,
        "settings/messages.html",
        live=["health"],
        rows=rows[:PER_PAGE],
        whom_of=whom_of,
        older=rows[PER_PAGE - 1].id if len(rows) > PER_PAGE else None,
        state=state,
        count=shown.get(state),
        tabs=tabs,
        state_words=STATE_WORDS,
        unwell=UNWELL,
        channel_name=channel_name,
    )


def show_message(request: Request, _session: Session) -> Response:
    """One message: what it tells of, how often it was tried, and what went wrong."""
    one = _of(request)
    with leadlane_of(request).pool.connection() as connection:
        items = deliveries.items(connection, one.id)
    return show(
        request,
        "settings/message.html",
        one=one,
        whom=whom_of(one),
        address=shown_address(one.address),
        items=items,
        state_words=STATE_WORDS,
        unwell=UNWELL,
        channel_name=channel_name,
        event_words=event_words,
    )


def send_message_again(request: Request, _session: Session) -> Response:
    """Send a message again that did not arrive for sure."""
    leadlane, one = leadlane_of(request), _of(request)
    setup = set_up(leadlane.settings, read_outbound(leadlane.settings))
    with leadlane.pool.connection() as connection:
        is_done = send_again(connection, leadlane.books, setup, one.id, leadlane.now())
    return _told(request, is_done, _("It is sent again."))


def discard_message(request: Request, _session: Session) -> Response:
    """Never send a message."""
    leadlane, one = leadlane_of(request), _of(request)
    with leadlane.pool.connection() as connection:
        is_done = deliveries.discard(connection, one.id, _("Discarded by hand."), leadlane.now())
    return _told(request, is_done, _("It is not sent."))


def send_all_again(request: Request, _session: Session) -> Response:
    """Send all messages again that ended in one state, at most MOST_AT_ONCE."""
    leadlane, state = leadlane_of(request), text_of(request, "state")
    if state not in UNWELL:
        raise PageError(404, _("There is nothing here"))
    setup = set_up(leadlane.settings, read_outbound(leadlane.settings))
    with leadlane.pool.connection() as connection:
        rows = deliveries.search(connection, {"state": state}, MOST_AT_ONCE)
        done = sum(
            send_again(connection, leadlane.books, setup, row.id, leadlane.now()) for row in reversed(rows)
        )
    words = ngettext("{n} message is sent again.", "{n} messages are sent again.", done).format(n=done)
    return redirect(f"{MESSAGES}?state={state}", words, tone="good" if done else "plain")


def _told(request: Request, is_done: bool, words: str) -> Response:
    to = text_of(request, "next") or MESSAGES
    if is_done:
        return redirect(to, words)
    return redirect(to, _("Nothing was done: it has changed meanwhile, or there is no address."), tone="bad")


def _of(request: Request) -> Delivery:
    with leadlane_of(request).pool.connection() as connection:
        found = deliveries.get(connection, min(request.path_params["number"], 2**63 - 1))
    if found is None:
        raise PageError(404, _("There is no such message"), _("It may be so old that it was deleted."))
    return found


def _state(asked: str | None, counts: dict[State, int]) -> State:
    for one in _LISTED:
        if one == asked or (not asked and one in UNWELL and counts.get(one)):
            return one
    return "dead"


def _before(request: Request) -> int | None:
    text = request.query_params.get("before", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def whom_of(one: Delivery) -> str:
    """To whom a message goes: the id of a person, else the name of a system or of a post."""
    return one.person.removeprefix(POST_PREFIX) if one.person else one.channel.removeprefix(CHANNEL_PREFIX)


def channel_name(name: str) -> str:
    """A channel as people call it."""
    if name in CHANNEL_WORDS:
        return _(CHANNEL_WORDS[name][0])
    return _("no channel") if name == "none" else name


PAGES = (
    page(CHANNELS, show_channels, capability=Capability.SETTINGS),
    page(CHANNELS, try_channel, capability=Capability.SETTINGS, method="POST"),
    page(MESSAGES, show_messages, capability=Capability.SETTINGS),
    page(MESSAGES, send_all_again, capability=Capability.SETTINGS, method="POST"),
    page(MESSAGES + "/{number:int}", show_message, capability=Capability.SETTINGS),
    page(MESSAGES + "/{number:int}/again", send_message_again, capability=Capability.SETTINGS, method="POST"),
    page(MESSAGES + "/{number:int}/discard", discard_message, capability=Capability.SETTINGS, method="POST"),
)
