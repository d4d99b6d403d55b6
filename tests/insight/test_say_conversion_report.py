"""What the report on conversion tells: what is found, how it is not to be read, and nothing else."""

from tests.insight.cohorts import Planted, cohort, reported

from leadlane.insight.conversion_report import ConversionReport
from leadlane.insight.say_conversion_report import Words, sections, tiles
from leadlane.insight.section import Section

WORDS = Words(lambda _role, value: value or "nobody", lambda role: role.replace("_", " "), "EUR")


def told(found: ConversionReport) -> dict[str, Section]:
    return {one.id: one for one in sections(found, WORDS)}


def text(section: Section) -> str:
    cells = [cell for grid in section.grids for row in grid.rows for cell in row.cells]
    return " ".join([*section.says, *cells, *section.cautions])


def test_a_segment_that_does_better_with_a_team_is_named_with_its_counts() -> None:
    found = reported(cohort(1, Planted(move=0.25), 4000))
    section = told(found)["moves"]
    best = found.moves[0]
    assert section.tone == "unsure"
    assert "Of segment “segment 1” the team “team 2” won" in section.says[0]
    assert f"{best.counts.won} of {best.counts.count}" in section.says[0]
    assert "It is an association" in text(section)


def test_a_poor_source_is_named_and_not_blamed_on_anybody() -> None:
    found = reported(cohort(1, Planted(poor=-0.14), 4000))
    section = told(found)["poor-sources"]
    assert "Of “source 0”" in section.says[0]
    assert "not of who gets them" in text(section)
    below = found.poor_sources[0]
    assert f"{below.below} of {below.workers}" in text(section)


def test_who_stands_out_is_listed_with_interval_and_corrected_p() -> None:
    found = reported(cohort(2, Planted(better=0.25), 4000))
    section = told(found)["found"]
    (standing, compared) = section.grids
    # Who it is stands in the sentence, and the overview shows no section without a tone.
    (said,) = [one for one in section.says if one.startswith("By owner ")]
    assert "“owner 3” +" in said
    assert "corrected p" in said
    assert section.tone == "unsure"
    assert "owner 3" in [row.cells[0] for row in standing.rows]
    owner = next(row for row in compared.rows if row.cells[0] == "owner")
    assert owner.is_marked
    assert found.found is not None
    assert len(compared.rows) == len(found.found.dimensions)
    assert f"{found.tests} comparisons were made" in compared.caption


def test_where_nothing_is_found_nothing_is_claimed() -> None:
    found = reported(cohort(1))
    section = told(found)["found"]
    assert section.says == ["By nothing here the shares won differ by more than chance: nothing is claimed."]
    assert len(section.grids) == 1
    assert not {"moves", "poor-sources"} & set(told(found))


def test_every_group_and_all_are_in_the_tables_and_few_are_pale() -> None:
    found = reported(cohort(3, count=700, owners=30))
    made = told(found)
    for name in ("groups", "time", "money"):
        (grid,) = made[name].grids
        assert grid.rows[-1].cells[0] == "all"
        assert grid.rows[-1].is_marked
    (grid,) = made["groups"].grids
    assert len(grid.rows) == 31
    for one, row in zip(found.groups, grid.rows, strict=False):
        assert row.is_faint == (one.share is None or one.share.count < 30)


def test_what_a_group_is_compared_with_is_what_the_heading_says() -> None:
    leads = cohort(2, Planted(better=0.25), 4000)
    for by, heading in (("owner", "against like leads"), ("source", "against the others")):
        section = told(reported(leads, by))["groups"]
        assert any(one.startswith(heading) for one in section.grids[0].headings)
        assert f"“{heading.capitalize()}” is the difference" in text(section)


def test_response_times_are_told_from_when_to_when() -> None:
    """“Within an hour” would count those within five minutes too, as the sentence above the table does."""
    section = told(reported(cohort(2, count=4000)))["response-and-conversion"]
    names = [row.cells[0] for row in section.grids[0].rows]
    assert names[:3] == ["within 5 minutes", "5 minutes to 15 minutes", "15 minutes to 60 minutes"]


def test_every_figure_at_the_head_says_of_how_many_it_is() -> None:
    found = reported(cohort(3))
    shown = tiles(found, WORDS)
    assert [one.name for one in shown] == [
        "Won",
        "Still open",
        "Won within 90 days",
        "Arrival to win",
        "Value won",
    ]
    assert all(one.note for one in shown)
    assert str(found.all.won) in shown[0].note


def test_few_leads_are_told_without_any_comparison() -> None:
    leads = cohort(3)
    found = reported(leads.only(leads.instants["arrived_at"] < sorted(leads.instants["arrived_at"])[15]))
    made = told(found)
    assert "nothing is compared" in made["conversion"].says[0]
    assert "found" not in made
    nothing = reported(leads.only(leads.instants["arrived_at"] < 0))
    assert nothing.all.leads == 0
    assert told(nothing)["groups"].grids
