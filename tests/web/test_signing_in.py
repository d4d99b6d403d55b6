"""Getting in and out by a browser without scripts: passwords, links, cookies, and what is not ours."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import httpx2
import pytest
from tests.outbound.conftest import mail_server  # noqa: F401  (a fixture)
from tests.web.conftest import Site, Visitor, opened_site, text_of

from leadlane.config import Settings
from leadlane.service import sign_in, users
from leadlane.store.users import Purpose

PASSWORD = "otters knit blue kettles"
EMAIL = "ann@seller.example"


def make_user(site: Site, role: str = "admin", password: str = PASSWORD) -> str:
    """The id of a user with a password."""
    with site.app.pool.connection() as connection:
        user = users.add(connection, EMAIL, "Ann Nowak", role, "test", site.app.now())
        sign_in.set_password(connection, user, password)
        return user.id


def make_link(site: Site, purpose: Purpose) -> str:
    with site.app.pool.connection() as connection:
        user = users.find(connection, EMAIL)
        return sign_in.make_link(connection, user, purpose, site.app.now())[0]


def enter(visitor: Visitor, password: str = PASSWORD, **more: str) -> httpx2.Response:
    return visitor.post("/sign-in", data={"email": EMAIL, "password": password, **more})


def test_signing_in_leads_to_where_one_wanted_to_go_and_out_again(site: Site) -> None:
    make_user(site)
    visitor = site.visitor()
    away = visitor.get("/settings/users?x=1")
    assert (away.status_code, away.headers["location"]) == (303, "/sign-in?next=/settings/users%3Fx%3D1")
    form = visitor.get(away.headers["location"])
    assert 'name="next" value="/settings/users?x=1"' in form.text
    done = enter(visitor, next="/settings/users?x=1")
    assert (done.status_code, done.headers["location"]) == (303, "/settings/users?x=1")
    assert "Ann Nowak" in visitor.text("/settings/users")
    assert visitor.get("/sign-in").headers["location"] == "/"
    out = visitor.submit("/sign-out")
    assert out.headers["location"] == "/sign-in"
    assert visitor.get("/account").status_code == 303


def test_the_cookie_is_of_no_use_to_scripts_and_other_sites(site: Site, database_url: str) -> None:
    make_user(site)
    cookie = enter(site.visitor()).headers["set-cookie"]
    assert re.match(r"leadlane=[\w-]{43}; HttpOnly; Max-Age=2592000; Path=/; SameSite=lax", cookie)
    settings = Settings(database_url=database_url, public_url="https://leads.example")
    with opened_site(settings, lambda app: None) as secure:
        cookie = enter(secure.visitor()).headers["set-cookie"]
        assert re.match(r"__Host-leadlane=[^;]+; HttpOnly; Max-Age=\d+; Path=/; SameSite=lax; Secure", cookie)


def test_over_https_no_cookie_travels_otherwise(site: Site, database_url: str) -> None:
    """Not even the one that says what was done."""
    visitor = site.sign_in("admin")
    act = "/account/sessions/end-others"
    told = visitor.submit(act)
    assert told.headers["set-cookie"].startswith("told=")
    assert "secure" not in told.headers["set-cookie"].lower()
    settings = Settings(database_url=database_url, public_url="https://leads.example")
    with opened_site(settings, lambda app: None) as secure:
        other = secure.visitor()
        other.cookies.set("__Host-leadlane", secure.session_token("admin"))
        told = other.submit(act)
        assert told.headers["set-cookie"].startswith("told=")
        assert told.headers["set-cookie"].endswith("; Secure")


def test_what_is_refused_reads_the_same_whether_there_is_such_a_user_or_not(site: Site) -> None:
    make_user(site)
    visitor = site.visitor()
    wrong = enter(visitor, "wrong")
    nobody = visitor.post("/sign-in", data={"email": "nobody@seller.example", "password": PASSWORD})
    assert wrong.status_code == nobody.status_code == 422
    assert text_of(wrong) == text_of(nobody)
    assert "do not belong together" in text_of(wrong)
    assert "set-cookie" not in wrong.headers


def test_whoever_guesses_is_told_to_wait(site: Site) -> None:
    make_user(site)
    visitor = site.visitor()
    for _attempt in range(sign_in.FREE_FAILURES):
        enter(visitor, "wrong")
    refused = enter(visitor)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 10
    assert "Please try again in 1 minute." in text_of(refused)


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", ""])
def test_nobody_is_sent_on_to_another_site(site: Site, to: str) -> None:
    make_user(site)
    visitor = site.visitor()
    assert enter(visitor, next=to).headers["location"] == "/"
    assert visitor.get("/sign-in", params={"next": to}).headers["location"] == "/"


def test_an_empty_installation_says_how_to_begin(site: Site) -> None:
    assert "leadlane users invite" in site.visitor().text("/sign-in")
    make_user(site)
    assert "leadlane users invite" not in site.visitor().text("/sign-in")


# ---------------------------------------------------------------- was it meant


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "https://other.leads.example"},
    ],
)
def test_a_form_of_another_site_is_not_heeded(site: Site, headers: dict[str, str]) -> None:
    make_user(site)
    refused = site.visitor().post("/sign-in", data={"email": EMAIL, "password": PASSWORD}, headers=headers)
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers


def test_forms_take_the_token_of_their_session(site: Site) -> None:
    one, other = site.sign_in("admin"), site.sign_in("rep")
    token = re.search(r'name="csrf" value="(\w+)"', other.get("/account").text)
    assert token is not None
    for sent in ({}, {"csrf": ""}, {"csrf": "x" * 64}, {"csrf": "ż"}, {"csrf": token[1]}):
        refused = one.post("/account/theme", data={"theme": "dark", **sent})
        assert refused.status_code == 403, sent
        assert "Nothing has been changed" in text_of(refused)
    assert site.sql("SELECT DISTINCT theme FROM users") == [("system",)]
    done = other.post("/account/theme", data={"theme": "dark"}, headers={"x-csrf-token": token[1]})
    assert done.status_code == 303
    assert ("dark",) in site.sql("SELECT theme FROM users WHERE role = 'rep'")


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"x=%FF&csrf=%FF", "application/x-www-form-urlencoded", 403),
        (b"nonsense", "multipart/form-data; boundary=b", 400),
        (b"", "multipart/form-data", 400),
        (b"{}", "application/json", 403),
        (b"a=1&" * 5000, "application/x-www-form-urlencoded", 400),
        (b"a=" + b"x" * 11_000_000, "application/x-www-form-urlencoded", 413),
    ],
)
def test_what_is_no_form(site: Site, content: bytes, kind: str, status: int) -> None:
    refused = site.sign_in("admin").post("/account", content=content, headers={"content-type": kind})
    assert refused.status_code == status


def test_a_piece_of_a_page_leads_to_sign_in_too(site: Site) -> None:
    refused = site.visitor().get("/account", headers={"hx-request": "true"})
    assert (refused.status_code, refused.headers["hx-redirect"]) == (401, "/sign-in")


@pytest.mark.parametrize(
    ("was_at", "to"),
    [
        ("/leads/L1?a=b", "/sign-in?next=/leads/L1%3Fa%3Db"),
        ("/", "/sign-in"),
        ("//elsewhere.example/", "/sign-in?next=//elsewhere.example/"),
    ],
)
def test_one_comes_back_to_the_page_from_which_something_was_sent(site: Site, was_at: str, to: str) -> None:
    piece = {"hx-request": "true", "hx-current-url": site.url + was_at}
    assert site.visitor().get("/account", headers=piece).headers["hx-redirect"] == to
    sent = site.visitor().post("/account", headers={"referer": site.url + was_at})
    assert (sent.status_code, sent.headers["location"]) == (303, to)
    assert 'name="next" value="//' not in site.visitor().get(to).text


# ---------------------------------------------------------------- links


def test_an_invitation(site: Site) -> None:
    with site.app.pool.connection() as connection:
        users.add(connection, EMAIL, "<b>Ann</b>", "admin", "test", site.app.now())
    token, visitor = make_link(site, "invitation"), site.visitor()
    for _look in range(3):  # as programs that look through mails do
        page = visitor.get("/welcome", params={"link": token})
        assert page.status_code == 200
    assert "Welcome, &lt;b&gt;Ann&lt;/b&gt;" in page.text
    assert page.headers["referrer-policy"] == "same-origin"
    assert "no-store" in page.headers["cache-control"]
    form = {"link": token, "password": PASSWORD, "again": PASSWORD}
    for bad, problem in (
        ({"again": "something else"}, "not the same"),
        ({"password": "short", "again": "short"}, "at least 12"),
        ({"password": "password1234", "again": "password1234"}, "too easy to guess"),
    ):
        refused = visitor.post("/welcome", data={**form, **bad})
        assert refused.status_code == 422
        assert problem in text_of(refused)
        assert PASSWORD not in refused.text
    done = visitor.post("/welcome", data=form)
    assert done.status_code == 303
    assert visitor.get("/account").status_code == 200
    again = site.visitor().post("/welcome", data=form)
    assert again.status_code == 410
    assert "works once" in text_of(again)
    assert site.visitor().get("/welcome?link=made-up").status_code == 410
    assert enter(site.visitor()).status_code == 303


def test_a_link_into_the_demonstration_takes_no_password(site: Site) -> None:
    make_user(site)
    token, visitor = make_link(site, "demonstration"), site.visitor()
    assert "demonstration" in visitor.text(f"/welcome?link={token}")
    assert visitor.post("/welcome", data={"link": token}).status_code == 303
    assert visitor.get("/account").status_code == 200
    assert site.visitor().post("/welcome", data={"link": token}).status_code == 410


def test_a_forgotten_password_without_mail(site: Site) -> None:
    make_user(site)
    visitor = site.visitor()
    assert "leadlane users reset" in visitor.text("/forgot")
    assert visitor.post("/forgot", data={"email": EMAIL}).status_code == 303
    assert site.sql("SELECT * FROM user_links") == []


def test_a_forgotten_password_by_mail(database_url: str, mail_server) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    server = mail_server()
    settings = Settings(
        database_url=database_url,
        smtp_url=server.url,
        mail_from="Leads <leads@seller.example>",
        public_url="https://leads.example",
    )
    with opened_site(settings) as site:
        make_user(site)
        visitor = site.visitor()
        answers = [visitor.post("/forgot", data={"email": email}) for email in ("x@y.example", EMAIL)]
        assert {(one.status_code, one.headers["location"]) for one in answers} == {(303, "/forgot?asked=1")}
        assert "on its way" in visitor.text("/forgot?asked=1")
        (mail,) = server.mails_to(EMAIL)
        assert mail["Subject"] == "A new password for Leadlane"
        text = mail.get_body(["plain"]).get_content()
        link = re.search(r"https://leads\.example(/welcome\?link=[\w-]+)", text)
        assert link is not None
        assert link[1] in mail.get_body(["html"]).get_content()
        form = {"link": link[1].partition("=")[2], "password": "nine lamps sing in tune"}
        assert visitor.post("/welcome", data={**form, "again": form["password"]}).status_code == 303
        # Whoever asks again and again sends no more than a few.
        for _attempt in range(10):
            visitor.post("/forgot", data={"email": EMAIL})
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and len(server.mails_to(EMAIL)) < sign_in.FREE_FAILURES:
            time.sleep(0.05)
        assert len(site.sql("SELECT * FROM user_links WHERE used_at IS NULL")) == sign_in.FREE_FAILURES - 1


# ---------------------------------------------------------------- my account


def test_a_user_says_how_leadlane_is_for_them(site: Site) -> None:
    visitor = site.sign_in("rep", "anna")
    assert "Europe/Berlin" in visitor.text("/account")  # as in the roster
    done = visitor.submit("/account", name="Anna N", language="pl", zone="Asia/Tokyo", theme="dark")
    assert done.status_code == 303
    page = visitor.get("/account")
    assert '<html lang="pl" data-theme="dark"' in page.text
    assert "Anna N" in page.text
    bad = visitor.submit("/account", name="", language="xx", zone="Mars/Base", theme="dark")
    assert bad.status_code == 422
    assert 'aria-invalid="true"' in bad.text


def test_another_password_takes_the_present_one(site: Site) -> None:
    make_user(site)
    visitor, elsewhere = site.visitor(), site.visitor()
    enter(visitor)
    enter(elsewhere)
    new = "nine lamps sing in tune"
    for sent, problem in (
        ({"old": "wrong", "password": new, "again": new}, "not your present password"),
        ({"old": PASSWORD, "password": new, "again": new + "x"}, "not the same"),
        ({"old": PASSWORD, "password": "ann@seller.example", "again": "ann@seller.example"}, "easy to guess"),
    ):
        refused = visitor.submit("/account/password", **sent)
        assert refused.status_code == 422
        assert problem in text_of(refused)
    done = visitor.submit("/account/password", old=PASSWORD, password=new, again=new)
    assert done.status_code == 303
    assert visitor.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303
    assert enter(site.visitor(), new).status_code == 303


def test_signing_out_elsewhere(site: Site) -> None:
    make_user(site)
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    one, two, three = site.visitor(), site.visitor(**{"user-agent": firefox}), site.visitor()
    for visitor in (one, two, three):
        enter(visitor)
    assert "Firefox on Linux" in one.text("/account")
    number = site.sql("SELECT number FROM sessions ORDER BY number")[1][0]
    stranger = site.sign_in("rep")
    stranger.submit(f"/account/sessions/{number}/end")
    assert two.get("/account").status_code == 200  # it is none of theirs
    one.submit(f"/account/sessions/{number}/end")
    assert [visitor.get("/account").status_code for visitor in (one, two, three)] == [200, 303, 200]
    one.submit("/account/sessions/end-others")
    assert [visitor.get("/account").status_code for visitor in (one, three)] == [200, 303]


def test_whoever_signs_in_as_somebody_else_leaves_no_session_behind(site: Site) -> None:
    make_user(site)
    visitor = site.sign_in("rep")
    visitor.post("/welcome", data={"link": make_link(site, "demonstration")})
    assert "Ann Nowak" in visitor.text("/account")
    assert len(site.sql("SELECT * FROM sessions")) == 1


def test_a_session_ends_when_it_is_not_used(site: Site) -> None:
    visitor = site.sign_in("rep")
    moved = sign_in.IDLE + timedelta(minutes=1)
    site.sql("UPDATE sessions SET expires_at = expires_at - %s", moved)
    assert visitor.get("/account").status_code == 303
