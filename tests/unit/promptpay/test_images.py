"""A drawn QR is read back by another library as the payload it was drawn from."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import pytest
import zxingcpp
from PIL import Image

from quickkub.promptpay import BY_CODE, images
from tests.unit.promptpay.material import MOBILE_100, VALID

DRAWN = {
    v["id"]: v["payload"] for v in VALID if v["id"].startswith(("brief-0", "edge-", "promptparse", "emvco"))
}


def read_back(png: bytes) -> str:
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(png)))
    return str(found.text)


@pytest.mark.parametrize("payload", DRAWN.values(), ids=DRAWN)
def test_a_drawn_payload_is_read_back(payload: str) -> None:
    assert read_back(images.png(payload, scale=4)) == payload


@pytest.mark.parametrize("level", ["l", "m", "q", "h"])
def test_every_error_level_is_read_back(level: str) -> None:
    assert read_back(images.png(MOBILE_100, scale=4, error=level)) == MOBILE_100


def test_upper_case_makes_a_smaller_symbol() -> None:
    brief = {v["id"]: v["payload"] for v in VALID}
    assert (images.draw(brief["brief-01"]).version, images.draw(brief["brief-02"]).version) == (4, 7)
    assert images.draw(brief["edge-bill-max"]).version == 7


def test_an_svg_is_a_document_of_its_own() -> None:
    root = ET.fromstring(images.svg(MOBILE_100))
    assert root.tag.endswith("svg")


@pytest.mark.parametrize(("payload", "error"), [("", "empty_payload"), ("A" * 5000, "field_too_long")])
def test_what_no_symbol_holds_is_refused(payload: str, error: str) -> None:
    with pytest.raises(BY_CODE[error]):
        images.png(payload)
