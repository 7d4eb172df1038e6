"""What the pages behind links in mails have in common: the layout of the account pages, and no script.

A page shows, and has buttons; only their POST changes something, because mail scanners open the links in a mail.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Query
from fastapi.responses import HTMLResponse

from domain import pages
from shared.errors import ProblemError
from shared.openapi.operations import Responses, raises

TEMPLATES = pages.templates(Path(__file__).parents[1] / "templates")
HTML: dict[str, Any] = {"text/html": {"schema": {"type": "string"}}}

Lang = Annotated[Literal["da", "en"] | None, Query()]
Words = Mapping[str, Any]


def page(template: str, language: str, words: Words, *, status: int = 200, **values: Any) -> HTMLResponse:
    """`words` has at least the `title`. The address holds a secret: the page is not stored, not indexed, and no Referer
    is sent from it. Its forms go to this server only."""
    content = TEMPLATES.get_template(template).render(language=language, words=words, **values)
    headers = pages.headers(language, form="'self'", referrer="no-referrer")
    return HTMLResponse(content, status, headers | {"X-Robots-Tag": "noindex, nofollow"})


def notice(language: str, title: str, text: str, *, status: int) -> HTMLResponse:
    """A page that only says something, such as that its link has ended."""
    return page("notice.html", language, {"title": title, "text": text}, status=status)


def shows(*errors: type[ProblemError]) -> Responses:
    """The responses of a page for these errors, of which it shows a text to people."""
    responses = raises(*errors)
    for response in responses.values():
        response["content"] = HTML
    return responses
