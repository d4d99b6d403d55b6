"""Where do the scripts, styles, icons and fonts of the pages come from? From npm, at the versions and hashes
of package-lock.json, into src/leadlane/web/static/vendor. Nothing of it is committed, nothing of it is
fetched while Leadlane runs.

.venv/assets/bin/python tools/assets.py    in an environment of requirements-assets.lock, which brings Node.js
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from fontTools import subset
from world import world

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "src" / "leadlane" / "web" / "static"
VENDOR = STATIC / "vendor"
# What is made of several packages, and what it is made from.
BUNDLED = {STATIC / "js" / "bundled" / "editor.js": "editor.js"}
AXE = ROOT / "tests" / "browser" / "vendor" / "axe.js"
# What is taken as it is, and what it is called here.
COPIED = {
    "htmx.org/dist/htmx.min.js": "htmx.js",
    "htmx.org/dist/ext/hx-sse.min.js": "htmx-sse.js",
    "htmx.org/dist/ext/hx-alpine-compat.min.js": "htmx-alpine.js",
    "@alpinejs/csp/dist/cdn.min.js": "alpine.js",
    "@picocss/pico/css/pico.min.css": "pico.css",
    "echarts/dist/echarts.common.min.js": "echarts.js",
}
FONTS = "@fontsource-variable/inter/files"
# The letters of the languages of Europe; whoever has others sees them in the font of their system.
LETTERS = {
    "inter-latin-wght-normal.woff2": (
        "inter.woff2",
        "U+0020-007E,U+00A0-00FF,U+2010-2026,U+2030-203A,U+20AC,U+2190-2193,U+2212,U+2318",
    ),
    "inter-latin-ext-wght-normal.woff2": ("inter-ext.woff2", "U+0100-017F,U+0218-021B"),
}
# The borders of countries, which a page shows a part of.
BORDERS = "world-atlas/countries-50m.json"
# Figures of one width, for what counts down and stands in columns.
FEATURES = "kern,calt,ccmp,locl,mark,mkmk,tnum,case"
_SOURCE_MAP = re.compile(rb"\n?(//|/\*)# sourceMappingURL=[^\n]*")
_SVG = "{http://www.w3.org/2000/svg}"


def main() -> None:
    """Fetch what is needed into a folder of its own, and take from it what the pages use."""
    with tempfile.TemporaryDirectory(prefix="leadlane-assets-") as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / name, folder)
        npm = str(Path(sys.executable).parent / "npm")
        arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([npm, *arguments], cwd=folder, check=True)
        modules = Path(folder, "node_modules")
        fresh = Path(folder, "vendor")
        fresh.mkdir()
        packages = set()
        for source, name in BUNDLED.items():
            packages |= bundle(modules, source, fresh / name)
        for source, name in COPIED.items():
            (fresh / name).write_bytes(_SOURCE_MAP.sub(b"", (modules / source).read_bytes()))
        for source, (name, letters) in LETTERS.items():
            cut(modules / FONTS / source, fresh / name, letters)
        (fresh / "world.json").write_text(world((modules / BORDERS).read_text(encoding="utf-8")))
        names = (STATIC / "icons.txt").read_text(encoding="utf-8").split()
        (fresh / "icons.svg").write_bytes(sprite(modules / "lucide-static" / "icons", names))
        (fresh / "LICENSES.txt").write_text(licences(modules, packages), encoding="utf-8")
        # Measures in tests, is no part of the pages.
        AXE.parent.mkdir(exist_ok=True)
        shutil.copy(modules / "axe-core" / "axe.min.js", AXE)
        # All or nothing: a build that was interrupted leaves what was there.
        shutil.rmtree(VENDOR, ignore_errors=True)
        shutil.copytree(fresh, VENDOR)


def cut(source: Path, target: Path, letters: str) -> None:
    """The part of a font that has these letters, as a web font."""
    subset.main(
        [str(source), f"--unicodes={letters}", f"--layout-features={FEATURES}", "--flavor=woff2",
         f"--output-file={target}"]
    )  # fmt: skip


def bundle(modules: Path, source: Path, target: Path) -> set[str]:
    """Make one script of a source and of the packages that it imports. Returns the names of these."""
    made = target.with_suffix(".json")
    options = ["--bundle", "--minify", "--format=iife", "--target=es2022", "--legal-comments=none"]
    node = str(Path(sys.executable).parent / "node")
    command = [node, str(modules / "esbuild" / "bin" / "esbuild"), str(source), *options]
    environment = {**os.environ, "NODE_PATH": str(modules)}
    subprocess.run(
        [*command, "--log-level=warning", f"--metafile={made}", f"--outfile={target}"],
        cwd=modules.parent,
        env=environment,
        check=True,
    )
    inputs = json.loads(made.read_text(encoding="utf-8"))["inputs"]
    made.unlink()
    return {_package(path.split("node_modules/")[-1]) for path in inputs if "node_modules/" in path}


def _package(path: str) -> str:
    return "/".join(path.split("/")[: 1 + path.startswith("@")])


def licences(modules: Path, bundled: set[str]) -> str:
    """The licences of all that is taken, each below its name."""
    names = sorted({*map(_package, [*COPIED, FONTS, BORDERS]), *bundled})
    texts = [
        (name, file.read_text(encoding="utf-8"))
        for name in [*names, "lucide-static"]
        for file in sorted((modules / name).glob("LICENSE*"))
    ]
    return "\n\n".join(f"{name}\n{'=' * len(name)}\n\n{text.strip()}" for name, text in texts) + "\n"


def sprite(icons: Path, names: list[str]) -> bytes:
    """One SVG file with every icon as a symbol, so that a page names the ones it shows."""
    ElementTree.register_namespace("", _SVG[1:-1])
    whole = ElementTree.Element(f"{_SVG}svg")
    for name in sorted(set(names)):
        icon = ElementTree.parse(icons / f"{name}.svg").getroot()
        symbol = ElementTree.SubElement(whole, f"{_SVG}symbol", {"id": name, "viewBox": "0 0 24 24"})
        symbol.extend(icon)
    return ElementTree.tostring(whole)


if __name__ == "__main__":
    main()
