"""The policy workshop: a draft that is kept, checked, tried, published, and an earlier version put back."""

from __future__ import annotations

import re
import time
from datetime import UTC
from html import unescape

from tests.service.conftest import POLICY
from tests.web.conftest import Site, Visitor, text_of

from leadlane.core.facts import LEAD_FIELDS
from leadlane.intake.leads import read_lead
from leadlane.service.batch import route_batch
from leadlane.service.submission import Submission, submission

HOME = "/workshop"
CHANGED = POLICY.replace("strong_at: 60", "strong_at: 30", 1)


def keep(visitor: Visitor, text: str, edition: int | None = None) -> int:
    """Type a draft into the editor without scripts; the status of the answer."""
    page = visitor.get(HOME).text
    values = dict(re.findall(r'name="(edition|begun_from)" value="(\d+)"', page))
    if edition is not None:
        values["edition"] = str(edition)
    return visitor.submit(f"{HOME}/draft", text=text, **values).status_code


def finished(visitor: Visitor, path: str) -> str:
    """What a page says as soon as what runs in the background has ended."""
    for _try in range(200):
        answer = visitor.get(path)
        if 'hx-trigger="every' not in answer.text:
            return text_of(answer)
        time.sleep(0.05)
    raise AssertionError(f"{path} runs for ever")


def test_without_a_draft_the_editor_has_the_policy_in_force(site: Site) -> None:
    page = site.sign_in("admin").get(HOME).text
    shown = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert shown is not None
    assert unescape(shown[1]) == POLICY
    assert "No changes yet" in page


def test_what_is_typed_is_kept_checked_and_told_in_words(site: Site) -> None:
    visitor = site.sign_in("manager", "anna")
    assert keep(visitor, CHANGED) == 303
    said = visitor.text(HOME)
    assert "strong from 60 → 30" in said
    assert "It could be published" in said
    assert "In plain words" in said


def test_problems_have_their_lines_and_suggestions(site: Site) -> None:
    visitor = site.sign_in("admin")
    keep(visitor, CHANGED.replace("segments:", "segmets:", 1))
    said = visitor.text(HOME)
    line = POLICY.splitlines().index("segments:") + 1
    assert f"line {line} " in said
    assert "did you mean" in said
    assert "In plain words" not in said


def test_a_hostile_policy_is_text(site: Site) -> None:
    visitor = site.sign_in("admin")
    keep(visitor, '"</textarea><script>alert(1)</script>": [\n')
    page = visitor.get(HOME).text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_another_window_is_not_overwritten_and_nothing_typed_is_lost(site: Site) -> None:
    visitor = site.sign_in("admin")
    assert keep(visitor, CHANGED) == 303
    page = visitor.get(HOME).text
    stale = visitor.submit(f"{HOME}/draft", text="mine: 1", edition="0", begun_from="1")
    assert stale.status_code == 409
    assert "mine: 1</textarea>" in stale.text
    assert "changed in another window" in text_of(stale)
    assert visitor.get(HOME).text.count("strong_at: 30") == page.count("strong_at: 30")
    # Sent once more from there, it counts.
    edition = re.search(r'name="edition" value="(\d+)"', stale.text)
    assert edition is not None
    assert keep(visitor, "mine: 1", int(edition[1])) == 303


def test_drafts_are_ones_own(site: Site) -> None:
    keep(site.sign_in("admin"), CHANGED)
    assert "No changes yet" in site.sign_in("manager", "anna").text(HOME)


def test_a_draft_is_put_away_and_taken_up_again(site: Site) -> None:
    visitor = site.sign_in("admin")
    keep(visitor, CHANGED)
    assert visitor.submit(f"{HOME}/draft/put-away").status_code == 303
    assert "No changes yet" in visitor.text(HOME)
    visitor.submit(f"{HOME}/draft/take-up")
    assert "strong from 60 → 30" in visitor.text(HOME)


def test_a_draft_is_published_with_a_reason_and_taken_back(site: Site) -> None:
    visitor = site.sign_in("admin")
    keep(visitor, CHANGED)
    page = visitor.get(f"{HOME}/publish").text
    seen = dict(re.findall(r'name="(in_force|edition)" value="(\d+)"', page))
    without = visitor.submit(f"{HOME}/publish", **seen)
    assert without.status_code == 422
    assert "Say why" in text_of(without)
    done = visitor.submit(f"{HOME}/publish", comment="Fit <counts> more", **seen)
    assert done.headers["location"] == f"{HOME}/history/2"
    said = visitor.text(f"{HOME}/history/2")
    assert "Fit <counts> more" in said
    assert "strong from 60 → 30" in said
    assert "No changes yet: this is version 2" in visitor.text(HOME)
    back = visitor.submit(f"{HOME}/history/1/publish", in_force="2", comment="Too many")
    assert back.headers["location"] == f"{HOME}/history/3"
    assert site.sql("SELECT number, comment FROM publications ORDER BY number") == [
        (1, "first"),
        (2, "Fit <counts> more"),
        (3, "Too many"),
    ]


def test_somebody_who_published_meanwhile_is_not_overruled(site: Site) -> None:
    slow, fast = site.sign_in("manager", "anna"), site.sign_in("admin")
    keep(slow, POLICY.replace("counts_for: 90 days", "counts_for: 60 days", 1))
    keep(fast, CHANGED)
    fast.submit(f"{HOME}/publish", comment="Mine first", in_force="1", edition="1")
    said = slow.text(HOME)
    assert "A version was published since you began" in said
    assert "Mine first" in said
    assert "strong from 60 → 30" in said
    site.sql("UPDATE users SET role = 'admin' WHERE role = 'manager'")
    refused = slow.submit(f"{HOME}/publish", comment="Me too", in_force="1", edition="1")
    assert refused.headers["location"] == HOME
    assert "Nothing was published" in slow.text(HOME)
    slow.submit(f"{HOME}/draft/rebase", in_force="2")
    assert "since you began" not in slow.text(HOME)
    slow.submit(f"{HOME}/publish", comment="Me too", in_force="2", edition="1")
    assert site.sql("SELECT max(number) FROM publications") == [(3,)]


def test_a_manager_drafts_and_only_an_admin_publishes(site: Site) -> None:
    manager = site.sign_in("manager", "anna")
    keep(manager, CHANGED)
    assert manager.submit(f"{HOME}/publish", comment="x", in_force="1", edition="1").status_code == 403
    assert "/workshop/publish" not in manager.get(HOME).text
    assert site.sign_in("rep", "boris").get(HOME).status_code == 403


def test_an_earlier_version_begins_a_draft_but_overwrites_none(site: Site) -> None:
    visitor = site.sign_in("admin")
    keep(visitor, CHANGED)
    visitor.submit(f"{HOME}/publish", comment="Fit", in_force="1", edition="1")
    visitor.submit(f"{HOME}/history/1/draft")
    assert "strong from 30 → 60" in visitor.text(HOME)
    visitor.submit(f"{HOME}/history/2/draft")
    assert "strong from 30 → 60" in visitor.text(HOME)
    assert visitor.get(f"{HOME}/history/9").status_code == 404


def test_a_lead_is_tried_under_the_draft(site: Site) -> None:
    visitor = site.sign_in("admin")
    keep(visitor, CHANGED)
    lead = {"email": "jo@newbank.example", "employees": "60", "industry": "banking", "country": "DE"}
    said = text_of(visitor.submit(f"{HOME}/try", signal="demo_request", **lead))
    assert "Under the draft" in said
    assert "hot-weak" in said  # in force
    assert re.search(r"Route hot-weak \S*\s*hot", said)
    assert site.sql("SELECT count(*) FROM leads") == [(0,)]
    wrong = visitor.submit(f"{HOME}/try", email="nobody", company="<script>alert(1)</script>")
    assert wrong.status_code == 422
    assert 'id="p-email"' in wrong.text
    assert "<script>alert(1)" not in wrong.text


def test_past_leads_are_decided_again_in_the_background(site: Site) -> None:
    visitor = site.sign_in("admin")
    with site.app.pool.connection() as connection:
        route_batch(connection, site.app.books, [_lead(n, site) for n in range(3)], site.app.now())
    keep(visitor, CHANGED)
    assert "Look before you publish" in visitor.text(f"{HOME}/past")
    assert visitor.submit(f"{HOME}/past", count="100").status_code == 303
    said = finished(visitor, f"{HOME}/past")
    assert "3 leads of 3 would have been decided differently." in said
    assert "hot-weak" in said
    assert "<b>" not in visitor.get(f"{HOME}/past").text
    # Of a draft that has changed since it says so.
    keep(visitor, CHANGED.replace("strong_at: 30", "strong_at: 31", 1))
    assert "The draft has changed since" in visitor.text(f"{HOME}/past")
    # Where nothing but the segment differs, the leads say that.
    keep(visitor, POLICY.replace("- name: rest", "- name: elsewhere", 1))
    visitor.submit(f"{HOME}/past", count="100")
    assert "elsewhere · " in finished(visitor, f"{HOME}/past")


def _lead(n: int, site: Site) -> Submission:
    raw = {
        "email": f"p{n}@bank{n}.example",
        "last_name": "<b>Bold</b>",
        "employees": 60,
        "industry": "banking",
    }
    now = site.app.now()
    given, problems = read_lead({**raw, "signals": ["demo_request"]}, LEAD_FIELDS, now, UTC)
    assert given is not None, problems
    return submission(given, "test", now)


def test_scenarios_are_kept_run_under_the_draft_and_removed(site: Site) -> None:
    visitor = site.sign_in("admin")
    assert "There are no scenarios yet" in visitor.text(f"{HOME}/scenarios")
    assert visitor.submit(f"{HOME}/first-scenario").status_code == 303
    visitor.submit(f"{HOME}/run-scenarios")
    assert "1 scenario comes true." in finished(visitor, f"{HOME}/scenarios")
    keep(visitor, POLICY.replace("strong_at: 60", "strong_at: 95", 1))
    visitor.submit(f"{HOME}/run-scenarios")
    assert "does not come true" in finished(visitor, f"{HOME}/scenarios")
    assert "What was decided about" in visitor.text(f"{HOME}/scenarios/first.yaml")
    visitor.submit(f"{HOME}/scenarios/first.yaml", text="scenario: [")
    visitor.submit(f"{HOME}/run-scenarios")
    assert "cannot be run" in finished(visitor, f"{HOME}/scenarios")
    visitor.submit(f"{HOME}/scenarios/first.yaml/remove")
    assert visitor.get(f"{HOME}/scenarios/first.yaml").status_code == 404
    visitor.submit(f"{HOME}/scenarios/first.yaml/restore")
    assert visitor.get(f"{HOME}/scenarios/first.yaml").status_code == 200


def test_scenarios_are_pasted_and_uploaded_and_read_no_file_of_the_server(site: Site) -> None:
    visitor = site.sign_in("admin")
    nothing = visitor.submit(f"{HOME}/scenarios", name="x", text="")
    assert nothing.status_code == 422
    story = (
        "scenario: A\npolicy: /etc/passwd\nroster: ../../etc/hosts\nstart: 2026-03-02T10:00+01:00\nsteps:\n"
    )
    story += "  - lead: {id: L1, email: a@b.example, employees: 60, signals: [demo_request]}\n"
    story += "    expect: {L1: {route: hot-weak}}\n"
    visitor.submit(f"{HOME}/scenarios", name="../my story", text=story)
    token = re.search(r'name="csrf" value="(\w+)"', visitor.get("/account").text)
    assert token is not None
    sent = visitor.post(
        f"{HOME}/scenarios",
        data={"csrf": token[1]},
        files={"file": ("two.yaml", story.encode(), "text/yaml")},
    )
    assert sent.status_code == 303
    names = [name for (name,) in site.sql("SELECT name FROM policy_scenarios ORDER BY name")]
    assert names == ["my_story.yaml", "two.yaml"]
    visitor.submit(f"{HOME}/run-scenarios")
    assert "2 scenarios come true." in finished(visitor, f"{HOME}/scenarios")


def test_a_draft_with_errors_is_not_tried(site: Site) -> None:
    visitor = site.sign_in("admin")
    keep(visitor, "policy: [")
    for path in ("try", "past", "scenarios"):
        assert "Mend them first" in visitor.text(f"{HOME}/{path}")
    assert visitor.submit(f"{HOME}/past", count="100").status_code == 422
    assert visitor.submit(f"{HOME}/run-scenarios").status_code == 422


def test_the_editor_knows_what_may_stand_in_a_policy(site: Site) -> None:
    visitor = site.sign_in("admin")
    address = re.search(r'data-words="([^"]+)"', visitor.get(HOME).text)
    assert address is not None
    words = visitor.get(address[1]).json()
    assert "routes" in words["schema"]["properties"]
    assert "demo_request" in words["signals"]
    assert "dach" in words["values"]["team"]
    assert {"country", "intent"} <= {one["name"] for one in words["lead_fields"]}
