"""How does a file come in? Settings, Import: upload, see what would change, map the columns, import."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from leadlane.i18n import N_, _, ngettext
from leadlane.policy.words import field_words
from leadlane.service import import_jobs as jobs
from leadlane.service.import_jobs import KINDS, ImportJob, Kind
from leadlane.service.rulebooks import NothingPublishedError
from leadlane.web.page import form_of, page, text_of
from leadlane.web.render import redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import PageError, Session, leadlane_of

HOME = "/settings/import"
KIND_WORDS: dict[Kind, tuple[str, str]] = {
    "people": (N_("People"), N_("who sells, with teams, languages and working hours")),
    "accounts": (N_("Accounts"), N_("companies, with their owners and domains")),
    "contacts": (N_("Contacts"), N_("persons who are known at accounts")),
    "leads": (N_("Leads"), N_("each is routed and gets an owner, as if it came by a form")),
}
ENCODINGS = {
    "": N_("as the file says"),
    "utf-8": N_("UTF-8"),
    "cp1250": N_("Windows, Central Europe (cp1250)"),
    "cp1252": N_("Windows, Western Europe (cp1252)"),
    "iso-8859-2": N_("ISO 8859-2"),
    "utf-16": N_("UTF-16"),
}
STEP_WORDS = {
    "checking": N_("Being checked"),
    "checked": N_("Checked, not imported yet"),
    "importing": N_("Being imported"),
    "done": N_("Imported"),
}
# Properties that only files have; `field_words` has the others.
_PROPERTY_WORDS = {
    "arrived_at": N_("came at"),
    "signals": N_("signals"),
    "aliases": N_("other names"),
    "domains": N_("domains"),
    "owner_email": N_("owner's e-mail"),
    "owner_id": N_("owner's id"),
    "named": N_("named account"),
    "customer": N_("customer"),
    "type": N_("type"),
    "lifecycle_stage": N_("life-cycle stage"),
    "mobile": N_("mobile phone"),
    "account_id": N_("account's id"),
    "account": N_("account"),
    "username": N_("user name"),
    "deactivated": N_("deactivated"),
    "department": N_("department"),
    "hours": N_("working hours"),
}


def show_imports(request: Request, _session: Session) -> Response:
    """Upload a file, and what became of earlier ones."""
    return _imports(request)


def upload(request: Request, session: Session) -> Response:
    """Keep a file, and check it."""
    leadlane, file = leadlane_of(request), form_of(request).get("file")
    given = {name: text_of(request, name) for name in ("kind", "encoding")}
    problems = {}
    if given["kind"] not in KINDS:
        problems["kind"] = _("Choose what is in the file.")
    if given["encoding"] not in ENCODINGS:
        given["encoding"] = ""
    if not isinstance(file, UploadFile) or not file.filename:
        problems["file"] = _("Choose a file.")
    elif not file.size:
        problems["file"] = _("This file is empty.")
    if problems or not isinstance(file, UploadFile):
        return _imports(request, problems, given)
    by = session.person_id or session.name
    job = jobs.take(
        leadlane.settings,
        cast(Kind, given["kind"]),
        file.filename or "",
        file.file,
        given["encoding"],
        by,
        leadlane.now(),
    )
    jobs.begin(leadlane, job, store=False)
    return redirect(f"{HOME}/{job.id}")


def show_import(request: Request, _session: Session) -> Response:
    """One file: how far it is, what it would change or did, and which column is what."""
    leadlane, job = leadlane_of(request), _of(request)
    is_running = jobs.is_worked_on(leadlane.settings, job)
    if not is_running:
        job = _of(request)  # it may have ended between the two looks
    try:
        names = jobs.properties(leadlane, job.kind)
    except NothingPublishedError:
        names = ()
    return show(
        request,
        "settings/import_one.html",
        job=job,
        is_running=is_running,
        is_interrupted=not is_running and job.step in ("checking", "importing"),
        names=sorted(((name, _property_words(name)) for name in names), key=lambda one: one[1].casefold()),
        unused=[header for header in job.headers if header not in job.columns.values()],
        kind_words=KIND_WORDS,
        step_words=STEP_WORDS,
        count_words=count_words,
        property_words=_property_words,
        has_refused=jobs.refused_of(leadlane.settings, job) is not None,
        encodings=_encodings(),
    )


def check_again(request: Request, _session: Session) -> Response:
    """Check a file by another mapping, or read by another encoding: then its columns are looked at anew."""
    leadlane, job = leadlane_of(request), _of(request)
    if "encoding" in form_of(request):
        if (encoding := text_of(request, "encoding")) not in ENCODINGS:
            raise PageError(422, _("There is no such encoding"), _("Choose one of the list."))
        return _begin(
            request, jobs.begin(leadlane, replace(job, encoding=encoding), store=False, clears=job.clears)
        )
    columns = {name: text_of(request, f"column-{name}") for name in jobs.properties(leadlane, job.kind)}
    columns = {name: column if column in job.headers else "" for name, column in columns.items()}
    # A file whose columns could not be read has no mapping to change: their names are looked at again.
    clears = bool(text_of(request, "clears"))
    return _begin(request, jobs.begin(
        leadlane, job, store=False, columns=columns if job.headers else None, clears=clears
    ))  # fmt: skip


def run(request: Request, _session: Session) -> Response:
    """Import a file, in the background."""
    leadlane, job = leadlane_of(request), _of(request)
    if not job.headers:
        raise PageError(409, _("This file cannot be imported"), _("Correct it, and upload it again."))
    return _begin(request, jobs.begin(leadlane, job, store=True, columns=job.columns, clears=job.clears))


def download_refused(request: Request, _session: Session) -> Response:
    """The rows that were refused, with the reasons, to be corrected."""
    path = jobs.refused_of(leadlane_of(request).settings, _of(request))
    if path is None:
        raise PageError(404, _("No row was refused"))
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)


def forget(request: Request, _session: Session) -> Response:
    """Delete a file that was uploaded; what was imported stays."""
    job = _of(request)
    if not jobs.forget(leadlane_of(request).settings, job.id):
        return redirect(f"{HOME}/{job.id}", _("It is worked on at this moment."), tone="bad")
    return redirect(HOME, _("{file} is deleted.").format(file=job.file))


def count_words(name: str, n: int) -> str:
    """What becomes of so many rows."""
    known = {
        "new account": ngettext("new account", "new accounts", n),
        "new contact": ngettext("new contact", "new contacts", n),
        "new person": ngettext("new person", "new people", n),
        "new team": ngettext("new team", "new teams", n),
        "changed account": ngettext("changed account", "changed accounts", n),
        "changed contact": ngettext("changed contact", "changed contacts", n),
        "changed person": ngettext("changed person", "changed people", n),
        "changed team": ngettext("changed team", "changed teams", n),
        "unchanged": _("unchanged"),
        "refused": _("refused"),
        "read": _("can be routed"),
        "created": _("new, decided and placed"),
        "merged": _("prevented duplicates"),
        "updated": _("news of open leads"),
        "repeated": _("already there"),
    }
    return known.get(name, name)


def _property_words(name: str) -> str:
    return _(_PROPERTY_WORDS[name]) if name in _PROPERTY_WORDS else field_words(name)


def _encodings() -> list[tuple[str, str]]:
    return [(name, _(words)) for name, words in ENCODINGS.items()]


def _begin(request: Request, is_begun: bool) -> Response:
    to = f"{HOME}/{request.path_params['job_id']}"
    return redirect(to) if is_begun else redirect(to, _("It is worked on at this moment."), tone="bad")


def _imports(
    request: Request, problems: dict[str, str] | None = None, given: dict[str, str] | None = None
) -> Response:
    settings = leadlane_of(request).settings
    return show(
        request,
        "settings/imports.html",
        422 if problems else 200,
        imports=jobs.listed(settings),
        kind_words=KIND_WORDS,
        step_words=STEP_WORDS,
        kinds=[(kind, f"{_(words)}: {_(text)}") for kind, (words, text) in KIND_WORDS.items()],
        encodings=_encodings(),
        problems=problems or {},
        given=given or {"kind": request.query_params.get("kind", ""), "encoding": ""},
        most_megabytes=settings.max_upload_bytes // (1024 * 1024),
        kept_days=jobs.KEPT.days,
    )


def _of(request: Request) -> ImportJob:
    found = jobs.get(leadlane_of(request).settings, request.path_params["job_id"])
    if found is None:
        raise PageError(404, _("There is no such import"), _("Files are deleted after a month."))
    return found


PAGES = (
    page(HOME, show_imports, capability=Capability.SETTINGS),
    page(HOME, upload, capability=Capability.SETTINGS, method="POST", takes_files=True),
    page(HOME + "/{job_id}", show_import, capability=Capability.SETTINGS),
    page(HOME + "/{job_id}/check", check_again, capability=Capability.SETTINGS, method="POST"),
    page(HOME + "/{job_id}/run", run, capability=Capability.SETTINGS, method="POST"),
    page(HOME + "/{job_id}/refused", download_refused, capability=Capability.SETTINGS),
    page(HOME + "/{job_id}/forget", forget, capability=Capability.SETTINGS, method="POST"),
)
