"""What every page has: its frame, its protection, its language, and how failures look."""

from __future__ import annotations

import gzip
import re
from typing import Any

import httpx2
import pytest
from tests.web.conftest import text_of

from leadlane.web import assets
from leadlane.web.application import HEADERS, all_pages
from leadlane.web.render import environment, own_path, redirect

_ADDRESS = re.compile(r'(?:href|src)="(/static/[^"#]+)')


def test_the_bare_address_leads_to_sign_in_and_then_home(site: Any) -> None:
    stranger = site.visitor()
    answer = stranger.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert site.sign_in("rep").get("/").headers["location"] == "/my-leads"


def test_a_page_has_its_frame_and_its_protection(site: Any) -> None:
    answer = site.sign_in("rep", "dora").get("/account")
    assert answer.status_code == 200, answer.text
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["cache-control"] == "private, no-store"
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style", answer.text)


def test_what_a_page_needs_is_there_small_and_kept_for_ever(site: Any) -> None:
    page = site.sign_in("rep", "dora").get("/account").text
    addresses = set(_ADDRESS.findall(page))
    assert len(addresses) >= 5
    for address in addresses:
        answer = httpx2.get(site.url + address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]
    # A page from before an update still finds what it names, as it is now, and does not keep it.
    old = httpx2.get(site.url + "/static/app.0000000000.css")
    assert (old.status_code, old.headers["cache-control"]) == (200, "no-cache")
    assert httpx2.get(site.url + "/static/secret.css").status_code == 404


def test_a_zipped_file_is_the_file() -> None:
    asset = assets.assets()["app.js"]
    assert gzip.decompress(asset.zipped) == asset.content


@pytest.mark.parametrize(("language", "words"), [("en", "Skip to the page"), ("pl", 'lang="pl"')])
def test_a_page_is_in_the_language_of_its_reader(site: Any, language: str, words: str) -> None:
    answer = site.visitor(**{"accept-language": language}).get("/sign-in")
    assert words in answer.text


def test_what_is_not_there_is_a_page_for_people_and_problem_details_for_programs(site: Any) -> None:
    answer = site.sign_in("rep").get("/nothing/here")
    assert answer.status_code == 404
    assert "There is nothing here" in text_of(answer)
    assert site.visitor().get("/nothing").status_code == 404
    program = site.visitor().get("/v1/nothing")
    assert program.headers["content-type"] == "application/problem+json"


def test_numbers_that_no_database_has_are_no_addresses(site: Any) -> None:
    visitor = site.sign_in("rep")
    for digits in (30, 5_000):
        assert visitor.get("/workshop/history/" + "9" * digits).status_code == 404
        assert visitor.submit(f"/account/sessions/{'9' * digits}/end").status_code == 404


def test_what_fails_is_told_to_htmx_beside_the_page(site: Any) -> None:
    answer = site.sign_in("rep").get("/nothing", headers={"hx-request": "true", "hx-target": "section#leads"})
    assert (answer.status_code, answer.headers["hx-reswap"]) == (404, "none")
    assert answer.text.startswith('<hx-partial hx-target="#toasts"')


def test_what_an_act_says_is_said_once_to_whoever_acted(site: Any) -> None:
    """A piece that renews itself at the same moment neither says it too, nor takes it away."""
    rep = site.sign_in("rep", "dora")
    cookie = redirect("/my-leads", told="Accepted.").headers["set-cookie"].partition(";")[0]
    rep.cookies.set("told", cookie.partition("=")[2], domain="127.0.0.1", path="/")
    asked = {"hx-request": "true", "hx-target": "div#leads"}
    renewed = rep.get("/my-leads", headers={**asked, "hx-source": "div#leads"})
    assert "Accepted." not in renewed.text
    assert "set-cookie" not in renewed.headers
    for expected in (1, 0):
        acted = rep.get("/my-leads", headers={**asked, "hx-source": "form"})
        assert acted.text.count("Accepted.") == expected


def test_a_form_that_another_site_sent_is_not_heeded(site: Any) -> None:
    rep = site.sign_in("rep")
    assert rep.post("/account/theme", data={"theme": "dark"}).status_code == 403
    evil = rep.post("/account/theme", data={"theme": "dark"}, headers={"sec-fetch-site": "cross-site"})
    assert evil.status_code == 403
    assert rep.submit("/account/theme", theme="dark").status_code == 303


@pytest.mark.parametrize(
    "to", ["//evil.example", "/\\evil.example", "https://evil.example", "", "x", "/a\r\nb"]
)
def test_nobody_is_sent_to_another_site(to: str) -> None:
    assert own_path(to) == "/"
    assert own_path("/leads/1?tab=2") == "/leads/1?tab=2"


def test_every_page_names_its_capability_once() -> None:
    seen = [(page.method, page.path) for page in all_pages()]
    assert len(seen) == len(set(seen))


def test_every_template_can_be_read() -> None:
    for name in environment().list_templates():
        environment().get_template(name)
