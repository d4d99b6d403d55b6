"""A file with mistakes is refused with each of their places, and never shows a secret."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.outbound.receiver import SECRET

from leadlane.config import Settings
from leadlane.errors import SettingsError
from leadlane.outbound.endpoints import Again, Outbound, read_outbound
from leadlane.outbound.message import EVENTS


def read(folder: Path, text: str) -> Outbound:
    file = folder / "outbound.yaml"
    file.write_text(text, encoding="utf-8")
    return read_outbound(Settings(data_dir=folder))


def test_nothing_is_set_up_without_a_file(tmp_path: Path) -> None:
    assert read_outbound(Settings(data_dir=tmp_path)).endpoints == ()
    assert read(tmp_path, "# nothing yet\n").endpoints == ()


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.yaml cannot be read"):
        read_outbound(Settings(outbound_file=tmp_path / "nowhere.yaml"))


def test_what_is_not_said_has_its_default(tmp_path: Path) -> None:
    outbound = read(
        tmp_path, f"webhooks:\n  - {{name: crm, url: https://crm.example/in, secret: {SECRET}}}\n"
    )
    (one,) = outbound.endpoints
    assert (one.channel, one.url, one.events) == ("webhook:crm", "https://crm.example/in", frozenset(EVENTS))
    assert SECRET not in repr(outbound)


def test_every_mistake_is_told_with_its_place_and_no_secret(tmp_path: Path) -> None:
    text = """webhooks:
  - {name: crm, url: ftp://crm.example, secret: whsec_dG9vc2hvcnQ=}
  - {name: Big One, url: https://x.example, secret: geheim, events: [assigned, asigned]}
  - {name: crm, url: https://user:pass@y.example, hook: 1}
allow: ["http://10.0.0.1"]
"""
    with pytest.raises(SettingsError) as raised:
        read(tmp_path, text)
    told = str(raised.value)
    for place in (":2:", ":3:", ":4:", ":5:"):
        assert place in told
    for word in ("url", "secret", "events", "hook", "allow"):
        assert word in told
    assert "geheim" not in told
    assert "dG9vc2hvcnQ" not in told
    assert "pass@" not in told
    assert "did you mean assigned" in told


@pytest.mark.parametrize(
    "text",
    [
        "at_any_hour:",
        "webhooks: [{name: a, url: 'crm.example/in?key=geheim', secret: whsec_x}]",
        "webhooks: [{name: a, url: 'https://geheim@crm.example', secret: whsec_x}]",
        "webhooks: [{name: a, url: 'https://crm..example/geheim', secret: whsec_x}]",
        "webhooks: [{name: a, url: 'http://[::1/geheim', secret: whsec_x}]",
        "sms: {http: {url: https://sms.example, headers: Bearer geheim, body: {to: '{to}', m: '{text}'}}}",
        "sms: {http: {url: https://sms.example, headers: {X-Key: geheim}, body: {to: '{to}'}}}",
    ],
)
def test_a_mistake_shows_nothing_that_may_be_a_secret(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"outbound\.yaml:1:") as raised:
        read(tmp_path, text)
    assert "geheim" not in str(raised.value)


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    line = f"  - {{name: crm, url: https://crm.example/in, secret: {SECRET}}}\n"
    with pytest.raises(SettingsError, match="two webhooks are called crm"):
        read(tmp_path, "webhooks:\n" + line + line)


def test_what_follows_and_what_teams_read(tmp_path: Path) -> None:
    outbound = read(
        tmp_path,
        """also:
  - {channel: sms, after: 5 minutes}
  - {channel: apprise, after: 1 hour, unless: responded, events: [assigned]}
posts:
  - {name: dach, channel: slack, to: "#leads-dach", teams: [dach], events: [assigned]}
  - {name: all, channel: email, to: leads@seller.example}
digest: no
""",
    )
    sms, other = outbound.also
    assert sms == Again("sms", timedelta(minutes=5), "accepted", frozenset({"assigned", "covering"}))
    assert other == Again("apprise", timedelta(hours=1), "responded", frozenset({"assigned"}))
    dach, everybody = outbound.posts
    assert (dach.reader, dach.to, dach.only.teams) == ("post:dach", "#leads-dach", frozenset({"dach"}))
    assert not everybody.only.is_choosy
    assert not outbound.digest


def test_mistakes_in_what_follows_are_told_too(tmp_path: Path) -> None:
    text = """also:
  - {channel: smss, after: 5 minutes}
  - {channel: sms, after: 5 business minutes}
  - {channel: sms, after: 5 minutes, unless: accept}
posts:
  - {name: one, channel: slack, to: 7}
digest: perhaps
"""
    with pytest.raises(SettingsError) as raised:
        read(tmp_path, text)
    told = str(raised.value)
    for place in (":2:", ":3:", ":4:", ":6:", ":7:"):
        assert place in told
    assert "did you mean sms" in told
    assert "did you mean accepted" in told


def test_two_posts_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="two posts are called one"):
        read(tmp_path, "posts:\n" + "  - {name: one, channel: slack, to: a}\n" * 2)
