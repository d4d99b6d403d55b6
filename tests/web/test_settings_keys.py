"""Settings, API keys: a secret is shown once, its use is seen, and revoking keeps it out."""

from __future__ import annotations

import re
import time

import httpx2
from tests.web.conftest import Site, text_of

KEYS = "/settings/keys"


def made(answer: httpx2.Response) -> str:
    found = re.search(r'value="(ll_[\w-]+)"', answer.text)
    assert found is not None, text_of(answer)
    return found[1]


def test_a_key_is_made_used_and_revoked(site: Site) -> None:
    admin = site.sign_in("admin")
    answer = admin.submit(KEYS, seen=KEYS, name="<script>form", scope="read")
    assert (answer.status_code, answer.headers["location"]) == (303, KEYS)
    assert "ll_" not in answer.headers["location"]
    answer = admin.get(KEYS)
    secret = made(answer)
    assert "&lt;script&gt;form" in answer.text
    assert "<script>form" not in answer.text
    assert secret not in admin.get(KEYS).text
    assert "Never used" in admin.text(KEYS)
    headers = {"authorization": f"Bearer {secret}"}
    assert httpx2.get(site.url + "/v1/policy", headers=headers).status_code == 200
    until = time.monotonic() + 15
    while "Last used:" not in admin.text(KEYS):
        assert time.monotonic() < until, "its use is never seen"
        time.sleep(0.2)
    ((id_,),) = site.sql("SELECT id FROM api_keys")
    ask = f"{KEYS}/{id_}/revoke"
    assert "cannot be taken back" in admin.text(ask)
    assert admin.submit(ask, seen=ask).status_code == 303
    assert "Revoked keys" in admin.text(KEYS)
    assert site.sql("SELECT revoked_at IS NOT NULL FROM api_keys") == [(True,)]


def test_reloading_the_page_that_shows_a_secret_makes_no_other_key(site: Site) -> None:
    admin = site.sign_in("admin")
    answer = admin.submit(KEYS, seen=KEYS, name="form", scope="read")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly; Max-Age=60; Path=/settings/keys; SameSite=strict" in cookie
    secret = made(admin.get(answer.headers["location"]))
    assert secret not in admin.get(answer.headers["location"]).text
    assert site.sql("SELECT count(*) FROM api_keys") == [(1,)]


def test_a_cookie_that_is_none_of_ours_shows_nothing(site: Site) -> None:
    admin = site.sign_in("admin")
    for value in ("nonsense", "W10=", "eyJhIjoxfQ==", "MQ=="):
        admin.cookies.set("made-key", value)
        assert "Its secret is shown" not in admin.text(KEYS)


def test_what_is_missing_is_said_beside_the_field(site: Site) -> None:
    admin = site.sign_in("admin")
    answer = admin.submit(KEYS, seen=KEYS, name="form")
    assert answer.status_code == 422
    assert "Say what the key is for." in text_of(answer)
    assert 'value="form"' in answer.text
    answer = admin.submit(KEYS, seen=KEYS, name="x" * 101, scope=["read", "nonsense"])
    assert answer.status_code == 422
    assert site.sql("SELECT count(*) FROM api_keys") == [(0,)]
    assert admin.submit(f"{KEYS}/k_none/revoke", seen=KEYS).status_code == 404
