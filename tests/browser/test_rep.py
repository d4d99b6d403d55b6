"""A rep's day: ten leads without the mouse, one lead by hand on a phone, and all of it without scripts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

# The lead in the row where whoever works by keys is.
PRESENT = "document.activeElement?.closest('[data-row]')?.id"


@pytest.fixture
def ten(own_company: Any) -> Any:
    """A company in which ten leads of Anna's are new."""
    rows = own_company.sql(
        "UPDATE leads SET owner = 'anna', covered_by = NULL, stage = 'assigned', accepted_at = NULL,"
        " destination = 'pool:senior-ae', pool = 'senior-ae',"
        " responded_at = NULL, next_step = 'Respond', respond_by = now() + '20 minutes',"
        " next_step_due_at = now() + '20 minutes'"
        " WHERE id IN (SELECT id FROM leads WHERE stage = 'assigned' ORDER BY id LIMIT 10) RETURNING id"
    )
    own_company.sql(
        "UPDATE leads SET owner = 'boris' WHERE owner = 'anna' AND NOT id = ANY(%s)", [id_ for (id_,) in rows]
    )
    return own_company


def told(page: Page, words: str) -> None:
    """Wait until a toast says so, and take it away."""
    toast = page.locator(".toast", has_text=words)
    expect(toast.first).to_be_visible()
    page.evaluate("document.querySelectorAll('.toast').forEach(one => one.remove())")


def test_ten_leads_without_the_mouse(ten: Any, see: Any) -> None:
    seen, began = see("rep", "anna", site=ten), ten.app.now()
    page = seen.open("/my-leads")
    press = page.keyboard.press
    expect(page.locator("[data-row]")).to_have_count(10)
    press("j")
    ids = page.eval_on_selector_all("[data-row]", "rows => rows.map(row => row.id)")
    assert page.evaluate(PRESENT) == ids[0]

    for number in range(4):  # four are taken on, and called
        press("a")
        told(page, "Accepted.")
        assert page.evaluate(PRESENT) == ids[number]
        press("l")
        expect(page.locator("dialog#dialog")).to_be_visible()
        press("Enter")
        told(page, "Logged.")
        expect(page.locator("dialog#dialog")).to_be_hidden()
        assert page.evaluate(PRESENT) == ids[number]
        press("j")
    press("n")  # one gets a step of its own
    expect(page.locator("dialog#dialog")).to_be_visible()
    page.keyboard.type("Send the offer")
    press("Enter")
    told(page, "The next step is set.")
    expect(page.locator(".row", has_text="Send the offer")).to_have_count(1)
    press("k")
    press("k")
    press("s")  # one is put off
    expect(page.locator("dialog#dialog")).to_be_visible()
    press("Enter")
    told(page, "Put off.")
    for words, keys, gone in (
        ("Declined.", ["d", "Space", "Enter"], 9),
        ("Handed over.", ["h", "b", "Tab", "Enter"], 8),
        ("Closed.", ["c", "ArrowDown", "Enter"], 7),
    ):
        before = page.evaluate(PRESENT)
        press(keys[0])
        expect(page.locator("dialog#dialog")).to_be_visible()
        for key in keys[1:]:
            press(key)
        told(page, words)
        expect(page.locator("[data-row]")).to_have_count(gone)
        after = page.evaluate(PRESENT)
        assert after is not None
        assert after != before
    press("?")
    help_ = page.locator("dialog#keys")
    for words in ("Accept", "Decline", "Hand over", "Put off", "Next step", "Close"):
        expect(help_.get_by_text(words, exact=True).first).to_be_visible()
    press("Escape")
    press("Enter")
    expect(page).to_have_url(re.compile("/leads/"))
    calls = "SELECT count(*) FROM touches WHERE person = 'anna' AND kind = 'call' AND at > %s"
    assert ten.sql(calls, began) == [(4,)]
    seen.check()


@pytest.mark.parametrize("width", [1440, 390])
def test_a_lead_its_reason_and_taking_back(ten: Any, see: Any, width: int) -> None:
    seen = see("rep", "anna", site=ten, width=width)
    page = seen.open("/my-leads")
    name = page.locator(".row-title").first.inner_text()
    page.locator(".row-title").first.click()
    expect(page.locator("h1")).to_have_text(name)
    page.locator("[data-station]", has_text="Route").click()
    expect(page.locator("#station")).to_contain_text("What to do: route")
    page.locator("[data-station]", has_text="Pick").click()
    expect(page.locator("#station")).not_to_contain_text("What to do: route")
    page.get_by_role("button", name="This is wrong").click()
    page.locator("dialog button", has_text="Send to review").click()  # the browser asks for the reason
    page.get_by_label("What is wrong?").fill("They are a student")
    page.locator("dialog button", has_text="Send to review").click()
    toast = page.locator(".toast", has_text="Sent to review.").first
    expect(toast).to_be_visible()
    expect(page.locator("main")).to_contain_text("They are a student")
    toast.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast", has_text="Taken back.").first).to_be_visible()
    expect(page.get_by_role("button", name="Log", exact=True)).to_be_visible()
    seen.check()


def test_the_same_without_scripts(ten: Any, see: Any) -> None:
    seen = see("rep", "anna", site=ten, scripts=False)
    page = seen.page
    page.goto(ten.url + "/my-leads")
    page.get_by_role("button", name="Accept").first.click()
    expect(page.locator(".toast")).to_contain_text("Accepted.")
    page.get_by_role("button", name="Log", exact=True).first.click()
    expect(page.locator("h2")).to_contain_text(["Log what you did"])
    page.get_by_label("note", exact=True).check(force=True)
    page.get_by_role("button", name="Log it").click()
    expect(page.locator(".field-problem")).to_contain_text("Please write the note.")
    page.get_by_label("Note optional").fill("No number known")
    page.get_by_role("button", name="Log it").click()
    expect(page.locator(".toast")).to_contain_text("Logged.")


@pytest.mark.parametrize("kind", ["no connection", "a proxy's error", "refused"])
def test_what_was_written_stays_when_it_cannot_be_sent(ten: Any, see: Any, kind: str) -> None:
    page = see("rep", "anna", site=ten).open("/my-leads")
    page.locator(".row-title").first.click()
    name = page.locator("h1").inner_text()
    page.get_by_role("button", name="Next step", exact=True).click()
    page.get_by_label("What is to be done next").fill("Send the offer")
    match kind:
        case "no connection":
            page.context.set_offline(True)
        case "a proxy's error":
            page.route("**/next", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
        case _:
            ten.sql("UPDATE leads SET owner = 'boris' WHERE owner = 'anna'")
    dialog = page.locator("dialog#dialog")
    dialog.get_by_role("button", name="Save").click()
    said = "This lead is not yours to act on" if kind == "refused" else "Leadlane could not be reached"
    expect(dialog.get_by_role("alert")).to_contain_text(said)
    expect(page.get_by_label("What is to be done next")).to_have_value("Send the offer")
    expect(page.locator("h1")).to_have_text(name)
    assert ten.sql("SELECT count(*) FROM leads WHERE next_step = 'Send the offer'") == [(0,)]
    if kind == "a proxy's error":
        page.unroute("**/next")
        dialog.get_by_role("button", name="Save").click()
        told(page, "The next step is set.")


def test_signing_in_again_leads_back_to_where_one_was(ten: Any, see: Any) -> None:
    page = see("rep", "anna", site=ten, scripts=False).open("/my-leads?show=new")
    page.context.clear_cookies()
    page.get_by_role("button", name="Accept").first.click()
    expect(page).to_have_url(re.compile("/sign-in"))
    expect(page.locator("input[name=next]")).to_have_value("/my-leads?show=new")


def test_what_was_written_stays_when_the_lead_has_moved_meanwhile(ten: Any, see: Any) -> None:
    seen = see("rep", "anna", site=ten)
    page = seen.open("/my-leads")
    page.keyboard.press("j")
    id_ = page.evaluate(PRESENT).removeprefix("lead-")
    page.keyboard.press("l")
    dialog = page.locator("dialog#dialog")
    dialog.get_by_role("textbox", name="Note").fill("Wants a second demo")
    ten.sql("UPDATE leads SET place = place + 1 WHERE id = %s", id_)
    dialog.get_by_role("button", name="Log it").click()
    expect(dialog).to_contain_text("This lead has moved since you opened the page.")
    expect(dialog.get_by_role("textbox", name="Note")).to_have_value("Wants a second demo")
    assert seen.violations() == []
    dialog.get_by_role("button", name="Log it").click()
    told(page, "Logged.")
    assert ten.sql("SELECT note FROM touches WHERE lead_id = %s AND note <> ''", id_) == [
        ("Wants a second demo",)
    ]
