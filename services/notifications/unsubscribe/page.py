"""The page behind an unsubscribe link: it asks, and says when it is done. It needs no script."""

from functools import lru_cache
from pathlib import Path

from domain import pages

FOLDER = Path(__file__).parents[1] / "templates" / "web"
TEMPLATES = pages.templates(FOLDER)
TOPICS = {
    "da": {"marketing": "nyheder og tilbud", "service": "fælles beskeder fra salonen", "reminder": "påmindelser"},
    "en": {"marketing": "news and offers", "service": "general messages from the salon", "reminder": "reminders"},
}
INVALID = {
    "da": {
        "title": "Linket virker ikke",
        "text": "Se, om hele adressen er kommet med, eller åbn linket i mailen igen.",
    },
    "en": {
        "title": "The link does not work",
        "text": "Check that the address is complete, or open the link in the mail again.",
    },
}
TEXTS = {
    "da": {
        "title": "Afmeld mails",
        "ask": "Vil du ikke længere modtage mails med {topic}?",
        "send": "Afmeld",
        "done": "Du får ikke flere mails med {topic}. Du kan slå dem til igen under Beskeder i appen.",
    },
    "en": {
        "title": "Unsubscribe",
        "ask": "Do you no longer want to receive mails with {topic}?",
        "send": "Unsubscribe",
        "done": "You will get no more mails with {topic}. You can switch them on again under Messages in the app.",
    },
}


@lru_cache
def render_page(topic: str, language: str, *, done: bool) -> str:
    texts = {name: text.format(topic=TOPICS[language][topic]) for name, text in TEXTS[language].items()}
    return TEMPLATES.get_template("unsubscribe.html").render(language=language, words=texts, done=done)


@lru_cache
def render_invalid(language: str) -> str:
    return TEMPLATES.get_template("invalid.html").render(language=language, words=INVALID[language])


def headers(language: str) -> dict[str, str]:
    """Lets the form be sent to the page's own address, with a Referer to this server only."""
    return pages.headers(language, form="'self'", referrer="same-origin")
