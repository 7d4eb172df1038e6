"""The page behind the link that switches off a kind of mail: a question, then that it is done. It needs no script."""

from functools import lru_cache
from pathlib import Path

from shared.http import pages

FOLDER = Path(__file__).parents[1] / "templates" / "web"
TEMPLATES = pages.templates(FOLDER)
KINDS_OF_MAIL = {
    "da": {"marketing": "nyheder og tilbud", "service": "beskeder til alle", "reminder": "påmindelser"},
    "en": {"marketing": "news and offers", "service": "messages to everybody", "reminder": "reminders"},
}
WORDS = {
    "da": {
        "title": "Afmeld mails",
        "ask": "Vil du ikke længere have mails med {kind}?",
        "send": "Afmeld",
        "done": "Du får ikke flere mails med {kind}. Du kan slå dem til igen under beskeder i appen.",
    },
    "en": {
        "title": "Unsubscribe",
        "ask": "Do you no longer want mails with {kind}?",
        "send": "Unsubscribe",
        "done": "You will get no more mails with {kind}. You can switch them on again under messages in the app.",
    },
}


@lru_cache
def unsubscribe(topic: str, language: str, *, done: bool) -> str:
    kind = KINDS_OF_MAIL[language][topic]
    words = {name: said.format(kind=kind) for name, said in WORDS[language].items()}
    return TEMPLATES.get_template("unsubscribe.html").render(language=language, words=words, done=done)


def headers(language: str) -> dict[str, str]:
    """The form goes back to the address that it came from, which browsers then tell, and no other server is told."""
    return pages.headers(language, form="'self'", referrer="same-origin")
