"""Settings: what there is to set up, the health in words, and the first steps of a new installation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.conftest import Site, opened_site, text_of

from leadlane.config import Settings


@pytest.fixture
def new_site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    """An installation in which there is nothing yet."""
    settings = Settings(database_url=database_url, data_dir=tmp_path)
    with opened_site(settings, lambda _app: None) as opened:
        yield opened


def test_settings_say_what_needs_somebody(site: Site) -> None:
    admin = site.sign_in("admin")
    text = admin.text("/settings")
    assert "none set up" in text
    assert "0 keys" in text
    assert "to look at" not in text
    site.sql(
        "INSERT INTO deliveries (channel, person, address, state, next_at, created_at, finished_at, error)"
        " VALUES ('email', 'anna', 'anna@seller.example', 'dead', now(), now(), now(), 'no such mailbox')"
    )
    assert "1 to look at" in admin.text("/settings")


def test_a_manager_sees_the_health_and_nothing_else(site: Site) -> None:
    manager = site.sign_in("manager")
    answer = manager.get("/settings")
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings/health")
    text = manager.text("/settings/health")
    assert "PostgreSQL" in text
    assert "There is no API key" in text
    assert "Check every lead too" not in text
    assert manager.get("/settings/health?all=1").text.count("agrees") == 0


def test_the_health_of_every_lead_is_asked_for(site: Site) -> None:
    admin = site.sign_in("admin")
    assert "Everything in the database agrees." not in admin.text("/settings/health")
    assert "Everything in the database agrees." in admin.text("/settings/health?all=1")


def test_a_new_installation_begins_with_the_first_steps(new_site: Site) -> None:
    admin = new_site.sign_in("admin")
    answer = admin.get("/")
    assert answer.headers["location"] == "/start"
    text = admin.text("/start")
    assert "From chaos to routing" in text
    for step in ("Say who sells", "Write the rules", "Let leads come in", "Promise a time", "Get better"):
        assert step in text
    assert "in the roster" not in text
    assert "has to be mended" in admin.text("/settings/health") or "have to be mended" in admin.text(
        "/settings/health"
    )
    for path in ("/settings", "/settings/keys", "/settings/channels", "/settings/messages"):
        assert admin.get(path).status_code == 200, path
    for path in ("/settings/hooks", "/settings/hooks/new", "/settings/import", "/settings/first-steps"):
        assert admin.get(path).status_code == 200, path


def test_who_can_route_begins_at_now(site: Site) -> None:
    admin = site.sign_in("admin")
    assert admin.get("/start").headers["location"] == "/now"
    text = admin.text("/settings/first-steps")
    assert "12 people are in the roster." in text or "people are in the roster." in text
    assert "is in force" in text


def test_the_policy_that_comes_along_is_published_as_it_is(new_site: Site) -> None:
    admin = new_site.sign_in("admin")
    # Until then pages say what is missing, in words for whoever looks at them.
    without = admin.get("/people")
    assert without.status_code == 409
    assert "An admin sees under First steps what to do." in text_of(without)
    asked = admin.text("/workshop/publish")
    assert "changed nothing" not in asked
    assert "Nobody is in the roster yet." in asked
    done = admin.submit("/workshop/publish", comment="To begin with", in_force="0", edition="0")
    assert done.headers["location"] == "/workshop/history/1"
    assert "There is nothing to publish" in admin.text("/workshop/publish")
