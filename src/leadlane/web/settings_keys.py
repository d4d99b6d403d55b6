"""Which programs may use Leadlane over HTTP? Settings, API keys: make one, see which are used, revoke."""

from __future__ import annotations

import base64

import orjson
from starlette.requests import Request
from starlette.responses import Response

from leadlane.errors import LeadlaneError
from leadlane.i18n import N_, _
from leadlane.service import api_keys as service
from leadlane.service.api_keys import LONGEST_NAME, SCOPES
from leadlane.store import api_keys as store
from leadlane.store.api_keys import KeyRow
from leadlane.web.page import form_of, page, text_of
from leadlane.web.render import redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import PageError, Session, leadlane_of

HOME = "/settings/keys"
# Carries the secret of a new key from the answer that made it to the page that shows it: in no address, and
# seen once. Reloading that page makes no other key.
_MADE, _MADE_SECONDS = "made-key", 60
SCOPE_WORDS = {
    "intake": (N_("Send leads"), N_("send leads and signals, and see nothing")),
    "read": (N_("Read"), N_("see everything, and change nothing")),
    "write": (N_("Act"), N_("act on leads, and change people, teams and accounts")),
    "admin": (N_("Everything"), N_("all of these, and the policy")),
}


def show_keys(request: Request, _session: Session) -> Response:
    """Every key, without its secret; that of one just made, this once."""
    response = _keys(request, made=_just_made(request))
    if _MADE in request.cookies:
        response.delete_cookie(_MADE, path=HOME)
    return response


def make_key(request: Request, _session: Session) -> Response:
    """Make a key. Its secret is on the page that follows, once, and nowhere else."""
    leadlane, name = leadlane_of(request), text_of(request, "name")
    scopes = [str(one) for one in form_of(request).getlist("scope")]
    problems = {} if scopes else {"scope": _("Say what the key is for.")}
    if not problems:
        try:
            with leadlane.pool.connection() as connection:
                id_, secret = service.create(connection, name, scopes, leadlane.now())
        except LeadlaneError as error:
            problems = {"name": error.message}
        else:
            response = redirect(HOME)
            made = base64.urlsafe_b64encode(orjson.dumps((id_, name, secret))).decode()
            response.set_cookie(_MADE, made, _MADE_SECONDS, path=HOME, httponly=True, samesite="strict")
            return response
    return _keys(request, problems=problems, given={"name": name, "scopes": scopes})


def ask_revoke(request: Request, _session: Session) -> Response:
    """Ask whether a key is really to be revoked: it cannot be taken back."""
    return show(request, "settings/revoke_key.html", key=_of(request))


def revoke_key(request: Request, _session: Session) -> Response:
    """Take a key back for good."""
    key, leadlane = _of(request), leadlane_of(request)
    with leadlane.pool.connection() as connection:
        service.revoke(connection, key.id, leadlane.now())
    return redirect(HOME, _("{name} is revoked.").format(name=key.name))


def _just_made(request: Request) -> tuple[str, str, str] | None:
    """Id, name and secret of the key that was made by the request before."""
    try:
        id_, name, secret = orjson.loads(base64.urlsafe_b64decode(request.cookies.get(_MADE, "").encode()))
    except (ValueError, TypeError):
        return None
    return str(id_), str(name), str(secret)


def _of(request: Request) -> KeyRow:
    with leadlane_of(request).pool.connection() as connection:
        found = {key.id: key for key in store.all_keys(connection)}.get(request.path_params["key_id"])
    if found is None:
        raise PageError(404, _("There is no such key"))
    return found


def _keys(
    request: Request,
    *,
    made: tuple[str, str, str] | None = None,
    problems: dict[str, str] | None = None,
    given: dict[str, object] | None = None,
) -> Response:
    with leadlane_of(request).pool.connection() as connection:
        found = store.all_keys(connection)[::-1]
    return show(
        request,
        "settings/keys.html",
        422 if problems else 200,
        keys=[key for key in found if key.revoked_at is None],
        revoked=[key for key in found if key.revoked_at is not None],
        made=made,
        problems=problems or {},
        given=given or {"name": "", "scopes": ["intake"]},
        scopes=SCOPES,
        scope_words=SCOPE_WORDS,
        longest_name=LONGEST_NAME,
    )


PAGES = (
    page(HOME, show_keys, capability=Capability.KEYS),
    page(HOME, make_key, capability=Capability.KEYS, method="POST"),
    page(HOME + "/{key_id}/revoke", ask_revoke, capability=Capability.KEYS),
    page(HOME + "/{key_id}/revoke", revoke_key, capability=Capability.KEYS, method="POST"),
)
