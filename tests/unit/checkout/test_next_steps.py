"""What a provider gives the payer to do is believed as far as it is harmless."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.checkout.model import Step, Way
from quickkub.checkout.rules import picture_to_show, step_to_show, text_to_draw, way, way_back
from quickkub.checkout.steps import (
    ADDRESS_LETTERS_MAX,
    is_app_link,
    is_web_address,
    origin_of,
    read_picture,
    read_step,
)
from quickkub.connectors.contract import Action, ActionKind
from quickkub.payments.states import PaymentState
from quickkub.payments.view import action_view
from tests.support import next_actions
from tests.support.standings import checkout, standing

APP_LINK = "scbeasysim://purchase/1"
PAGE = "https://wallet.example/pay"


def step(action: dict[str, Any], mode: str = "live") -> Step | None:
    return read_step(action, mode)


ACTIONS = [
    Action(ActionKind.DISPLAY_QR, "0002..."),
    Action(ActionKind.DISPLAY_IMAGE, next_actions.png_address()),
    Action(ActionKind.REDIRECT, PAGE),
    Action(ActionKind.REDIRECT, PAGE, app_value="line://pay/payment/1"),
    Action(ActionKind.FORM_POST, PAGE, fields={"a": "1"}),
    Action(ActionKind.OPEN_APP, APP_LINK),
    Action(ActionKind.APPROVE_IN_APP, ""),
]


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_of_the_contract_can_be_shown(action: Action) -> None:
    found = step(action_view(action))
    assert found is not None
    assert found.kind is action.kind


def test_no_kind_of_action_is_left_out() -> None:
    assert {action.kind for action in ACTIONS} == set(ActionKind)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt://wallet.example/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript://x",
        "intent://pay#Intent;scheme=http;end",
        "file:///etc/passwd",
        "blob:https://wallet.example/1",
        "about:blank",
        "//wallet.example/pay",
        "/pay",
        "",
        "https://",
        "https://user:secret@wallet.example/",
        "https://wallet.example\\@evil.example/",
        "https://wallet.example/ with spaces",
        "https://wallet.example/\u0e01",
        "https://wallet.example;script-src/",
        "https://wallet.example:port/",
        "https://[::1]/",
        "https://wallet.example/" + "a" * ADDRESS_LETTERS_MAX,
        "line:pay",
        "linejavascript:alert(1)",
        None,
        7,
    ],
)
@pytest.mark.parametrize("kind", ["redirect", "form_post", "open_app"])
def test_an_address_that_could_do_harm_is_no_step(address: object, kind: str) -> None:
    for mode in ("test", "live"):
        assert step({"type": kind, "url": address}, mode) is None


def test_a_harmful_app_link_beside_a_good_page_is_left_out() -> None:
    found = step({"type": "redirect", "url": PAGE, "app_url": "javascript://x"})
    assert found is not None
    assert (found.url, found.app_url) == (PAGE, "")


@pytest.mark.parametrize("host", ["127.0.0.1:3100", "localhost:3100"])
def test_a_page_on_this_machine_may_go_without_encryption(host: str) -> None:
    assert is_web_address(f"http://{host}/pay", "live")


def test_without_encryption_payers_are_sent_on_in_test_mode_only() -> None:
    assert is_web_address("http://simulators.example/pay", "test")
    assert not is_web_address("http://simulators.example/pay", "live")
    assert is_web_address(PAGE, "live")


@pytest.mark.parametrize(
    "link",
    [
        "scbeasy://purchase/1",
        "scbeasysim://purchase/1",
        "bualuangmbanking://pay?ref=1",
        "krungsri-sim://pay?ref=1",
        "kplus://payment?tokenId=1",
        "line://pay/payment/1",
        "truemoney://order/1",
        "weixin://wxpay/1",
        "KPLUS://PAY",
    ],
)
def test_apps_that_payers_in_thailand_pay_with_may_be_opened(link: str) -> None:
    assert is_app_link(link)
    found = step({"type": "open_app", "url": link})
    assert found is not None
    assert found.qr_text == found.app_url == link


def test_a_page_that_is_an_app_link_opens_the_app() -> None:
    found = step({"type": "redirect", "url": APP_LINK})
    assert found is not None
    assert found.kind is ActionKind.OPEN_APP


def test_an_app_link_beside_an_apps_web_address_is_the_one_for_phones() -> None:
    found = step({"type": "open_app", "url": "https://bank.example/app/1", "app_url": APP_LINK})
    assert found is not None
    assert (found.app_url, found.qr_text) == (APP_LINK, APP_LINK)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
KINDS = st.sampled_from([kind.value for kind in ActionKind]) | JSON


@given(
    KINDS, JSON, JSON, st.dictionaries(st.text(), st.text(), max_size=3), st.sampled_from(["live", "test"])
)
def test_whatever_a_provider_sends_a_payer_gets_a_harmless_step_or_none(
    kind: object, url: object, app_url: object, fields: dict[str, str], mode: str
) -> None:
    action = {
        "type": kind,
        "qr_payload": url,
        "image": url,
        "url": url,
        "app_url": app_url,
        "fields": fields,
    }
    found = read_step(action, mode)
    for address in (found.url, found.app_url) if found else ():
        assert not address or is_web_address(address, mode) or is_app_link(address)


HOSTS = st.from_regex(r"[a-z0-9-]{1,20}(\.[a-z]{2,6}){1,3}", fullmatch=True)


@given(st.text(max_size=40) | HOSTS.map(lambda host: f"https://{host}/pay;x,'self'?a=1"))
def test_what_goes_into_the_policy_names_one_origin_and_cannot_end_the_line(address: str) -> None:
    if is_web_address(address, "live"):
        origin = origin_of(address)
        assert not set(origin) & set(" ;,'\"*")
        assert urlsplit(origin).path == ""


def test_an_origin_keeps_its_port() -> None:
    assert origin_of("https://cards.example:8443/payForm?x=1") == "https://cards.example:8443"
    assert origin_of("https://Cards.example/payForm") == "https://cards.example"


@pytest.mark.parametrize(
    "image",
    [
        "data:text/html;base64,AAAA",
        "data:image/png,AAAA",
        "data:image/png;base64,",
        "data:image/png;base64,A",
        "data:image/png;base64,AAAA#x",
        "https://wallet.example/qr.png",
        "data:image/svg+xml;utf8,<svg/>",
        None,
    ],
)
def test_only_a_whole_picture_is_shown_as_one(image: object) -> None:
    assert read_picture(image) is None
    assert step({"type": "display_image", "image": image}) is None


def test_a_drawing_cannot_be_kept_among_the_photos_of_a_phone() -> None:
    png, svg = read_picture(next_actions.png_address()), read_picture(next_actions.svg_address())
    assert png is not None
    assert svg is not None
    assert (png.can_be_kept, svg.can_be_kept) == (True, False)
    assert png.body.startswith(b"\x89PNG")


WAYS = [
    ("promptpay", next_actions.PICTURE, Way.QR),
    ("wechat", next_actions.OTHER_QR, Way.OTHER_QR),
    ("bill_payment", next_actions.PICTURE, Way.COUNTER),
    ("linepay", next_actions.REDIRECT, Way.PAGE),
    ("card", next_actions.FORM, Way.PAGE),
    ("scb_easy", next_actions.APP, Way.APP),
    ("b_scan_c", next_actions.APPROVE, Way.APPROVE),
    ("linepay", {"type": "redirect", "url": "javascript:alert(1)"}, Way.UNSHOWN),
    ("linepay", {"type": "telepathy"}, Way.UNSHOWN),
]


@pytest.mark.parametrize(("method", "action", "expected"), WAYS)
def test_the_page_speaks_of_the_way_this_payment_is_paid(
    method: str, action: dict[str, Any], expected: Way
) -> None:
    assert way(checkout(method=method, step=step(action))) is expected


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("promptpay", Way.QR),
        ("qr_credit", Way.OTHER_QR),
        ("counter", Way.COUNTER),
        ("card", Way.PAGE),
        ("swish", Way.PAGE),
    ],
)
def test_before_the_provider_said_how_the_method_tells(method: str, expected: Way) -> None:
    assert way(checkout(PaymentState.CREATED, method=method, step=None)) is expected


def test_a_payer_who_is_shown_nothing_may_go_back_to_the_shop() -> None:
    assert way_back(checkout(step=None)) == "https://shop.example/thanks"
    assert way_back(checkout()) is None


@pytest.mark.parametrize(("method", "action"), next_actions.EVERY)
def test_what_is_over_is_shown_no_more(method: str, action: dict[str, Any]) -> None:
    waiting = checkout(method=method, step=step(action, "test"))
    assert step_to_show(waiting) is not None
    over = replace(waiting, standing=standing(seconds_left=0))
    assert (step_to_show(over), text_to_draw(over), picture_to_show(over)) == (None, None, None)
