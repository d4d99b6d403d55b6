"""A real mail server on a port of its own, and messages to send to it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from leadlane.outbound.message import Item, Message

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class Postbox:
    """What a mail server does with mails: takes them, or answers `replies` by command.

    `refused` are answers to RCPT by address.
    """

    replies: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    mails: list[EmailMessage] = field(default_factory=list)
    drop_at: str = ""
    came: threading.Condition = field(default_factory=threading.Condition)

    async def handle_MAIL(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _o: Any
    ) -> str:
        envelope.mail_from = address
        return self._reply(server, "MAIL")

    async def handle_RCPT(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _o: Any
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return self._reply(server, "RCPT")

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)  # type: ignore[arg-type]
        with self.came:
            self.mails.append(mail)  # type: ignore[arg-type]
            self.came.notify_all()
        if self.drop_at == "HANG":
            await asyncio.sleep(5)
        return self._reply(server, "DATA")

    def _reply(self, server: SMTP, command: str) -> str:
        if self.drop_at == command:
            server.transport.abort()
        return self.replies.get(command, "250 fine")


@dataclass
class Running:
    """A running mail server."""

    postbox: Postbox
    port: int

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def mails(self) -> list[EmailMessage]:
        return self.postbox.mails

    def mails_to(self, address: str, count: int = 1) -> list[EmailMessage]:
        """The mails to an address, once there are so many; fails where they do not come."""

        def found() -> list[EmailMessage]:
            return [mail for mail in self.mails if address in str(mail["To"])]

        with self.postbox.came:
            assert self.postbox.came.wait_for(lambda: len(found()) >= count, timeout=20), self.mails
            return found()


@dataclass(frozen=True)
class MailSettings:
    smtp_url: str
    mail_from: str = "Leads of Seller <leads@seller.example>"
    templates_dir: Path | None = None


@pytest.fixture
def mail_server() -> Iterator[Callable[..., Running]]:
    """Starts a mail server; options are those of aiosmtpd."""
    running: list[Controller] = []

    def start(postbox: Postbox | None = None, **options: Any) -> Running:
        postbox = postbox or Postbox()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        controller = Controller(postbox, hostname="127.0.0.1", port=port, **options)
        controller.start()
        running.append(controller)
        return Running(postbox, port)

    yield start
    for controller in running:
        controller.stop()


def item(event: str = "assigned", **changes: Any) -> Item:
    """Something to tell of a lead that a demo was asked by."""
    facts: dict[str, Any] = {
        "at": NOW,
        "lead_id": "L1",
        "place": 1,
        "prospect": "Jana Sommerfeld",
        "email": "jana@nordlicht.example",
        "phone": "+49 40 1234567",
        "title": "Head of Operations",
        "company": "Nordlicht Versand GmbH",
        "country": "DE",
        "said": "Hello,\n\nplease call.",
        "signals": ("demo_request",),
        "intent": "high",
        "fit": "strong",
        "stage": "assigned",
        "why": ("It was your turn.",),
        "owner": "Anna Nowak",
        "respond_by": NOW + timedelta(minutes=15),
        "next_step": "Respond",
        "next_step_due_at": NOW + timedelta(minutes=15),
        "answers": {
            verb: f"https://l.example/a/{verb}1" for verb in ("accept", "decline", "responded", "snooze")
        },
    }
    return Item(event=event, **{**facts, **changes})


def message(*items: Item, **changes: Any) -> Message:
    """A message to Anna in Berlin, who reads English."""
    facts: dict[str, Any] = {
        "id": "d-17",
        "person": "anna",
        "name": "Anna Nowak",
        "zone": "Europe/Berlin",
        "language": "en",
        "address": "anna@seller.example",
        "items": items or (item(),),
        "lead_url": "https://l.example/leads/{lead}",
    }
    return Message(**{**facts, **changes})
