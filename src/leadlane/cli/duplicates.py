"""`leadlane duplicates`: what is the same company or person, in a file or the database, how surely?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import typer
from rich.padding import Padding
from rich.text import Text

from leadlane.cli import known_duplicates, merging
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
    print_evidence,
    print_notes,
    print_pair,
    print_quality,
    progress_shown,
    quality_json,
    thresholds,
)
from leadlane.core.policy import Matching
from leadlane.i18n import _, ngettext
from leadlane.service.duplicates import Of
from leadlane.service.find_duplicates import Answers, Duplicates, find_duplicates
from leadlane.service.record_files import RecordFile
from leadlane.service.records_out import check_out, write_answers, write_clusters

HELP = _(
    "Find duplicates, sure and unsure ones, and say why: in a file of companies or people, or, without one, "
    "among the leads and accounts in the database."
)
# So many clusters, members of one, and unsure pairs are shown; --out and --json have all.
SHOWN = 20
SHOWN_MEMBERS = 6
_DEFAULTS = Matching()
_DATABASE = _("In the database")


_file = typer.Argument(
    None,
    help=_("The file (CSV, JSON, JSON lines); - for standard input. None: the database."),
    show_default=False,
)
_truth = typer.Option(
    None,
    metavar="COLUMN",
    help=_(
        "A column that says which rows are the same, or, in a file of pairs, whether a pair is: "
        "shows how good the answer is."
    ),
)
_mapping = typer.Option([], "--map", metavar="ROLE=COLUMN", help=MAP_HELP)
_kind = typer.Option(None, "--as", help=AS_HELP)
_sure = typer.Option(None, help=SURE_HELP)
_unsure = typer.Option(None, help=UNSURE_HELP)
_out = typer.Option(None, help=_("Write every row with its cluster: a name ending in .csv"))
_as_json = typer.Option(False, "--json", help=_("Print everything as JSON."))
_encoding = typer.Option(None, help=ENCODING_HELP)
_of = typer.Option(
    None, metavar="leads|accounts", help=_("In the database: only these."), rich_help_panel=_DATABASE
)
_limit = typer.Option(SHOWN, min=0, help=_("In the database: how many are shown."), rich_help_panel=_DATABASE)
_merge = typer.Option(
    False, "--merge", help=_("Ask of each cluster of leads, and merge it."), rich_help_panel=_DATABASE
)
_by = typer.Option(
    None,
    help=_("With --merge: who answers for it, the id of a person. With --rate: source or team."),
    rich_help_panel=_DATABASE,
)
_yes = typer.Option(
    False, "--yes", help=_("With --merge: merge all sure ones without asking."), rich_help_panel=_DATABASE
)
_rate = typer.Option(
    False,
    "--rate",
    help=_("Show how many prospects several people contacted instead."),
    rich_help_panel=_DATABASE,
)
_since = typer.Option(None, help=_("With --rate: from this date on."), rich_help_panel=_DATABASE)
_until = typer.Option(None, help=_("With --rate: up to the end of this date."), rich_help_panel=_DATABASE)


def duplicates(
    file: str | None = _file,
    truth: str | None = _truth,
    mapping: list[str] = _mapping,
    kind: str | None = _kind,
    sure: float | None = _sure,
    unsure: float | None = _unsure,
    out: Path | None = _out,
    as_json: bool = _as_json,
    encoding: str | None = _encoding,
    of: str | None = _of,
    limit: int = _limit,
    merge: bool = _merge,
    by: str | None = _by,
    yes: bool = _yes,
    rate: bool = _rate,
    since: str | None = _since,
    until: str | None = _until,
) -> None:
    """Prints clusters, unsure pairs and, given a truth, the quality of both; or asks the database."""
    if file is not None:
        if of is not None or merge or by is not None or yes or rate or since is not None or until is not None:
            raise typer.BadParameter(
                _(
                    "--of, --merge, --by, --yes, --rate, --since and --until are about the database: "
                    "leave out the file."
                )
            )
        records = RecordFile(file, pairs_of(mapping), kind_named(kind), truth, encoding)
        _search_file(records, sure, unsure, out, as_json)
        return
    if truth is not None or mapping or kind is not None or encoding is not None:
        raise typer.BadParameter(_("--truth, --map, --as and --encoding are about a file; name it."))
    if rate:
        # Imported here because numpy and scipy take a moment, which no other command should pay.
        from leadlane.cli import contact_rate

        contact_rate.rate(_rate_by(by), since, until, limit, as_json=as_json)
    elif merge:
        _merge_leads(_kinds(of), sure, unsure, by, yes=yes)
    else:
        if out is not None:
            check_out(out)
        known_duplicates.search(_kinds(of), sure, unsure, limit, out, as_json=as_json)


def _merge_leads(
    of: tuple[Of, ...], sure: float | None, unsure: float | None, by: str | None, *, yes: bool
) -> None:
    if of == ("accounts",):
        raise typer.BadParameter(known_duplicates.accounts_words(), param_hint="--merge")
    if by is None:
        raise typer.BadParameter(_("--merge needs --by: the id of a person."), param_hint="--by")
    merging.merge(sure, unsure, by, yes=yes)


def _rate_by(text: str | None) -> Literal["source", "team"] | None:
    if text is None or text == "source" or text == "team":
        return text  # type: ignore[return-value]  # it is one of these
    raise typer.BadParameter(_("It is source or team."), param_hint="--by")


def _kinds(text: str | None) -> tuple[Of, ...]:
    if text is None:
        return ("leads", "accounts")
    if text == "leads":
        return ("leads",)
    if text == "accounts":
        return ("accounts",)
    raise typer.BadParameter(_("It is leads or accounts."), param_hint="--of")


def _search_file(
    records: RecordFile, sure: float | None, unsure: float | None, out: Path | None, as_json: bool
) -> None:
    matching = thresholds(
        _DEFAULTS.sure_from if sure is None else sure, _DEFAULTS.unsure_from if unsure is None else unsure
    )
    if out is not None:
        check_out(out, records.path)
    with progress_shown() as on_progress:
        found = find_duplicates(records, matching, on_progress)
    if isinstance(found, Answers):
        if out is not None:
            write_answers(records, found, out)
        _print_answers(found, as_json)
    else:
        if out is not None:
            write_clusters(records, found, out)
        _print_duplicates(found, as_json)
    if out is not None and not as_json:
        console.print(Text(_("Every row is in {file}.").format(file=out)), soft_wrap=True)


def _print_duplicates(found: Duplicates, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_duplicates_json(found), ensure_ascii=False, indent=2))
        return
    for number, cluster in enumerate(found.clusters[:SHOWN], start=1):
        _print_cluster(found, number, cluster)
    _print_more(len(found.clusters) - SHOWN)
    if found.unsure:
        console.print(Text(_("Unsure: are these the same?"), style="bold cyan"))
    for link in found.unsure[:SHOWN]:
        one, other = found.sources[link.one], found.sources[link.other]
        print_pair(
            link.probability,
            _row_words(one.row, one.text),
            _row_words(other.row, other.text),
            found.look(link.one, link.other),
        )
    _print_more(len(found.unsure) - SHOWN)
    if found.quality is not None:
        print_quality(found.quality)
        console.print()
    print_notes(found.notes)
    console.print(Text(_summary(found), style="bold"), soft_wrap=True)


def _print_cluster(found: Duplicates, number: int, cluster: Sequence[int]) -> None:
    heading = ngettext("Cluster {number}: {n} row", "Cluster {number}: {n} rows", len(cluster))
    console.print(Text(heading.format(number=number, n=len(cluster)), style="bold cyan"))
    for place in cluster[:SHOWN_MEMBERS]:
        source = found.sources[place]
        console.print(Padding(Text(_row_words(source.row, source.text)), (0, 0, 0, 2), expand=False))
    _print_more(len(cluster) - SHOWN_MEMBERS)
    print_evidence(found.look(cluster[0], cluster[1]), 4)
    console.print()


def _print_more(count: int) -> None:
    if count > 0:
        said = ngettext("… and {n} more", "… and {n} more", count)
        console.print(Text("  " + said.format(n=f"{count:,}"), style="dim"))


def _row_words(row: int, text: str) -> str:
    return _("row {row}: {text}").format(row=row, text=text)


def _summary(found: Duplicates) -> str:
    surplus = sum(len(cluster) - 1 for cluster in found.clusters)
    rows = ngettext("{n} row", "{n} rows", len(found.sources)).format(n=f"{len(found.sources):,}")
    clusters = ngettext("{n} cluster", "{n} clusters", len(found.clusters)).format(
        n=f"{len(found.clusters):,}"
    )
    extra = ngettext("{n} row too many", "{n} rows too many", surplus).format(n=f"{surplus:,}")
    unsure = ngettext("{n} unsure pair", "{n} unsure pairs", len(found.unsure)).format(
        n=f"{len(found.unsure):,}"
    )
    return _("{rows}: {clusters} of duplicates ({extra}), {unsure}.").format(
        rows=rows, clusters=clusters, extra=extra, unsure=unsure
    )


def _print_answers(found: Answers, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_answers_json(found), ensure_ascii=False, indent=2))
        return
    print_quality(found.quality)
    console.print()
    print_notes(found.notes)
    counts = {name: sum(one.outcome == name for one in found.answers) for name in ("sure", "unsure", "new")}
    pairs = ngettext("{n} pair", "{n} pairs", len(found.answers)).format(n=f"{len(found.answers):,}")
    said = _("{pairs}: {sure} surely the same, {unsure} unsure, {new} different.")
    counted = {name: f"{count:,}" for name, count in counts.items()}
    console.print(Text(said.format(pairs=pairs, **counted), style="bold"), soft_wrap=True)


def _duplicates_json(found: Duplicates) -> dict[str, object]:
    def place(number: int) -> dict[str, object]:
        source = found.sources[number]
        return {"row": source.row, "id": source.id, "text": source.text}

    return {
        "kind": found.kind,
        "rows": len(found.sources),
        "clusters": [[place(number) for number in cluster] for cluster in found.clusters],
        "review": [[found.sources[number].row for number in group] for group in found.groups],
        "unsure": [
            {
                "one": place(link.one),
                "other": place(link.other),
                **comparison_json(found.look(link.one, link.other)),
            }
            for link in found.unsure
        ],
        "quality": quality_json(found.quality) if found.quality else None,
        "notes": list(found.notes),
    }


def _answers_json(found: Answers) -> dict[str, object]:
    return {
        "kind": found.kind,
        "pairs": [
            {
                "row": one.row,
                "one": one.one,
                "other": one.other,
                "outcome": one.outcome,
                "truth": one.truth,
                **comparison_json(one.comparison),
            }
            for one in found.answers
        ],
        "quality": quality_json(found.quality),
        "notes": list(found.notes),
    }
