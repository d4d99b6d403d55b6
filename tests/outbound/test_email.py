"""Mails as a real server gets them, and how each way in which it can end is judged."""

from __future__ import annotations

import socket
import ssl
import threading

import pytest
import trustme
from aiosmtpd.smtp import AuthResult, LoginPassword
from tests.outbound.conftest import NOW, MailSettings, Postbox, item, message

from leadlane.outbound import email
from leadlane.outbound.email import SmtpUrlError, problems, read_smtp_url, send
from leadlane.outbound.message import Failure, Sent


def test_a_mail_arrives_whole(mail_server):
    server = mail_server()
    assert isinstance(send(MailSettings(server.url), message(), NOW), Sent)
    (mail,) = server.mails
    assert mail["To"] == "Anna Nowak <anna@seller.example>"
    assert mail["From"] == "Leads of Seller <leads@seller.example>"
    assert mail["Subject"] == "New lead: Jana Sommerfeld, Nordlicht Versand GmbH – respond by Mon 2 Mar 10:15"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == "<d-17@seller.example>"
    assert mail["Date"].datetime == NOW
    text, html = mail.get_body(["plain"]).get_content(), mail.get_body(["html"]).get_content()
    for part in (text, html):
        for told in (
            "Jana Sommerfeld",
            "It was your turn.",
            "Mon 2 Mar 10:15",
            "https://l.example/a/accept1",
        ):
            assert told in part
    assert "> please call." in text


def test_the_message_id_is_the_same_however_often_it_is_tried(mail_server):
    server = mail_server()
    for id_ in ("d-17", "d-17", "with spaces <and> more"):
        send(MailSettings(server.url), message(id=id_), NOW)
    first, again, other = (mail["Message-ID"] for mail in server.mails)
    assert first == again != other
    assert other.endswith("@seller.example>")
    assert " " not in other


def test_lines_with_dots_and_letters_of_all_kinds_arrive(mail_server):
    server = mail_server()
    said = ".\n..two\n.one\nŻółć, 東京, ¿qué?\n" + "long " * 100
    send(MailSettings(server.url), message(item(said=said), name="Żaneta Łęcka"), NOW)
    (mail,) = server.mails
    text = mail.get_body(["plain"]).get_content().replace("\r\n", "\n")
    assert "> .\n> ..two\n> .one\n> Żółć, 東京, ¿qué?" in text
    assert mail["To"].addresses[0].display_name == "Żaneta Łęcka"


def test_nobody_can_put_headers_into_a_mail(mail_server):
    server = mail_server()
    evil = "Eve\r\nBcc: all@seller.example\r\n\r\nhello"
    assert isinstance(send(MailSettings(server.url), message(item(prospect=evil), name=evil), NOW), Sent)
    (mail,) = server.mails
    assert mail["Bcc"] is None
    assert "Bcc: all@seller.example hello" in mail["Subject"]


@pytest.mark.parametrize(
    ("command", "reply", "kind"),
    [
        ("RCPT", "550 5.1.1 no such mailbox", "permanent"),
        ("RCPT", "552 5.2.2 mailbox full", "permanent"),
        ("RCPT", "451 4.7.1 greylisted, come back later", "temporary"),
        ("RCPT", "450 4.2.1 receiving mail at a rate that prevents more", "rate_limited"),
        ("MAIL", "421 4.7.0 too many messages", "rate_limited"),
        ("RCPT", "421 4.3.2 shutting down", "temporary"),
        ("MAIL", "553 sender not allowed", "temporary"),
        ("DATA", "554 5.7.1 looks like spam", "permanent"),
        ("DATA", "452 4.3.1 no disk left", "temporary"),
    ],
)
def test_refusals_are_judged_by_their_code(mail_server, command, reply, kind):
    server = mail_server(Postbox(replies={command: reply}))
    failure = send(MailSettings(server.url), message(), NOW)
    assert isinstance(failure, Failure)
    assert failure.kind == kind
    assert reply.partition(" ")[2] in failure.detail
    assert reply[:3] in failure.detail
    # Whoever refuses the sender refuses every mail; a mailbox is only one.
    assert failure.is_channel_down == (command == "MAIL" or reply.startswith("421"))


@pytest.mark.parametrize(
    ("drop_at", "kind"),
    [("MAIL", "temporary"), ("RCPT", "temporary"), ("DATA", "uncertain"), ("HANG", "uncertain")],
)
def test_a_broken_connection_is_uncertain_only_once_everything_was_sent(
    mail_server, monkeypatch, drop_at, kind
):
    monkeypatch.setattr(email, "TIMEOUT_SECONDS", 1.0)
    server = mail_server(Postbox(drop_at=drop_at))
    failure = send(MailSettings(server.url), message(), NOW)
    assert isinstance(failure, Failure)
    assert failure.kind == kind
    assert not failure.is_channel_down


def test_a_server_that_wants_nobody_is_a_matter_of_the_channel():
    def refuse(listener):
        with listener.accept()[0] as connection:
            connection.sendall(b"554 no mail service here\r\n")
            connection.recv(100)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse, args=[listener])
        thread.start()
        failure = send(MailSettings(f"smtp://127.0.0.1:{listener.getsockname()[1]}"), message(), NOW)
        thread.join()
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.is_channel_down) == ("temporary", True)
    assert "no mail service here" in failure.detail


def test_a_server_that_is_too_slow_gets_no_text(mail_server, monkeypatch):
    monkeypatch.setattr(email, "PATIENCE_SECONDS", 0.0)
    server = mail_server()
    failure = send(MailSettings(server.url), message(), NOW)
    assert isinstance(failure, Failure)
    assert failure.kind == "temporary"
    assert server.mails == []


def test_a_mail_that_cannot_be_written_was_not_sent(mail_server):
    server = mail_server()
    failure = send(MailSettings(server.url), message(zone="Nowhere/Atall"), NOW)
    assert isinstance(failure, Failure)
    assert failure.kind == "permanent"
    assert server.mails == []


def test_a_server_that_is_not_there_may_come_back():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    failure = send(MailSettings(f"smtp://127.0.0.1:{port}"), message(), NOW)
    assert isinstance(failure, Failure)
    assert (failure.kind, f"127.0.0.1:{port}" in failure.detail) == ("temporary", True)
    assert failure.is_channel_down


# ---------------------------------------------------------------- encryption and log-in


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    ca = trustme.CA()
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return file, context


def _only_anna(_server, _session, _envelope, _mechanism, login):
    is_good = isinstance(login, LoginPassword) and (login.login, login.password) == (b"anna@x", b"p:/@ss")
    return AuthResult(success=is_good, handled=False)


def test_starttls_and_a_password_with_any_signs(mail_server, authority):
    file, context = authority
    server = mail_server(
        tls_context=context, require_starttls=True, auth_required=True, authenticator=_only_anna
    )
    url = f"smtp://anna%40x:p%3A%2F%40ss@127.0.0.1:{server.port}?ca={file}"
    assert isinstance(send(MailSettings(url), message(), NOW), Sent)
    failure = send(MailSettings(url.replace("p%3A", "wrong-secret")), message(), NOW)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.retry_after_seconds) == ("temporary", email.MENDED_AFTER_SECONDS)
    assert "wrong-secret" not in failure.detail
    assert len(server.mails) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(mail_server, authority):
    _file, context = authority
    server = mail_server(tls_context=context)
    failure = send(MailSettings(server.url), message(), NOW)
    assert isinstance(failure, Failure)
    assert (failure.kind, "?ca=FILE" in failure.detail) == ("temporary", True)
    assert isinstance(send(MailSettings(server.url + "?tls=none"), message(), NOW), Sent)


def test_encryption_can_be_insisted_on(mail_server):
    server = mail_server()
    failure = send(MailSettings(server.url + "?tls=required"), message(), NOW)
    assert isinstance(failure, Failure)
    assert failure.kind == "temporary"
    assert server.mails == []


def test_tls_from_the_first_byte(mail_server, authority):
    file, context = authority
    server = mail_server(ssl_context=context)
    assert isinstance(send(MailSettings(f"smtps://127.0.0.1:{server.port}?ca={file}"), message(), NOW), Sent)


@pytest.mark.parametrize(
    ("url", "host", "port", "security"),
    [
        ("smtp://mail.example", "mail.example", 25, "starttls-if-offered"),
        ("smtp://u:p@mail.example", "mail.example", 587, "starttls"),
        ("smtp://u:p@localhost:2525", "localhost", 2525, "starttls-if-offered"),
        ("smtp://u:p@mail.example?tls=none", "mail.example", 25, "none"),
        ("smtps://u:p@mail.example", "mail.example", 465, "tls"),
        ("smtp://[::1]:25", "::1", 25, "starttls-if-offered"),
    ],
)
def test_addresses_of_servers(url, host, port, security):
    server = read_smtp_url(url)
    assert (server.host, server.port, server.security) == (host, port, security)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://h:99999",
        "smtp://h?tls=perhaps",
        "smtp://h?x",
    ],
)
def test_addresses_that_are_none(url):
    with pytest.raises(SmtpUrlError) as caught:
        read_smtp_url(url)
    assert "smtp://user:password@host:587" in str(caught.value)
    failure = send(MailSettings(url), message(), NOW)
    assert isinstance(failure, Failure)
    assert failure.kind == "temporary"


@pytest.mark.parametrize(
    "address", ["", "anna", "@seller.example", "anna@", "anna nowak@seller.example", "anna@seller example"]
)
def test_addresses_to_which_no_mail_can_go(mail_server, address):
    server = mail_server()
    failure = send(MailSettings(server.url), message(address=address), NOW)
    assert isinstance(failure, Failure)
    assert failure.kind == "permanent"
    assert server.mails == []


def test_addresses_beyond_ascii(mail_server):
    server = mail_server(enable_SMTPUTF8=True)
    assert isinstance(send(MailSettings(server.url), message(address="zoë@bücher.example"), NOW), Sent)
    receiver = server.mails[0]["To"].addresses[0].addr_spec
    assert receiver.encode("utf-8", "surrogateescape").decode() == "zoë@xn--bcher-kva.example"
    old = mail_server(enable_SMTPUTF8=False)
    failure = send(MailSettings(old.url), message(address="zoë@bücher.example"), NOW)
    assert isinstance(failure, Failure)
    assert failure.kind == "permanent"
    assert isinstance(send(MailSettings(old.url), message(address="zoe@bücher.example"), NOW), Sent)


def test_what_is_wrong_with_the_settings_is_told(tmp_path):
    assert problems(MailSettings("", mail_from="")) == []
    assert problems(MailSettings("smtp://h")) == []
    (tmp_path / "asigned.html").write_text("x")
    found = problems(MailSettings("ftp://h", mail_from="leads", templates_dir=tmp_path))
    assert [any(word in one for one in found) for word in ("smtp_url", "mail_from", "asigned.html")] == [
        True
    ] * 3
