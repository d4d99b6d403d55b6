"""Whose page is this? On some sites everybody has one: it says nothing about who employs them."""

from __future__ import annotations

_SITES = frozenset(
    {
        "facebook.com",
        "fb.com",
        "github.com",
        "google.com",
        "instagram.com",
        "linkedin.com",
        "linktr.ee",
        "pinterest.com",
        "t.me",
        "tiktok.com",
        "twitter.com",
        "wa.me",
        "x.com",
        "xing.com",
        "youtube.com",
    }
)


def is_profile_site(host: str) -> bool:
    """Whether a host, in lower case, is that of such a site: `linkedin.com`, `de.linkedin.com`."""
    labels = host.split(".")
    return any(".".join(labels[start:]) in _SITES for start in range(len(labels)))


def is_profile_page(address: str) -> bool:
    """Whether an address is that of a page there: `linkedin.com/company/acme`, not `linkedin.com` itself."""
    host, _slash, path = (address.partition("//")[2] or address).partition("/")
    name = host.rpartition("@")[2].partition(":")[0].strip().lower().rstrip(".")
    return bool(path.strip("/ ")) and is_profile_site(name)
