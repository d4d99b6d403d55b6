"""`leadlane match`: which record of one file is which of another, and how sure is that?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import typer
from rich.text import Text

from leadlane.cli.matching import (
    AS_HELP,
    ENCODING_HELP,
    MAP_HELP,
    SURE_HELP,
    UNSURE_HELP,
    comparison_json,
    console,
    kind_named,
    pairs_of,
    print_notes,
    print_pair,
    print_quality,
    progress_shown,
    quality_json,
    thresholds,
)
from leadlane.core.policy import Matching
from leadlane.i18n import _, ngettext
from leadlane.service.match_files import Found, Matches, match_files
from leadlane.service.record_files import RecordFile, Source
from leadlane.service.records_out import check_out, write_matches

HELP = _("Match the records of one file with those of another, and say why.")
# So many pairs of each outcome are shown; --out and --json have all.
SHOWN = 20
_DEFAULTS = Matching()


def match(
    left: str = typer.Argument(help=_("The file whose records are looked up (CSV, JSON, JSON lines).")),
    right: str = typer.Argument(help=_("The file that they are looked up in.")),
    truth: str | None = typer.Option(
        None,
        metavar="FILE",
        help=_("A file with two columns of ids that belong together: shows the quality."),
    ),
    one_to_one: bool = typer.Option(
        False, "--one-to-one", help=_("Neither file has duplicates: a record is in one pair at most.")
    ),
    mapping: list[str] = typer.Option([], "--map", metavar="ROLE=COLUMN", help=MAP_HELP),
    right_mapping: list[str] = typer.Option(
        [], "--map-right", metavar="ROLE=COLUMN", help=_("The same for the columns of the second file.")
    ),
    kind: str | None = typer.Option(None, "--as", help=AS_HELP),
    sure: float = typer.Option(_DEFAULTS.sure_from, help=SURE_HELP),
    unsure: float = typer.Option(_DEFAULTS.unsure_from, help=UNSURE_HELP),
    out: Path | None = typer.Option(None, help=_("Write every pair: a name ending in .csv")),
    as_json: bool = typer.Option(False, "--json", help=_("Print everything as JSON.")),
    encoding: str | None = typer.Option(None, help=ENCODING_HELP),
) -> None:
    """Prints pairs and, given a truth, their quality."""
    if left == right == "-":
        raise typer.BadParameter(_("Standard input can be one of the files, not both."))
    if out is not None:
        check_out(out, *(name for name in (left, right) if name != "-"))
    named = kind_named(kind)
    ours = RecordFile(left, pairs_of(mapping), named, None, encoding)
    theirs = RecordFile(right, pairs_of(right_mapping, "--map-right"), named, None, encoding)
    with progress_shown() as on_progress:
        found = match_files(
            ours,
            theirs,
            thresholds(sure, unsure),
            one_to_one=one_to_one,
            truth=truth,
            on_progress=on_progress,
        )
    if out is not None:
        write_matches(found, out)
    if as_json:
        typer.echo(json.dumps(_json(found), ensure_ascii=False, indent=2))
        return
    _print(found)
    if out is not None:
        console.print(Text(_("Every pair is in {file}.").format(file=out)), soft_wrap=True)


def _print(found: Matches) -> None:
    also: dict[int, list[Found]] = {}
    for pair in found.also:
        also.setdefault(pair.left, []).append(pair)
    for outcome, heading in (("sure", _("Sure")), ("unsure", _("Unsure: are these the same?"))):
        pairs = [pair for pair in found.pairs if pair.outcome == outcome]
        if pairs:
            console.print(Text(heading, style="bold cyan"))
        for pair in pairs[:SHOWN]:
            ours, theirs = found.left[pair.left], found.right[pair.right]
            print_pair(pair.probability, ours.text, theirs.text, found.look(pair.left, pair.right))
            for other in also.get(pair.left, ()):
                said = _("also possible: {record}").format(record=found.right[other.right].text)
                console.print(Text(f"  {other.probability:6.1%}  {said}", style="dim"))
        if len(pairs) > SHOWN:
            said = ngettext("… and {n} more", "… and {n} more", len(pairs) - SHOWN)
            console.print(Text("  " + said.format(n=f"{len(pairs) - SHOWN:,}"), style="dim"))
        if pairs:
            console.print()
    if found.quality is not None:
        print_quality(found.quality)
        console.print()
    print_notes(found.notes)
    console.print(Text(_summary(found), style="bold"), soft_wrap=True)


def _summary(found: Matches) -> str:
    sure = sum(pair.outcome == "sure" for pair in found.pairs)
    records = ngettext("{n} record", "{n} records", len(found.left)).format(n=f"{len(found.left):,}")
    return _("{records}: {sure} surely matched, {unsure} unsure, {new} new.").format(
        records=records,
        sure=f"{sure:,}",
        unsure=f"{len(found.pairs) - sure:,}",
        new=f"{len(found.left) - len(found.pairs):,}",
    )


def _json(found: Matches) -> Mapping[str, object]:
    def record(source: Source) -> dict[str, object]:
        return {"row": source.row, "id": source.id, "text": source.text}

    def pair_json(pair: Found) -> dict[str, object]:
        return {
            "left": record(found.left[pair.left]),
            "right": record(found.right[pair.right]),
            "outcome": pair.outcome,
            **comparison_json(found.look(pair.left, pair.right)),
        }

    return {
        "kind": found.kind,
        "left": len(found.left),
        "right": len(found.right),
        "pairs": [pair_json(pair) for pair in found.pairs],
        "also": [pair_json(pair) for pair in found.also],
        "quality": quality_json(found.quality) if found.quality else None,
        "notes": list(found.notes),
    }
