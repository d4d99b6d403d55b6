"""Messages as Slack gets them, and how each way in which posting can end is judged."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.outbound.conftest import NOW, item, message
from tests.outbound.receiver import Answer
from tests.outbound.slack_server import TOKEN, FakeSlack, check_blocks, ok, slack_running

from leadlane.config import Settings
from leadlane.core.facts import Person
from leadlane.outbound import slack
from leadlane.outbound.message import EVENTS, Failure, Item, Sent
from leadlane.outbound.slack import Section, Slack, is_slacks, send
from leadlane.outbound.slack_blocks import post_of, settled, shortened, tokens

# As long as those of links: 24 bytes in base64.
ANSWERS = {
    verb: f"https://l.example/a/{verb[0] * 32}" for verb in ("accept", "decline", "responded", "snooze")
}
NO_HOURS = ((), (), (), (), (), (), ())


@pytest.fixture
def fake():
    with slack_running(anna="U0ANNA") as running:
        yield running


def reached(fake: FakeSlack, **changes) -> Slack:
    return replace(Slack(TOKEN, fake.api_url, True, None), **changes)


def told(**changes):
    return message(item(answers=ANSWERS), address="U0ANNA", **changes)


# ---------------------------------------------------------------- what is posted


def test_a_message_arrives_whole(fake):
    outcome = send(reached(fake), told(), NOW)
    (posted,) = fake.posted
    assert outcome == Sent(f"U0ANNA:{posted.ts}")
    assert posted.text == "New lead: Jana Sommerfeld, Nordlicht Versand GmbH – respond by Mon 2 Mar 10:15"
    kinds = [block["type"] for block in posted.blocks]
    assert kinds == ["header", "section", "section", "actions", "context"]
    assert posted.blocks[0]["text"]["text"] == "New lead: Jana Sommerfeld"
    for part in ("This lead is yours.", "> please call.", "Mon 2 Mar 10:15", "Europe/Berlin"):
        assert part in posted.words
    fields = [one["text"] for one in posted.blocks[2]["fields"]]
    assert "*E-mail*\n<mailto:jana@nordlicht.example|jana@nordlicht.example>" in fields
    assert "*Why you*\nIt was your turn." in fields


def test_what_can_be_answered_in_place(fake):
    send(reached(fake), told(), NOW)
    elements = fake.posted[0].elements()
    assert list(elements) == ["Accept", "I responded", "Later", "Decline", "See the lead"]
    assert elements["Accept"]["action_id"] == "accept:" + "a" * 32
    assert [one["value"] for one in elements["I responded"]["options"]] == [
        "call",
        "email",
        "meeting",
        "message",
    ]
    assert [one["text"]["text"] for one in elements["Decline"]["options"]][-1] == "Another reason"
    assert elements["Later"]["type"] == "external_select"


def test_without_a_signing_secret_buttons_open_the_pages(fake):
    send(reached(fake, takes_answers=False), told(), NOW)
    elements = fake.posted[0].elements()
    assert {label: one["url"] for label, one in elements.items() if label != "See the lead"} == {
        "Accept": ANSWERS["accept"],
        "I responded": ANSWERS["responded"],
        "Later": ANSWERS["snooze"],
        "Decline": ANSWERS["decline"],
    }


def test_nothing_that_a_prospect_writes_is_a_command(fake):
    evil = "<!channel> <https://evil.example|click> & 'quotes' \"here\""
    send(reached(fake), message(item(prospect=evil, said=evil, company=evil), address="#leads-dach"), NOW)
    (posted,) = fake.posted
    assert posted.channel == "#leads-dach"
    words = "&lt;!channel&gt; &lt;https://evil.example|click&gt; &amp; 'quotes' \"here\""
    assert f"> {words}" in posted.blocks[1]["text"]["text"]
    assert "<!channel>" not in posted.text
    assert all(block["text"].get("verbatim") for block in posted.blocks[1:2])


def test_the_reader_is_told_in_their_language(fake):
    send(reached(fake), told(language="pl"), NOW)
    elements = fake.posted[0].elements()
    assert "Accept" not in elements
    assert "primary" in [one.get("style") for one in elements.values()]


def test_templates_of_ones_own(fake, tmp_path: Path):
    (tmp_path / "assigned.slack").write_text(
        "*{{ told.prospect }}* of {{ item.company }} <https://x.example|x>"
    )
    send(reached(fake, templates_dir=tmp_path), replace(told(), items=(item(company="A & B's"),)), NOW)
    assert fake.posted[0].blocks[1]["text"]["text"] == (
        "*Jana Sommerfeld* of A &amp; B's <https://x.example|x>"
    )


def test_many_leads_are_one_message_in_which_each_is_named(fake):
    items = [
        item(prospect=f"Prospect {n}", lead_id=f"L{n}", said="long " * 300, answers=ANSWERS)
        for n in range(20)
    ]
    send(reached(fake), message(*items, address="U0ANNA", left_out=7), NOW)
    (posted,) = fake.posted
    for n in range(20):
        assert f"Prospect {n}" in posted.words
    assert "And 7 more" in posted.words
    # The newest are told in detail.
    assert posted.blocks[-4]["type"] == "actions"
    assert [block["text"]["text"] for block in posted.blocks if block["type"] == "header"][-1].endswith(
        "Prospect 19"
    )


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_can_be_posted(event):
    about_a_lead = item(event, answers=ANSWERS, owner="Emil", candidates=("Nord AG (87 %)", "Süd AG (9 %)"))
    of_itself = Item(event, NOW, reason="Nobody works.")
    for one in (about_a_lead, of_itself):
        post = post_of(message(one), NOW, None, takes_answers=True)
        check_blocks(post.blocks)
        assert post.text
        assert post.blocks[0]["text"]["text"]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5_000)


@settings(max_examples=60, deadline=None)
@given(said=TEXTS, prospect=TEXTS, why=st.lists(TEXTS, max_size=12), count=st.integers(1, 20))
def test_whatever_is_told_keeps_within_what_slack_takes(said, prospect, why, count):
    items = [item(said=said, prospect=prospect, why=tuple(why), answers=ANSWERS) for _n in range(count)]
    post = post_of(message(*items, left_out=3), NOW, None, takes_answers=True)
    check_blocks(post.blocks)
    assert len(post.letter) <= 4_000


def test_a_text_is_never_cut_within_an_entity():
    assert shortened("a&amp;b", 4) == "a…"
    assert shortened("a&amp;b", 7) == "a&amp;b"


def test_what_was_answered_takes_the_place_of_the_question():
    blocks = post_of(told(), NOW, None, takes_answers=True).blocks
    assert tokens(blocks, "answers-0") == {
        "a" * 32: "accept",
        "r" * 32: "responded",
        "s" * 32: "snooze",
        "d" * 32: "decline",
    }
    after = settled(blocks, "answers-0", "✓ done", {"r" * 32})
    assert [block["type"] for block in after] == [
        "header",
        "section",
        "section",
        "section",
        "actions",
        "context",
    ]
    assert tokens(after, "answers-0") == {"r" * 32: "responded"}
    check_blocks(after)


def test_of_several_leads_only_the_one_that_was_answered_changes():
    other = {verb: url[:-1] + "x" for verb, url in ANSWERS.items()}
    told_both = message(item(answers=ANSWERS), item(answers=other, lead_id="L2"))
    blocks = post_of(told_both, NOW, None, takes_answers=True).blocks
    after = settled(blocks, "answers-1", "✓ done")
    assert tokens(after, "answers-0") == tokens(blocks, "answers-0")
    assert tokens(after, "answers-1") == {}
    # Where it leads, a button still leads.
    assert after[-2]["elements"] == [blocks[-2]["elements"][-1]]
    check_blocks(after)


# ---------------------------------------------------------------- whom


def test_who_has_no_member_id_is_looked_up_once(fake):
    for _time in range(3):
        assert isinstance(send(reached(fake), told(), NOW), Sent)
        outcome = send(reached(fake), replace(told(), address="Anna@Seller.example"), NOW)
        assert isinstance(outcome, Sent)
    assert fake.calls.count("users.lookupByEmail") == 1
    assert {one.channel for one in fake.posted} == {"U0ANNA"}


def test_who_is_not_in_slack(fake):
    outcome = send(reached(fake), replace(told(), address="nobody@seller.example"), NOW)
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.is_channel_down) == ("permanent", False)
    assert "member id" in outcome.detail
    assert fake.posted == []


def test_an_account_that_is_gone_is_looked_up_again(fake):
    mailed = replace(told(), address="anna@seller.example")
    send(reached(fake), mailed, NOW)
    fake.say = lambda method, _form: (
        ok(False, error="channel_not_found") if method == "chat.postMessage" else None
    )
    assert send(reached(fake), mailed, NOW).kind == "permanent"
    fake.say = lambda _method, _form: None
    fake.members["anna@seller.example"] = "U1NEW"
    send(reached(fake), mailed, NOW)
    assert fake.posted[-1].channel == "U1NEW"


def test_the_address_of_a_person():
    person = Person("anna", "Anna", NO_HOURS, "UTC", email="anna@seller.example")
    assert slack.address(person) == "anna@seller.example"
    assert slack.address(replace(person, attributes={"slack": "U0ANNA"})) == "U0ANNA"
    assert slack.address(replace(person, email="")) == ""


# ---------------------------------------------------------------- how it ends


@pytest.mark.parametrize(
    ("error", "kind", "is_down", "word"),
    [
        ("invalid_auth", "temporary", True, "slack_bot_token"),
        ("account_inactive", "temporary", True, "install"),
        ("service_unavailable", "temporary", True, ""),
        ("ratelimited", "rate_limited", False, ""),
        ("channel_not_found", "permanent", False, "roster"),
        ("not_in_channel", "permanent", False, "invite"),
        ("is_archived", "permanent", False, "is_archived"),
        ("user_disabled", "permanent", False, ""),
        ("messages_tab_disabled", "permanent", False, "App Home"),
        ("internal_error", "uncertain", False, ""),
        ("fatal_error", "uncertain", False, ""),
        ("a_new_one", "permanent", False, "a_new_one"),
    ],
)
def test_what_slack_says_decides_what_follows(fake, error, kind, is_down, word):
    fake.say = lambda _method, _form: ok(False, error=error)
    outcome = send(reached(fake), told(), NOW)
    assert (outcome.kind, outcome.is_channel_down) == (kind, is_down)
    assert word in outcome.detail
    assert TOKEN not in outcome.detail


@pytest.mark.parametrize(
    ("answer", "kind", "wait"),
    [
        (Answer(429, headers={"retry-after": "30"}), "rate_limited", 30),
        (Answer(503, headers={"retry-after": "7"}), "temporary", 7),
        (Answer(500), "uncertain", None),
        (Answer(504, body=b"<html>"), "uncertain", None),
        (Answer(404, body=b"<html>"), "temporary", 60),
        (Answer(302, headers={"location": "https://elsewhere.example"}), "temporary", 60),
        (Answer(200, body=b"<html>log in to the wireless network</html>"), "temporary", 60),
        (Answer(0), "uncertain", None),
    ],
)
def test_what_http_says_decides_what_follows(fake, answer, kind, wait):
    fake.say = lambda _method, _form: answer
    outcome = send(reached(fake), told(), NOW)
    assert (outcome.kind, outcome.retry_after_seconds) == (kind, wait)
    assert fake.calls == ["chat.postMessage"]


def test_a_scope_that_only_lookups_need_stops_nobody_else(fake):
    fake.say = lambda method, _form: (
        ok(False, error="missing_scope", needed="users:read.email", provided="chat:write")
        if method == "users.lookupByEmail"
        else None
    )
    outcome = send(reached(fake), replace(told(), address="anna@seller.example"), NOW)
    assert (outcome.kind, outcome.is_channel_down) == ("temporary", False)
    assert "users:read.email" in outcome.detail
    assert isinstance(send(reached(fake), told(), NOW), Sent)


def test_a_lookup_that_broke_off_is_never_uncertain(fake):
    fake.say = lambda _method, _form: Answer(0)
    assert send(reached(fake), replace(told(), address="anna@seller.example"), NOW).kind == "temporary"
    assert fake.posted == []


def test_blocks_that_slack_refuses_are_told_in_plain_words(fake):
    fake.say = lambda _method, form: ok(False, error="invalid_blocks") if "blocks" in form else None
    assert isinstance(send(reached(fake), told(), NOW), Sent)
    (posted,) = fake.posted
    assert posted.blocks == []
    for part in ("Jana Sommerfeld", "please call.", ANSWERS["accept"]):
        assert part in posted.text


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    outcome = send(Slack(TOKEN, f"http://127.0.0.1:{port}/", True, None), told(), NOW)
    assert (outcome.kind, outcome.is_channel_down) == ("temporary", True)


def test_a_slack_that_hangs_leaves_us_uncertain(fake):
    done = threading.Event()

    def hang(_method, _form):
        done.wait(10)
        return Answer(0)

    fake.say = hang
    assert send(reached(fake, seconds=0.2), told(), NOW).kind == "uncertain"
    done.set()


def test_an_address_that_is_none():
    for url in ("nonsense/", "ftp://slack.example/", "http://[/"):
        outcome = send(Slack(TOKEN, url, True, None), told(), NOW)
        assert (outcome.kind, outcome.is_channel_down) == ("temporary", True), url


# ---------------------------------------------------------------- settings


def test_it_is_set_up_by_its_token():
    assert slack.set_up(Settings(), Section(), ()) is None
    set_up = slack.set_up(Settings(slack_bot_token=TOKEN), Section(), ())
    assert (set_up.api_url, set_up.takes_answers) == ("https://slack.com/api/", False)
    assert TOKEN not in repr(set_up)


def test_what_is_wrong_with_the_settings():
    assert slack.problems(Settings(), Section()) == []
    good = {"slack_bot_token": TOKEN, "public_url": "https://l.example"}
    assert slack.problems(Settings(**good), Section()) == []
    assert len(slack.problems(Settings(slack_signing_secret="x"), Section())) == 1
    assert "xoxb-" in slack.problems(Settings(**{**good, "slack_bot_token": "xoxp-1"}), Section())[0]
    assert "public_url" in slack.problems(Settings(slack_bot_token=TOKEN), Section())[0]
    assert "slack_api_url" in slack.problems(Settings(**good, slack_api_url="x"), Section())[0]


@pytest.mark.parametrize(
    ("url", "is_good"),
    [
        ("https://hooks.slack.com/actions/T1/2/3", True),
        ("http://hooks.slack.com/actions/T1/2/3", False),
        ("https://hooks.slack.com:8443/actions", False),
        ("https://user@hooks.slack.com/actions", False),
        ("https://hooks.slack.com.evil.example/actions", False),
        ("https://evil.example/hooks.slack.com", False),
        ("https://slack.com/api/chat.postMessage", False),
        ("http://127.0.0.1/", False),
        ("", False),
    ],
)
def test_only_slacks_own_address_is_told_how_it_ended(url, is_good):
    assert is_slacks(Slack(TOKEN, "https://slack.com/api/", True, None), url) is is_good
