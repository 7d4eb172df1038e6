"""Colours of the pages behind links in mails: text stands out from its ground, in light and dark (WCAG 2.2, AA)."""

import re

import pytest

from domain.pages import STYLE

LIGHT, DARK, *_ = str(STYLE).split("@media")
TEXT, CONTROL = 4.5, 3.0
PAIRS = [
    *((front, back, TEXT) for front in ("ink", "muted", "accent") for back in ("paper", "surface")),
    *(("on-accent", back, TEXT) for back in ("accent", "accent-hover")),
    *((name, f"{name}-soft", TEXT) for name in ("free", "alarm")),
    *(("line-strong", back, CONTROL) for back in ("paper", "surface")),
]


def luminance(colour: str) -> float:
    digits = colour if len(colour) == 6 else "".join(2 * digit for digit in colour)
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_colours_stand_out_from_their_ground(scheme: str, front: str, back: str, least: float) -> None:
    colours = dict(re.findall(r"--([\w-]+): #(\w+)", scheme))
    darker, lighter = sorted(luminance(colours[name]) for name in (front, back))
    assert (lighter + 0.05) / (darker + 0.05) >= least
