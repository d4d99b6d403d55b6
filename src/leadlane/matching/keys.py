"""By which keys are the same person and the same company recognised? E-mail, company domain and phone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

import idna
import phonenumbers
from tldextract import TLDExtract

from leadlane.policy.mail_providers import is_mail_provider
from leadlane.policy.profile_sites import is_profile_page, is_profile_site

SHORTEST_PHONE = 6
_PLAIN_HOST = re.compile(r"[a-z0-9.-]+").fullmatch
_GOOGLE_DOMAINS = frozenset(("gmail.com", "googlemail.com"))

# Neither the network nor a cache file: the list of public suffixes that comes with the library decides, so
# that the same lead gives the same key on every machine. Private suffixes count, because two shops on
# myshopify.com or two firms under uk.com are not one company.
_SUFFIXES = TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


def email_key(email: str | None) -> str | None:
    """The key of a mailbox: case and the sub-address (`+news`) do not count; None for what is no address.

    In Google's mailboxes dots do not count either, and its two domains are one (Gmail Help, answer 7436150).
    """
    local, at, domain = (email or "").strip().rpartition("@")
    if not at or not local:
        return None
    host = _ascii_host(domain)
    main = local.partition("+")[0] or local
    if host in _GOOGLE_DOMAINS:
        main, host = main.replace(".", "") or main, "gmail.com"
    return f"{main.casefold()}@{host}" if host else None


def company_domain(fields: Mapping[str, object]) -> str | None:
    """The registrable domain of a lead's company, or None where nothing names one.

    Taken from `company_domain`, else `website`, else the domain of `email`; a free or disposable mail
    provider is nobody's company, whichever field names it, and nor is the site of somebody's profile.
    """
    given = str(fields.get("company_domain") or "")
    if given and not is_profile_page(given) and (domain := company_of_host(given)):
        return domain
    on_web = company_of_host(str(fields.get("website") or ""))
    if on_web and not is_profile_site(on_web):
        return on_web
    if email := fields.get("email"):
        return company_of_host(str(email).rpartition("@")[2])
    return None


@lru_cache(maxsize=65_536)
def company_of_host(host_or_url: str) -> str | None:
    """The registrable domain behind a host or a page's address; None if it is a mail provider's or none."""
    host = _host_in(host_or_url)
    domain = registrable_domain(host)
    return None if domain is None or is_mail_provider(domain) or is_mail_provider(host) else domain


@lru_cache(maxsize=65_536)
def registrable_domain(host_or_url: str) -> str | None:
    """`https://www.shop.acme.co.uk/de` → `acme.co.uk`, in ASCII; None for what is no public host name.

    Under a suffix that nobody knows (`.example`, `.test`) it is the last two labels.
    """
    host = _ascii_host(_host_in(host_or_url))
    if host is None or "." not in host:
        return None
    found = _SUFFIXES.extract_str(host)
    if found.ipv4 or found.ipv6:
        return None
    if found.domain and found.suffix:
        return f"{found.domain}.{found.suffix}"
    if found.is_private or not found.suffix:
        return ".".join(host.split(".")[-2:])
    return None


@lru_cache(maxsize=65_536)
def phone_key(phone: str | None, country: str | None = None) -> str | None:
    """The number in E.164 (`+4930123456`); None when it is no possible number.

    `country` is ISO alpha-2 and needed for numbers without `+` or `00`. Extensions are dropped.
    """
    text = (phone or "").strip()
    if text.startswith("00"):
        text = "+" + text[2:]
    if not text or not (text.startswith("+") or country):
        return None
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    # Some plans allow numbers of two digits; those are nobody's.
    if len(str(number.national_number)) < SHORTEST_PHONE or not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _host_in(host_or_url: str) -> str:
    """The host of a web address, or what stands alone as one; "" when it cannot be told."""
    text = host_or_url.strip().lower()
    if _PLAIN_HOST(text):
        # What nearly all give; taking it apart as an address would cost more than all the rest.
        return text.rstrip(".")
    try:
        return (urlsplit(text if "//" in text else "//" + text.lstrip("@")).hostname or "").rstrip(".")
    except ValueError:
        return ""


@lru_cache(maxsize=65_536)
def _ascii_host(host: str) -> str | None:
    """A host name in lower-case ASCII (IDNA), None when it is none."""
    host = host.strip().rstrip(".").lower()
    if host.isascii():
        return host if host and host.isprintable() and " " not in host else None
    try:
        return idna.encode(host, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return None
