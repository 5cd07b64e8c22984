"""The storefront at `/`: one page, its assets, and the catalogue's own pictures.

Assets are read once and served from memory under a path that holds a hash of them all
(`/assets/<hash>/js/app.js`), so that a browser may keep them for good: a changed file changes
every address, and the modules of two releases never mix.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.access import identify
from api.lab.refusal import LOGIN
from api.middleware import IMAGE_POLICY
from api.settings import AppSettings
from api.state import AppState
from search.errors import AisleError

PAGES = Path(__file__).parent / "pages"
"""The page and its assets, as they are written: there is no build step."""

_ELSEWHERE = frozenset({"js/judge.js", "js/outbox.js"})
"""Modules of other pages: browsers of shoppers need not load them."""

_FRESH = {"Cache-Control": "no-store"}
IMAGE_TYPES: Mapping[str, str] = {
    ".avif": "image/avif",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}
"""What `/images/` gives out, by suffix; everything else in the directory stays private."""

ASSET_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page, as sent."""

    content: bytes
    compressed: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Storefront:
    """The page and its assets, in memory. `mark` is the hash in the assets' addresses."""

    page: Asset
    assets: Mapping[str, Asset]
    mark: str

    def address(self, name: str) -> str:
        """Where an asset is served."""
        return f"/assets/{self.mark}/{name}"

    async def index(self, request: Request) -> Response:
        """The page: always revalidated, so that a new release is seen at the next visit."""
        headers = {"Cache-Control": "no-cache", "ETag": f'"{self.mark}"'}
        if self.mark in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return _send(request, self.page, headers)

    async def asset(self, request: Request) -> Response:
        """One asset.

        Raises:
            HTTPException: 404, also for another release's address: releases never mix.
        """
        known = request.path_params["mark"] == self.mark
        asset = self.assets.get(request.path_params["path"]) if known else None
        if asset is None:
            raise HTTPException(404, "no such file", {"Cache-Control": "no-store"})
        return _send(request, asset, {"Cache-Control": "public, max-age=31536000, immutable"})

    async def favicon(self, request: Request) -> Response:
        """The icon, where browsers look for it when a page (or an answer in JSON) names none."""
        return _send(request, self.assets["icon.svg"], {"Cache-Control": "public, max-age=86400"})


def open_storefront(settings: AppSettings) -> Storefront:
    """The page and its assets as they are installed."""
    return load_storefront(PAGES, events=settings.events.enabled)


def storefront_routes(state: AppState, shop: Storefront) -> list[BaseRoute]:
    """The routes of the storefront: `/`, `/favicon.ico`, `/assets/<hash>/…` and `/images/…`.

    The page's Content-Security-Policy comes with every response (`security_headers`). The
    catalogue's pictures lie in `shop/images` of the data directory, which need not exist yet.
    """
    images = state.settings.data / "shop" / "images"

    async def index(request: Request) -> Response:
        # Where searching needs a key, a browser needs a session before the page is of any use.
        if state.keys.needed("search") and not _signed_in(request, state):
            asked = f"/?{request.url.query}" if request.url.query else "/"
            return RedirectResponse(f"{LOGIN}?{urlencode({'next': asked})}", 303, _FRESH)
        return await shop.index(request)

    return [
        Route("/", index, name="storefront"),
        Route("/favicon.ico", shop.favicon, name="favicon"),
        Route("/assets/{mark}/{path:path}", shop.asset, name="assets"),
        Mount("/images", Images(directory=images, check_dir=False), name="images"),
    ]


def _signed_in(request: Request, state: AppState) -> bool:
    try:
        key = identify(request, state)
    except AisleError:
        return False
    return key is not None and key.may("search")


def load_storefront(directory: Path, *, events: bool = True) -> Storefront:
    """Reads the page and its assets, and writes the assets' addresses into the page, and whether
    events are logged."""
    paths = sorted(p for p in directory.rglob("*") if p.is_file() and p.suffix in ASSET_TYPES)
    names = [path.relative_to(directory).as_posix() for path in paths]
    template = (directory / "index.html").read_text("utf-8")
    template = template.replace("{{events}}", "on" if events else "off")
    contents = [path.read_bytes() for path in paths]
    mark = _hash([template.encode(), *(name.encode() for name in names), *contents])
    base = f"/assets/{mark}"
    scripts = [name for name in names if name.endswith(".js") and name not in _ELSEWHERE]
    preloads = "\n".join(f'<link rel="modulepreload" href="{base}/{name}">' for name in scripts)
    page = template.replace("{{assets}}", base).replace("{{preloads}}", preloads)
    assets = {
        name: _asset(content, ASSET_TYPES[Path(name).suffix])
        for name, content in zip(names, contents, strict=True)
    }
    return Storefront(_asset(page.encode(), "text/html; charset=utf-8"), assets, mark)


class Images(StaticFiles):
    """The catalogue's pictures: known types only, inside the directory only, kept for a day."""

    async def check_config(self) -> None:
        """A catalogue without pictures is no fault: each is simply not found."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The picture at `path`.

        Raises:
            HTTPException: 404 when there is none, or the file is no picture or outside.
        """
        media_type = IMAGE_TYPES.get(Path(path).suffix.lower())
        if media_type is None:
            raise HTTPException(404, "no such picture")
        try:
            response = await super().get_response(path, scope)
        except PermissionError:
            raise HTTPException(404, "no such picture") from None
        if response.status_code != 304:
            response.headers["Content-Type"] = media_type
        response.headers["Cache-Control"] = "public, max-age=86400"
        response.headers["Content-Security-Policy"] = IMAGE_POLICY
        return response


def _hash(contents: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()[:16]


def _asset(content: bytes, media_type: str) -> Asset:
    return Asset(content, gzip.compress(content, mtime=0), media_type)


def _send(request: Request, asset: Asset, headers: Mapping[str, str]) -> Response:
    headers = {**headers, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(asset.compressed, headers=headers, media_type=asset.media_type)
    return Response(asset.content, headers=headers, media_type=asset.media_type)
