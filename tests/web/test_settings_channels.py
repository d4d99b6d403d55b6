"""Settings, Channels and Messages: what is set up, a test that arrives, send again or discard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.outbound.conftest import mail_server  # noqa: F401  (a fixture)
from tests.web.conftest import Site, opened_site, text_of

from leadlane.config import Settings

CHANNELS, MESSAGES = "/settings/channels", "/settings/messages"


@pytest.fixture
def mailing(database_url: str, mail_server: Any) -> Iterator[tuple[Site, Any]]:  # noqa: F811
    server = mail_server()
    settings = Settings(
        database_url=database_url, smtp_url=server.url, mail_from="Leads <leads@seller.example>"
    )
    with opened_site(settings) as site:
        yield site, server


def put_message(site: Site, state: str, error: str = "no such mailbox") -> int:
    ((id_,),) = site.sql(
        "INSERT INTO deliveries (channel, person, address, state, next_at, created_at, finished_at, error)"
        " VALUES ('email', 'anna', 'anna@seller.example', %s, now(), now(), now(), %s) RETURNING id",
        state,
        error,
    )
    return int(id_)


def test_what_is_not_set_up_says_what_is_missing(site: Site) -> None:
    text = site.sign_in("admin").text(CHANNELS)
    assert "Missing in the settings: smtp_url , mail_from ." in text
    assert "teams: {enabled: yes}" in text
    assert "Send me a test" not in text


def test_a_test_message_arrives(mailing: tuple[Site, Any]) -> None:
    site, server = mailing
    admin = site.sign_in("admin")
    answer = admin.submit(CHANNELS, seen=CHANNELS, channel="email")
    assert "The test was taken. Does it arrive at admin.nobody@leadlane.example?" in text_of(answer)
    (mail,) = server.mails_to("admin.nobody@leadlane.example")
    assert "Test message" in str(mail["Subject"])
    assert admin.submit(CHANNELS, seen=CHANNELS, channel="slack").status_code == 409
    assert admin.submit(CHANNELS, seen=CHANNELS, channel="pigeon").status_code == 404


def test_a_test_that_fails_says_why(database_url: str) -> None:
    settings = Settings(
        database_url=database_url, smtp_url="smtp://127.0.0.1:1", mail_from="Leads <leads@seller.example>"
    )
    with opened_site(settings) as site:
        answer = site.sign_in("admin").submit(CHANNELS, seen=CHANNELS, channel="email")
        assert "The test was not sent." in text_of(answer)
        assert "127.0.0.1:1" in text_of(answer)


def test_messages_are_sent_again_or_discarded(mailing: tuple[Site, Any]) -> None:
    site, _server = mailing
    admin = site.sign_in("admin")
    dead, uncertain = put_message(site, "dead", "<b>no mailbox"), put_message(site, "uncertain")
    page = admin.get(MESSAGES)
    assert "&lt;b&gt;no mailbox" in page.text
    assert f"{MESSAGES}/{dead}" in page.text
    assert f"{MESSAGES}/{uncertain}" not in page.text
    assert f"{MESSAGES}/{uncertain}" in admin.get(f"{MESSAGES}?state=uncertain").text
    assert "no such mailbox" in admin.text(f"{MESSAGES}/{uncertain}")
    assert admin.submit(f"{MESSAGES}/{dead}/discard", seen=MESSAGES).status_code == 303
    assert admin.submit(f"{MESSAGES}/{uncertain}/again", seen=MESSAGES).status_code == 303
    states = dict(site.sql("SELECT id, state FROM deliveries"))
    assert states[dead] == "moot"
    assert states[uncertain] != "uncertain"
    # A page that is out of date changes nothing, and says so.
    assert admin.submit(f"{MESSAGES}/{dead}/again", seen=MESSAGES, next=MESSAGES).status_code == 303
    assert "Nothing was done" in admin.text(MESSAGES)
    assert site.sql("SELECT state FROM deliveries WHERE id = %s", dead) == [("moot",)]
    assert admin.get(f"{MESSAGES}/99999999999999999999").status_code == 404
    assert admin.get(f"{MESSAGES}?state=nonsense&before=x").status_code == 200


def test_all_that_ended_badly_are_sent_again_at_once(mailing: tuple[Site, Any]) -> None:
    site, _server = mailing
    admin = site.sign_in("admin")
    for _number in range(3):
        put_message(site, "dead")
    admin.submit(MESSAGES, seen=MESSAGES, state="dead")
    assert site.sql("SELECT count(*) FROM deliveries WHERE state = 'dead'") == [(0,)]
