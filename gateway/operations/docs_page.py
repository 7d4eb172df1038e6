"""/docs: Swagger UI on the merged description. Every file comes from the gateway; no script is inline.

The files of Swagger UI come from the package fastapi-offline, which is not imported: it would load FastAPI.
"""

from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

from gateway.proxy.headers import Headers

OWN_FILES = Path(__file__).parent / "static"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
}
SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
CACHE_SECONDS = 3_600
PATH = "/docs"


class File(NamedTuple):
    body: bytes
    media_type: str
    headers: Headers


def files() -> dict[str, File]:
    """The page and what it loads, by path."""
    package = Path(str(distribution("fastapi-offline").locate_file("fastapi_offline/static")))
    page = _read(OWN_FILES / "docs.html", [(b"content-security-policy", SECURITY_POLICY.encode())])
    cached = [(b"cache-control", b"max-age=%d" % CACHE_SECONDS)]
    assets = [
        OWN_FILES / "docs.js",
        package / "swagger-ui-bundle.js",
        package / "swagger-ui.css",
        package / "favicon.png",
    ]
    return {PATH: page, **{f"{PATH}/{path.name}": _read(path, cached) for path in assets}}


def _read(path: Path, headers: Headers) -> File:
    return File(path.read_bytes(), MEDIA_TYPES[path.suffix], headers)
