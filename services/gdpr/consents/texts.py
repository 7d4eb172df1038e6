from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import Texts


@dataclass(frozen=True)
class Wording:
    """A change of a text is a new version; who agreed to an older one is asked again before it counts for more."""

    version: int
    text: Texts


ASKED: Mapping[str, Wording] = {
    "marketing": Wording(
        1,
        {
            "da": "Ja tak til nyheder og tilbud fra salonen pr. e-mail og sms. Jeg kan til enhver tid sige nej igen.",
            "en": "Yes to news and offers from the salon by e-mail and text message. I can withdraw this at any time.",
        },
    ),
    "portfolio": Wording(
        1,
        {
            "da": "Salonen må vise billeder af mit hår på sin hjemmeside og på Instagram. Jeg kan til enhver tid "
            "trække det tilbage, og så fjernes billederne.",
            "en": "The salon may show pictures of my hair on its website and on Instagram. I can withdraw this at any "
            "time, and the pictures are then removed.",
        },
    ),
}
