"""What the few pages share that mails link to: their looks, and headers that let nothing run but what they bring."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

OURS = Path(__file__).parent
STYLE = Markup((OURS / "page.css").read_text())  # noqa: S704 - a file of our own


def templates(folder: Path) -> Environment:
    """Those of a service, which extend `page.html`."""
    made = Environment(
        loader=FileSystemLoader([folder, OURS]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["style"] = STYLE
    return made


def headers(language: str, *, script: str | None = None, form: str = "'none'", referrer: str) -> dict[str, str]:
    """Nothing runs but the page's own script, nothing is kept, nobody frames it. `form`: where a form may be sent."""
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
