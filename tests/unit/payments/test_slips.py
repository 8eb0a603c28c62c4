"""What is compared with a bank's record of a transfer, and what is read from a picture."""

from __future__ import annotations

import io
import struct
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from quickkub.connectors.contract import Slip
from quickkub.kernel.money import Money, baht
from quickkub.payments.slips_picture import (
    BYTES_MAX,
    PictureTooLarge,
    PictureUnreadable,
    qr_texts,
)
from quickkub.payments.slips_rules import Expected, check, same_receiver
from quickkub.promptpay import images
from quickkub.promptpay.model import BankSlip
from quickkub.promptpay.slip import build_slip

NOW = datetime(2026, 11, 25, 5, 0, tzinfo=UTC)
BILLER = "123456789012345"
PRICE = baht(150)
TEXT = build_slip(BankSlip("014", "202611251234567890"))


def transfer(amount: Money = PRICE, receiver: str = BILLER, *references: str) -> Slip:
    return Slip("014", "R1", amount, NOW, "014", receiver, "SOM TAM", "SOMCHAI J", references)


def wanted(
    *amounts: Money, receivers: tuple[str, ...] = (BILLER,), references: tuple[str, ...] = ()
) -> Expected:
    return Expected(amounts, receivers, references, NOW - timedelta(minutes=1), NOW + timedelta(minutes=1))


# --- the record -------------------------------------------------------------------------------------------


def test_a_transfer_of_the_asked_amount_to_us_in_time_is_what_was_asked_about() -> None:
    checks = check(transfer(baht(150), BILLER, "QK01"), wanted(baht(150), references=("QK01",)))
    assert (checks.amount, checks.receiver, checks.reference, checks.time) == (True, True, True, True)
    assert checks.faults == ()


def test_one_satang_less_or_more_is_another_amount() -> None:
    for satang in (14_999, 15_001):
        assert check(transfer(Money(satang)), wanted(baht(150))).faults == ("amount_differs",)


def test_every_amount_that_was_named_has_to_be_it() -> None:
    assert check(transfer(baht(150)), wanted(baht(150), baht(151))).amount is False


def test_a_transfer_for_another_order_of_ours_is_told_by_its_reference() -> None:
    checks = check(transfer(baht(150), BILLER, "QK02"), wanted(baht(150), references=("QK01",)))
    assert checks.faults == ("reference_differs",)
    assert check(transfer(), wanted(references=("QK01",))).reference is None, "no reference is shown"


def test_a_transfer_from_before_the_order_is_not_for_it() -> None:
    late = Expected((), (BILLER,), (), NOW + timedelta(seconds=1), NOW + timedelta(hours=1))
    assert check(transfer(), late).faults == ("time_differs",)


@pytest.mark.parametrize(
    ("shown", "own", "is_ours"),
    [
        (BILLER, (BILLER,), True),
        (BILLER, ("123456789012346",), False),
        ("xxx-xxx-5678", ("0812345678",), True),
        ("XXX-XXX-5679", ("0812345678",), False),
        ("66812345678", ("0812345678",), True),
        ("0066812345678", ("0812345678",), True),
        ("xxx-x-x1234-x", ("9991113345",), False),
        ("xxx-x-x1234-x", ("9998812349",), True),
        ("xxx-x-x1234-x", (BILLER,), None),
        ("xxx-x-xx34-x", ("9998881234",), None),
        ("", (BILLER,), None),
        (BILLER, (), None),
        (BILLER, ("0812345678", BILLER), True),
    ],
)
def test_a_receiver_is_compared_by_the_digits_in_sight(
    shown: str, own: tuple[str, ...], is_ours: bool | None
) -> None:
    assert same_receiver(shown, own) is is_ours


@given(st.text("0123456789", min_size=8, max_size=15), st.data())
def test_our_own_id_is_ours_however_it_is_masked(digits: str, data: st.DataObject) -> None:
    hidden = data.draw(st.sets(st.integers(0, len(digits) - 1), max_size=len(digits) - 4))
    masked = "".join("x" if place in hidden else digit for place, digit in enumerate(digits))
    assert same_receiver(masked, (digits,)) is True


# --- the picture ------------------------------------------------------------------------------------------


def slip_picture(text: str, form: str, *, turned: int = 0) -> bytes:
    """What a banking app saves: a QR in the corner of a page."""
    page = Image.new("RGB", (900, 1600), (240, 245, 250))
    page.paste(Image.open(io.BytesIO(images.png(text, scale=5))).convert("RGB"), (600, 1200))
    out = io.BytesIO()
    page.rotate(turned, expand=True, fillcolor="white").save(out, form)
    return out.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("turned", [0, 90, 180, 7])
def test_the_qr_of_a_slip_is_read_from_its_picture(form: str, turned: int) -> None:
    assert qr_texts(slip_picture(TEXT, form, turned=turned)) == [TEXT]


def test_a_photograph_of_many_pixels_is_read_in_a_smaller_size() -> None:
    page = Image.new("RGB", (4000, 6000), "white")
    page.paste(Image.open(io.BytesIO(images.png(TEXT, scale=20))).convert("RGB"), (500, 500))
    out = io.BytesIO()
    page.save(out, "JPEG", quality=60)
    assert qr_texts(out.getvalue()) == [TEXT]


def test_what_is_transparent_is_white() -> None:
    black = Image.open(io.BytesIO(images.png(TEXT, scale=5))).convert("L").point(lambda level: 255 - level)
    clear = Image.new("RGBA", black.size, (0, 0, 0, 0))
    clear.putalpha(black)
    out = io.BytesIO()
    clear.save(out, "PNG")
    assert qr_texts(out.getvalue()) == [TEXT]


def test_a_picture_without_a_qr_has_no_text() -> None:
    out = io.BytesIO()
    Image.new("L", (50, 50), 255).save(out, "PNG")
    assert qr_texts(out.getvalue()) == []


def bomb(width: int, height: int) -> bytes:
    """A few bytes that say they are a large picture."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(30_000, 30_000), (12_000_001, 1), (2**31 - 1, 2**31 - 1)])
def test_a_picture_that_would_be_huge_is_never_unpacked(size: tuple[int, int]) -> None:
    with pytest.raises(PictureTooLarge):
        qr_texts(bomb(*size))


def test_too_many_bytes_are_not_even_looked_at() -> None:
    with pytest.raises(PictureTooLarge):
        qr_texts(b"\0" * (BYTES_MAX + 1))


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF", "WEBP"])
def test_only_png_and_jpeg_are_opened(form: str) -> None:
    out = io.BytesIO()
    Image.new("L", (50, 50), 255).save(out, form)
    with pytest.raises(PictureUnreadable):
        qr_texts(out.getvalue())


@given(st.binary(max_size=300))
def test_bytes_that_are_no_picture_are_refused(noise: bytes) -> None:
    with pytest.raises(PictureUnreadable):
        qr_texts(noise)


@given(st.data())
def test_a_broken_picture_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([images.png(TEXT, scale=3), _small_jpeg()]))
    place = data.draw(st.integers(0, len(whole) - 1))
    broken = whole[:place] + data.draw(st.binary(min_size=1, max_size=8)) + whole[place + 4 :]
    try:
        texts = qr_texts(broken)
    except (PictureUnreadable, PictureTooLarge):
        return
    assert all(isinstance(text, str) for text in texts)


def _small_jpeg() -> bytes:
    out = io.BytesIO()
    Image.open(io.BytesIO(images.png(TEXT, scale=3))).convert("L").save(out, "JPEG")
    return out.getvalue()
