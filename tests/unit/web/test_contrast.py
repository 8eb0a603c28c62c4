import re
from itertools import pairwise

import pytest

from quickkub.web.assets import FOLDER

BASE = (FOLDER / "base.css").read_text(encoding="utf-8")
AA_TEXT = 4.5
AA_SHAPES = 3.0

# Text and the ground it stands on, as base.css and checkout.css use them.
TEXTS = [
    *(
        (ink, ground)
        for ink in ("ink", "ink-soft", "accent", "accent-strong")
        for ground in ("ground", "surface")
    ),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("good", "good-ground"),
    ("bad", "bad-ground"),
    ("warn", "warn-ground"),
    ("warn", "surface"),
    ("ink", "quiet-ground"),
    ("ink-soft", "quiet-ground"),
    ("accent", "quiet-ground"),
    ("accent-strong", "quiet-ground"),
]


def colours(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): #([0-9a-f]{6});", css))


LIGHT, DARK = (colours(part) for part in BASE.split("@media (prefers-color-scheme: dark)"))


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    channels = [int(high + low, 16) / 255 for high, low in zip(colour[::2], colour[1::2], strict=True)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("mode", [LIGHT, LIGHT | DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXTS)
def test_text_can_be_read_in_light_and_dark(mode: dict[str, str], ink: str, ground: str) -> None:
    assert contrast(mode[ink], mode[ground]) >= AA_TEXT


@pytest.mark.parametrize("mode", [LIGHT, LIGHT | DARK], ids=["light", "dark"])
def test_the_focus_ring_can_be_seen_on_every_ground(mode: dict[str, str]) -> None:
    assert all(
        contrast(mode["accent"], mode[ground]) >= AA_SHAPES
        for ground in ("ground", "surface", "quiet-ground")
    )


def test_black_on_white_is_the_contrast_everybody_knows() -> None:
    assert contrast("000000", "ffffff") == pytest.approx(21)
    steps = [contrast(f"{level:02x}" * 3, "ffffff") for level in range(256)]
    assert all(darker > lighter for darker, lighter in pairwise(steps))
