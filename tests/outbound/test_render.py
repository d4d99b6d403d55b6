"""Letters: what each event says, in which language and zone, and templates of the user's own."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser

import pytest
from tests.outbound.conftest import NOW, item, message

from leadlane.outbound import render as rendering
from leadlane.outbound.message import EVENTS, Item
from leadlane.outbound.render import template_problems


def render(message, folder=None, now=NOW):
    return rendering.render(message, now, folder)


@pytest.mark.parametrize(
    ("told", "subject", "sentence"),
    [
        (item("assigned"), "New lead: Jana", "This lead is yours."),
        (item("assigned", from_person="Boris"), "New lead: Jana", "until now Boris had it"),
        (item("reminder"), "Reminder: Jana", "You have not accepted this lead yet."),
        (item("reminder", stage="accepted"), "Reminder: Jana", "still waits for a response from you"),
        (item("reassigned_away", owner="Emil"), "No longer yours: Jana", "Emil has this lead now."),
        (item("reassigned_away", owner=""), "No longer yours: Jana", "You no longer have this lead."),
        (item("covering", owner="Boris"), "You cover this lead: Jana", "Boris is out, and you cover"),
        (item("uncovered"), "Nobody covers this lead: Jana", "It stays with you until somebody acts."),
        (item("escalated"), "No response yet: Jana", "Anna Nowak has this lead and has not responded."),
        (item("review"), "Please decide: Jana", "Please decide who takes this lead."),
        (item("review", candidates=("Nord AG (87 %)",)), "Please decide: Jana", "Please say who it is."),
        (item("alarm"), "Needs your attention: Jana", "This lead needs a decision of yours."),
        (item("returned", from_person="Emil"), "Yours again: Jana", "Emil covered it meanwhile"),
        (item("merged"), "Merged: Jana", "Another lead of the same prospect is part of this one now."),
        (item("merged", owner="Emil"), "Merged: Jana", "Emil has it."),
        (Item("alarm", NOW, reason="Nobody works."), "Needs your attention: Nobody works.", "Nobody works."),
    ],
)
def test_every_event_says_what_happened(told, subject, sentence):
    letter = render(message(told))
    assert letter.subject.startswith(subject)
    assert sentence in letter.text
    assert sentence in letter.html


def test_no_event_is_left_without_words():
    for event in EVENTS:
        letter = render(message(item(event)))
        assert event not in letter.subject


def test_moments_are_in_the_readers_zone_and_name_another_year():
    letter = render(message(item(next_step_due_at=NOW + timedelta(days=365)), zone="America/New_York"))
    assert "Respond by: Mon 2 Mar 04:15" in letter.text
    assert "Respond, by Tue 2 Mar 2027 04:00" in letter.text
    assert "All times are those of America/New_York." in letter.text


def test_a_promise_that_is_past_is_told_as_past():
    letter = render(message(item("reminder")), now=NOW + timedelta(hours=1))
    assert "Was to be answered by: Mon 2 Mar 10:15" in letter.text
    assert letter.subject == "Reminder: Jana Sommerfeld, Nordlicht Versand GmbH"


def test_the_owner_is_told_to_others_only():
    assert "Who has it: Anna Nowak" in render(message(item("escalated"), name="Maria Hofer")).text
    assert "Who has it" not in render(message(item("reminder"))).text


def test_several_things_are_one_letter():
    items = [item(), item("reminder", prospect="Miguel"), item("reassigned_away", prospect="Zoë", answers={})]
    letter = render(message(*items, left_out=3))
    assert letter.subject == "6 pieces of news about leads"
    assert [letter.text.index(name) for name in ("Jana", "Miguel", "Zoë", "And 3 more")] == sorted(
        letter.text.index(name) for name in ("Jana", "Miguel", "Zoë", "And 3 more")
    )
    assert letter.html.count('class="card"') == 3
    assert render(message(item(), item())).subject == "2 new leads"
    assert render(message(item("reminder"), item("reminder"))).subject == "2 leads wait for you"


def test_the_longest_letter_is_not_so_long_that_mail_programs_cut_it():
    told = item(said="Very long. " * 1000, why=("The rule “hot-mid” sends it to: pool mid-ae.",) * 3)
    assert len(render(message(*[told] * 20, left_out=500)).html.encode()) < 102_000


def test_answers_are_offered_with_what_is_hoped_for_first():
    text = render(message()).text
    places = [text.index(f"{label}: https") for label in ("Accept", "I responded", "Later", "Decline")]
    assert places == sorted(places)
    without = render(message(item(answers={})))
    assert "confirm" not in without.text
    assert 'class="button' not in without.html


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_what_a_prospect_wrote_is_text_and_nothing_is_loaded_from_elsewhere():
    evil = '<img src=x onerror=alert(1)><a href="https://evil.example">click</a>{{ 7*7 }}'
    letter = render(message(item(prospect=evil, company=evil, said=evil, why=(evil,), title="a\u202eb\x07")))
    tags = _Tags()
    tags.feed(letter.html)
    assert {tag for tag, _attrs in tags.found}.isdisjoint({"img", "script", "link", "iframe", "form"})
    addresses = [attrs["href"] for tag, attrs in tags.found if tag == "a"]
    assert not any("evil" in (address or "") for address in addresses)
    assert "{{ 7*7 }}" in letter.text
    assert "ab" in letter.text


def test_a_lead_id_cannot_leave_its_address():
    assert "https://l.example/leads/..%2F%3Fx%3D1" in render(message(item(lead_id="../?x=1"))).text


# ---------------------------------------------------------------- templates of one's own


def test_a_template_of_ones_own_goes_before_ours(tmp_path):
    (tmp_path / "assigned.html").write_text(
        "<p>Hurra, {{ told.prospect }}! {{ moment(item.respond_by) }}</p>"
    )
    (tmp_path / "assigned.pl.html").write_text("<p>Brawo, {{ told.prospect }}!</p>")
    (tmp_path / "assigned.subject.txt").write_text("Go: {{ item.company }}\n")
    own, other = render(message(), tmp_path), render(message(item("reminder")), tmp_path)
    assert "<p>Hurra, Jana Sommerfeld! Mon 2 Mar 10:15</p>" in own.html
    assert own.subject == "Go: Nordlicht Versand GmbH"
    assert "This lead is yours." in own.text
    assert "Hurra" not in other.html
    assert "Brawo, Jana" in render(message(language="pl"), tmp_path).html


@pytest.mark.parametrize(
    "bad", ["{{ nothing.there }}", "{% if %}", "{{ item.at + 1 }}", "{{ ''.__class__.mro() }}"]
)
def test_a_template_that_fails_holds_up_nobody(tmp_path, bad):
    (tmp_path / "assigned.html").write_text(bad)
    assert render(message(), tmp_path) == render(message())


def test_what_is_wrong_with_templates_is_told(tmp_path):
    (tmp_path / "assigned.html").write_text("{% if %}")
    (tmp_path / "item.txt").write_text("{{ told.prospect }}")
    (tmp_path / "review.it.txt").write_text("ciao")
    (tmp_path / "readme.md").write_text("hello")
    broken, unknown = template_problems(tmp_path)
    assert "assigned.html" in broken
    assert "readme.md" in unknown
    assert "does not exist" in template_problems(tmp_path / "nowhere")[0]


@pytest.mark.parametrize(
    ("told", "subject", "sentence"),
    [
        (item("assigned"), "New lead: Jana", "Anna Nowak has this lead now."),
        (
            item("covering", owner="Boris", covered_by="Emil"),
            "Covered: Jana",
            "Boris is out, and Emil covers",
        ),
        (item("reminder"), "Reminder: Jana", "Anna Nowak has this lead and has not responded."),
        (item("reassigned_away", owner=""), "Handed on: Jana", "Nobody has this lead now."),
        (item("returned"), "Back from cover: Jana", "Anna Nowak has this lead now."),
        (item("uncovered"), "Nobody covers this lead: Jana", "It stays with Anna Nowak"),
        (item("review"), "To be decided: Jana", "Anna Nowak is to decide who takes this lead."),
        (item("alarm", owner=""), "Needs your attention: Jana", "A person is to decide"),
        (item("merged"), "Merged: Jana", "Another lead of the same prospect is part of this one now."),
    ],
)
def test_a_team_reads_of_whoever_it_concerns(told, subject, sentence):
    letter = render(message(told, person="", name="dach"))
    assert letter.subject.startswith(subject)
    assert sentence in letter.text
    assert "Why you" not in letter.text


def test_a_digest_lists_what_is_due():
    lines = ("Mon 2 Mar 10:15 · Jana Sommerfeld: Respond", "and 3 more")
    digest = Item("digest", NOW, reason="Overdue: 0. Due today: 4.", listing=(("Due today", lines),))
    letter = render(message(digest))
    assert letter.subject == "Your day: Overdue: 0. Due today: 4."
    for line in lines:
        assert line in letter.text
        assert line in letter.html
