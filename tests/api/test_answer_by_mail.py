"""From the form of a prospect to the answer of a rep who has nothing but mail: every part of it is real."""

from __future__ import annotations

import html
import re
from email.message import EmailMessage

import pytest
from tests.outbound.conftest import mail_server  # noqa: F401  (a fixture)

from leadlane.outbound.endpoints import Outbound
from leadlane.service.sender import Sender
from leadlane.service.ways import set_up

LEAD = {
    "email": "jana@nordlicht.example",
    "first_name": "Jana",
    "last_name": "Sommerfeld",
    "company": "Nordlicht Versand",
    "employees": 300,
    "industry": "software",
    "tech_stack": ["salesforce"],
    "country": "DE",
    "message": "Please show us how it works.",
    "signals": [{"name": "demo_request"}],
}


@pytest.fixture
def post(served, mail_server):  # noqa: F811
    """The mail server to which this Leadlane sends."""
    server = mail_server()
    settings = served.app.settings.model_copy(
        update={
            "smtp_url": server.url,
            "mail_from": "Leads <leads@seller.example>",
            "public_url": served.url,
        }
    )
    with Sender(served.app.url, served.app.books, set_up(settings, Outbound()), served.app.now):
        yield server


def links_of(mail: EmailMessage) -> dict[str, str]:
    """The buttons of a mail by what they say."""
    letter = mail.get_body(["html"]).get_content()
    found = re.findall(r'<a class="button[^"]*" href="([^"]+)"[^>]*>([^<]+)</a>', letter)
    return {html.unescape(label): html.unescape(url) for url, label in found}


def test_a_lead_is_accepted_and_answered_from_its_mail(api, served, post):
    lead = api.post("/v1/leads", json=LEAD).json()
    owner = api.get(f"/v1/people/{lead['owner']}").json()
    (mail,) = post.mails_to(owner["email"])
    text = mail.get_body(["plain"]).get_content()
    assert mail["Subject"].startswith("New lead: Jana Sommerfeld, Nordlicht Versand – respond by")
    assert mail["Auto-Submitted"] == "auto-generated"
    for told in ("> Please show us how it works.", "hot-mid", "demo request", "jana@nordlicht.example"):
        assert told in text

    buttons, browser = links_of(mail), served.client(follow_redirects=True)
    assert set(buttons) == {"Accept", "Decline", "I responded"}
    for url in buttons.values():  # as a scanner of mails does
        assert browser.get(url).status_code == 200
    assert api.get(f"/v1/leads/{lead['id']}").json()["stage"] == "assigned"

    done = browser.post(buttons["Accept"])
    assert "You have accepted this lead" in done.text
    assert api.get(f"/v1/leads/{lead['id']}").json()["stage"] == "accepted"
    browser.post(buttons["I responded"], data={"choice": "call"})
    assert api.get(f"/v1/leads/{lead['id']}").json()["responded_at"] is not None


def test_a_lead_declined_from_a_mail_goes_by_mail_to_the_next(api, served, post):
    lead = api.post("/v1/leads", json=LEAD).json()
    first = api.get(f"/v1/people/{lead['owner']}").json()
    buttons = links_of(post.mails_to(first["email"])[0])
    browser = served.client(follow_redirects=True)
    done = browser.post(buttons["Decline"], data={"choice": "no time"})
    second = api.get(f"/v1/leads/{lead['id']}").json()["owner"]
    next_one = api.get(f"/v1/people/{second}").json()
    assert next_one["name"] in done.text
    (mail,) = post.mails_to(next_one["email"])
    stale = browser.get(buttons["Accept"])
    assert stale.status_code == 409
    assert next_one["name"] in stale.text
    # In the next one's own language; what is hoped for comes first.
    browser.post(next(iter(links_of(mail).values())))
    now = api.get(f"/v1/leads/{lead['id']}").json()
    assert (now["owner"], now["stage"]) == (second, "accepted")
