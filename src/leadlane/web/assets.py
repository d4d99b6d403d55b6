"""What do the pages need besides HTML? Styles, scripts, icons, fonts, at addresses that name their content.

An address has a hash of what is behind it, so a browser keeps it for ever, and asks anew when it changes.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadlane.errors import LeadlaneError
from leadlane.i18n import _

STATIC = Path(__file__).parent / "static"
VENDOR = STATIC / "vendor"
PATH = "/static/"
MEDIA = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
FONTS = ("inter.woff2", "inter-ext.woff2")
# Alpine starts as soon as it is there: last, when everything that it is to know is known.
BEFORE, AFTER = ("htmx.js", "htmx-sse.js", "htmx-alpine.js"), ("alpine.js",)
_URL = re.compile(r"url\((inter[\w-]*\.woff2)\)")


@dataclass(frozen=True)
class Asset:
    """One file that browsers fetch."""

    name: str
    content: bytes

    @cached_property
    def address(self) -> str:
        """Where it is, `/static/app.3f2a9c01b7.css`."""
        stem, dot, ending = self.name.rpartition(".")
        return f"{PATH}{stem}.{hashlib.sha256(self.content).hexdigest()[:10]}{dot}{ending}"

    @cached_property
    def zipped(self) -> bytes:
        """Its content in the form that travels."""
        return gzip.compress(self.content, 9, mtime=0)


@cache
def assets() -> dict[str, Asset]:
    """Everything that there is, by name. LeadlaneError if `make assets` has not been run."""
    if not (VENDOR / "htmx.js").exists():
        raise LeadlaneError(
            _("What the pages are built with is not there: {folder} is empty.").format(folder=VENDOR),
            _("In a checkout, `make assets` fetches it; an installed Leadlane brings it with it."),
        )
    found = [Asset(name, (VENDOR / name).read_bytes()) for name in (*FONTS, "icons.svg", "LICENSES.txt")]
    fonts = {asset.name: asset.address for asset in found}
    found.append(Asset("app.css", _styles(fonts).encode()))
    own = sorted((STATIC / "js").glob("*.js"))
    scripts = [*(VENDOR / name for name in BEFORE), *own, *(VENDOR / name for name in AFTER)]
    found.append(Asset("app.js", _joined(scripts)))
    # What only some pages need, each a file of its own.
    found += [Asset(path.name, path.read_bytes()) for path in sorted((STATIC / "js" / "pages").glob("*.js"))]
    found += [Asset(name, (VENDOR / name).read_bytes()) for name in ("echarts.js", "editor.js")]
    found += [Asset(path.name, path.read_bytes()) for path in sorted(STATIC.glob("*.svg"))]
    return {asset.name: asset for asset in found}


def address(name: str) -> str:
    """Where a file is. LookupError for one that is not there."""
    return assets()[name].address


@cache
def icons() -> frozenset[str]:
    """The names of the icons that there are."""
    return frozenset((STATIC / "icons.txt").read_text(encoding="utf-8").split())


async def serve(request: Request) -> Response:
    """A file. One of an older address, which a page from before an update may ask for, is not to be kept."""
    stem, _dot, ending = str(request.path_params["name"]).rpartition(".")
    asset = assets().get(f"{stem.rpartition('.')[0]}.{ending}")
    if asset is None:
        raise HTTPException(404)
    is_present = request.url.path == asset.address
    headers = {
        "cache-control": "public, max-age=31536000, immutable" if is_present else "no-cache",
        "vary": "accept-encoding",
    }
    content, is_packed = asset.content, asset.name.endswith(".woff2")
    if not is_packed and "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["content-encoding"] = asset.zipped, "gzip"
    return Response(content, headers=headers, media_type=MEDIA[f".{ending}"])


def _styles(fonts: dict[str, str]) -> str:
    # In a layer of its own, what we say wins over Pico however exactly Pico says it.
    pico = (VENDOR / "pico.css").read_text(encoding="utf-8").removeprefix('@charset "UTF-8";')
    own = sorted((STATIC / "css").glob("*.css"), key=lambda path: (path.name != "tokens.css", path.name))
    layers = [f"@layer pico{{{pico}}}", *(path.read_text(encoding="utf-8") for path in own)]
    look_up: Callable[[re.Match[str]], str] = lambda found: f"url({fonts[found[1]]})"  # noqa: E731
    return _URL.sub(look_up, "\n".join(layers))


def _joined(paths: Iterable[Path]) -> bytes:
    return b"\n;\n".join(path.read_bytes() for path in paths)
