"""What the HTML pages behind links in mails share: the style sheet, the layout and strict security headers."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

FOLDER = Path(__file__).parent
STYLE = Markup((FOLDER / "page.css").read_text())  # noqa: S704 - a file of our own


def templates(folder: Path) -> Environment:
    """A service's templates; they extend `page.html`."""
    environment = Environment(
        loader=FileSystemLoader([folder, FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["style"] = STYLE
    return environment


def headers(language: str, *, script: str | None = None, form: str = "'none'", referrer: str) -> dict[str, str]:
    """Allows only the page's own script and style, forbids caching and framing. `form`: the form-action source."""
    scripts = f" script-src {_hash(script)}; connect-src 'self';" if script else ""
    policy = (
        f"default-src 'none';{scripts} style-src {_hash(STYLE)};"
        f" base-uri 'none'; form-action {form}; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Content-Language": language,
        "Vary": "Accept-Language",
        "Referrer-Policy": referrer,
        "X-Content-Type-Options": "nosniff",
    }


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
