import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest

from quickkub.checkout.model import Checkout
from quickkub.checkout.steps import read_step
from quickkub.payments.states import PaymentState
from quickkub.web.assets import FOLDER, AssetNotAsListed, Assets, listed, scripts
from quickkub.web.consent import ConsentPages
from quickkub.web.page_loads import page_differences
from quickkub.web.pages import Pages
from quickkub.web.words import WORDS, Lang
from tests.support import next_actions
from tests.support.standings import checkout, standing

TOKEN = "A" * 43
PAGES = Pages(Assets())
EXPIRED = checkout(standing=standing(seconds_left=0))
EVERY_ACTION = [
    checkout(method=method, step=read_step(action, "test")) for method, action in next_actions.EVERY
]
EVERY_CHECKOUT = [
    *(checkout(state) for state in PaymentState),
    EXPIRED,
    checkout(mode="live"),
    checkout(step=None),
    *EVERY_ACTION,
]
EVERY_PAGE = [
    *(PAGES.checkout(each, TOKEN, lang) for each in EVERY_CHECKOUT for lang in ("th", "en")),
    *(
        PAGES.message(name, lang, refresh_seconds=5)
        for name in ("not_found", "away")
        for lang in ("th", "en")
    ),
]


@dataclass
class Seen(HTMLParser):
    """What a page loads, and what it says inside itself."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in ("script", "style") and data.strip():
            self.inline.append(data)
        self.text += data

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def seen(page: str) -> Seen:
    parser = Seen()
    parser.feed(page)
    return parser


def page(of: Checkout, lang: Lang = "en") -> Seen:
    return seen(PAGES.checkout(of, TOKEN, lang))


def test_the_checkout_page_loads_exactly_the_scripts_the_manifest_lists() -> None:
    listed = {
        (Assets().of(line.file).path, integrity(line.sha256))
        for line in scripts()
        if "checkout" in line.pages
    }
    for each in EVERY_CHECKOUT:
        loaded = {(tag["src"], tag["integrity"]) for tag in page(each).all("script")}
        assert loaded == listed


def integrity(sha256: str) -> str:
    return "sha256-" + b64encode(bytes.fromhex(sha256)).decode()


@pytest.mark.parametrize("html", EVERY_PAGE)
def test_every_kind_of_page_loads_what_the_manifest_lists_for_it_and_nothing_else(html: str) -> None:
    kind = "message" if 'class="message"' in html else "checkout"
    assert page_differences(html, kind, f"/pay/{TOKEN}", Assets(), listed()) == []


def test_the_page_of_consent_loads_what_the_manifest_lists_for_it() -> None:
    html, _ = ConsentPages(Assets(), https=True).say("ticket", [], None)
    assert page_differences(html, "consent", "/pay", Assets(), listed()) == []


def test_the_pages_that_only_say_something_load_no_script() -> None:
    assert not [
        tag for name in ("not_found", "away") for tag in seen(PAGES.message(name, "th")).all("script")
    ]


def test_every_listed_file_is_there_for_a_reason() -> None:
    assert scripts()
    assert all(len(line.reason) > 20 and line.pages for line in listed())


@pytest.mark.parametrize("html", EVERY_PAGE)
def test_no_page_holds_a_script_a_style_or_a_handler_inside_itself(html: str) -> None:
    found = seen(html)
    assert not found.inline
    assert not found.all("style")
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]
    assert not [name for _, attributes in found.tags for name in attributes if name == "style"]


@pytest.mark.parametrize("html", EVERY_PAGE)
def test_no_page_loads_anything_from_anyone_else(html: str) -> None:
    loaded = [
        attributes.get("src") or attributes.get("href")
        for tag, attributes in seen(html).tags
        if tag in ("script", "link", "img", "iframe", "source")
    ]
    assert loaded
    ours = ("/assets/", f"/pay/{TOKEN}/", "data:image/")
    assert all(address and address.startswith(ours) for address in loaded)


@pytest.mark.parametrize("html", EVERY_PAGE)
def test_no_link_and_no_form_of_a_page_runs_anything(html: str) -> None:
    found = seen(html)
    leads = [tag["href"] for tag in found.all("a")] + [tag["action"] for tag in found.all("form")]
    assert all(
        not address
        or address.startswith(("#", "?", "/pay/", "https://"))
        or address.split("://")[0] in ("line", "scbeasysim")
        for address in leads
    )


@pytest.mark.parametrize("of", EVERY_ACTION)
def test_every_kind_of_action_has_a_clock_and_says_how_to_pay(of: Checkout) -> None:
    for lang in ("th", "en"):
        found = page(of, lang)
        assert [tag for _, tag in found.tags if tag.get("id") == "clock"]
        assert WORDS[lang]["steps"] in found.text


def test_a_form_carries_the_providers_fields_as_they_are_and_nothing_of_ours() -> None:
    found = page(checkout(method="card", step=read_step(next_actions.FORM, "live")))
    (form,) = found.all("form")
    assert (form["method"], form["action"]) == ("post", next_actions.FORM["url"])
    fields = {tag["name"]: tag["value"] for tag in found.all("input")}
    assert fields == next_actions.FORM["fields"]
    assert all("name" not in button for button in found.all("button"))


def test_a_page_names_the_wallet_it_leads_to() -> None:
    there = checkout(method="linepay", step=read_step(next_actions.REDIRECT, "live"))
    assert "Continue to LINE Pay" in page(there).text
    assert "ไปที่ ไลน์ เพย์" in page(there, "th").text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The assets, for a test to spoil."""
    for path in FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    Assets(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", [path.name for path in sorted(FOLDER.iterdir())])
def test_a_file_that_is_not_as_listed_stops_the_gateway_from_starting(folder: Path, name: str) -> None:
    (folder / name).write_bytes((FOLDER / name).read_bytes() + b"/* and more */")
    with pytest.raises(AssetNotAsListed, match=re.escape(name)):
        Assets(folder)


@pytest.mark.parametrize("name", ["extra.js", "extra.css"])
def test_a_file_nobody_listed_stops_the_gateway_from_starting(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"")
    with pytest.raises(AssetNotAsListed, match=re.escape(name)):
        Assets(folder)


@pytest.mark.parametrize("name", [path.name for path in sorted(FOLDER.iterdir())])
def test_a_listed_file_that_is_missing_stops_the_gateway_from_starting(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(AssetNotAsListed, match="missing"):
        Assets(folder)


def test_an_asset_is_found_only_under_the_name_of_what_it_holds_now() -> None:
    assets = Assets()
    asset = assets.of("base.css")
    digest = hashlib.sha256(asset.body).hexdigest()[:16]
    assert asset.path == f"/assets/base.{digest}.css"
    assert assets.find(asset.name) == asset
    assert assets.find("base.0123456789abcdef.css") is None


def test_what_a_merchant_wrote_is_text_and_never_markup() -> None:
    attack = '<img src=x onerror="alert(1)">'
    found = page(checkout(description=attack, reference=attack, merchant_name=attack))
    assert [image["src"] for image in found.all("img") if image.get("class") == "qr"] == [
        f"/pay/{TOKEN}/qr.png"
    ]
    assert found.text.count(attack) == 4  # name, description and reference on the page; name in its title


@pytest.mark.parametrize("state", [each for each in PaymentState if each is not PaymentState.REQUIRES_ACTION])
def test_a_page_that_is_not_waiting_has_no_qr_and_nothing_to_type(state: PaymentState) -> None:
    found = page(checkout(state))
    assert not [image for image in found.all("img") if image.get("class") == "qr"]
    assert "010555123456700" not in found.text


def test_an_expired_page_has_no_qr() -> None:
    assert not [image for image in page(EXPIRED).all("img") if image.get("class") == "qr"]


def test_without_javascript_a_page_that_waits_refreshes_and_one_that_is_paid_does_not() -> None:
    assert [tag["content"] for tag in page(checkout()).all("meta") if "http-equiv" in tag] == ["5"]
    paid = page(checkout(PaymentState.SUCCEEDED))
    assert not [tag for tag in paid.all("meta") if "http-equiv" in tag]


def test_the_shop_is_named_in_the_language_of_the_page_as_far_as_it_has_a_name_there() -> None:
    assert "ร้านกาแฟคลองสาน" in page(checkout(), "th").text
    assert "Klong San Coffee" in page(checkout(), "en").text
    assert "Klong San Coffee" in page(checkout(merchant_name_th=None), "th").text


def test_test_money_is_called_test_money() -> None:
    assert "no real money" in page(checkout(mode="test")).text
    assert "no real money" not in page(checkout(mode="live")).text


@pytest.mark.parametrize("html", EVERY_PAGE)
def test_every_page_has_a_language_one_first_heading_and_landmarks(html: str) -> None:
    found = seen(html)
    assert found.all("html")[0]["lang"] in ("th", "en")
    assert len(found.all("h1")) == len(found.all("main")) == len(found.all("header")) == 1
    assert all("alt" in image for image in found.all("img"))
