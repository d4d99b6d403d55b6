"""What are the rules? The policy in plain words, routes with their use and history, versions compared."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from leadlane.explain.standing import stage_words
from leadlane.i18n import N_, _
from leadlane.service.policy_history import compare, history, named, versions
from leadlane.service.rulebook_page import route_page, rulebook
from leadlane.service.territories import market
from leadlane.store import policies
from leadlane.web.page import page
from leadlane.web.render import show
from leadlane.web.roles import Capability
from leadlane.web.session import PageError, Session, leadlane_of
from leadlane.web.world import around

# So many versions can be chosen from; older ones are found in the history.
_MOST_OFFERED = 50
# A section of a policy by its key in YAML; "" is what stands in none.
_SECTIONS = {
    "": N_("In general"),
    "fields": N_("Fields of your own"),
    "fit": N_("Fit"),
    "segments": N_("Segments"),
    "deal_values": N_("Deal values"),
    "deal_bands": N_("Deal bands"),
    "routes": N_("Routes"),
    "pools": N_("Pools"),
    "programs": N_("Nurture programs"),
    "service_levels": N_("Promises"),
    "chases": N_("Chases"),
}


def show_rulebook(request: Request, _session: Session) -> Response:
    """The policy in force, or with `version` one that was."""
    leadlane, wanted = leadlane_of(request), request.query_params.get("version", "").strip()
    with leadlane.pool.connection() as connection:
        version = named(connection, wanted).version if wanted else ""
        book = rulebook(connection, leadlane.books, leadlane.now(), version)
    return show(request, "rulebook/rulebook.html", live=["policy", "roster"], book=book)


def show_route(request: Request, _session: Session) -> Response:
    """A route by its name."""
    leadlane, name = leadlane_of(request), request.path_params["route_name"]
    with leadlane.pool.connection() as connection:
        found = route_page(connection, leadlane.books, name, leadlane.now())
    if found is None:
        raise PageError(404, _("There is no route of this name"), _("The rulebook lists all of them."))
    return show(
        request,
        "rulebook/route.html",
        found=found,
        most_a_week=max((count for _first, count in found.weeks), default=0),
        stage_words=stage_words,
    )


def show_versions(request: Request, _session: Session) -> Response:
    """Every version that was published, and what it changed."""
    leadlane, before = leadlane_of(request), request.query_params.get("before", "")
    is_number = before.isascii() and before.isdigit() and len(before) < 10
    with leadlane.pool.connection() as connection:
        found = history(connection, int(before) if is_number else None)
        present, _revision = policies.in_force(connection)
    return show(
        request,
        "rulebook/versions.html",
        live=["policy"],
        found=found,
        present=present,
        is_first=not is_number,
    )


def show_comparison(request: Request, _session: Session) -> Response:
    """What differs between two versions: `a` and `b`, by their numbers or versions."""
    leadlane, query = leadlane_of(request), request.query_params
    with leadlane.pool.connection() as connection:
        newest = versions(connection)[:_MOST_OFFERED]
        if not newest:
            raise PageError(
                404, _("No policy is in force yet"), _("Publish one first, then look here again.")
            )
        later = query.get("b", "") or str(newest[0].number)
        earlier = query.get("a", "") or str(newest[min(1, len(newest) - 1)].number)
        found = compare(connection, named(connection, earlier), named(connection, later))
    return show(
        request,
        "rulebook/compare.html",
        found=found,
        versions=newest,
        section_words={key: _(text) for key, text in _SECTIONS.items()},
    )


def show_territories(request: Request, _session: Session) -> Response:
    """Segments and countries with their owners."""
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        found = market(leadlane.books.current(connection))
    # Whose a country is: the team of the first segment that names it.
    whose = {country.code: country.territories[0].team for country in found.countries}
    return show(
        request,
        "rulebook/territories.html",
        live=["policy", "roster"],
        found=found,
        part=around(whose),
        whose=whose,
        teams=list(dict.fromkeys(whose.values())),
    )


PAGES = (
    page("/rulebook/routes/{route_name:path}", show_route, capability=Capability.READ_RULES),
    page("/rulebook/versions", show_versions, capability=Capability.READ_RULES),
    page("/rulebook/compare", show_comparison, capability=Capability.READ_RULES),
    page("/rulebook", show_rulebook, capability=Capability.READ_RULES),
    page("/territories", show_territories, capability=Capability.READ_RULES),
)
