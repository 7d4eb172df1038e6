"""The texts that consent is asked for, with their versions."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import Texts


@dataclass(frozen=True)
class ConsentText:
    """A changed text gets a new version. Consent to an older version has to be asked for again."""

    version: int
    text: Texts


TEXTS: Mapping[str, ConsentText] = {
    "marketing": ConsentText(
        1,
        {
            "da": "Ja tak til nyheder og tilbud fra salonen pr. e-mail og sms. Jeg kan til enhver tid sige nej igen.",
            "en": "Yes to news and offers from the salon by e-mail and text message. I can withdraw this at any time.",
        },
    ),
    "portfolio": ConsentText(
        1,
        {
            "da": "Salonen må vise billeder af mit hår på sin hjemmeside og på Instagram. Jeg kan til enhver tid "
            "trække det tilbage, og så fjernes billederne.",
            "en": "The salon may show pictures of my hair on its website and on Instagram. I can withdraw this at any "
            "time, and the pictures are then removed.",
        },
    ),
}
