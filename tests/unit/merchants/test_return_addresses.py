"""Which addresses a payer may be sent back to."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.merchants.return_addresses import is_listed, read_entry, read_place
from quickkub.merchants.return_list import (
    ReturnAddressInvalid,
    ReturnAddressNotListed,
    read_entries,
    refuse_unlisted,
)

SHOP: Final = "https://shop.example"
FOLDER: Final = "https://shop.example/pay"
PUNY: Final = "https://xn--" + "ร้าน".encode("punycode").decode() + ".example"

_NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
_HOSTS = st.lists(_NAMES, min_size=2, max_size=4).map(".".join)
_PATHS = st.lists(_NAMES, max_size=4).map(lambda steps: "".join(f"/{step}" for step in steps))
_TAILS = st.sampled_from(["", "/", "?order=1", "#done", "/?a=https://evil.example/", "?a=/../b"])


@pytest.mark.parametrize(
    ("address", "entry"),
    [
        ("https://shop.example/done?order=7#top", SHOP),
        ("https://shop.example", SHOP),
        ("HTTPS://SHOP.Example:443/done", SHOP),
        ("https://shop.example/done", "https://SHOP.example:443/"),
        ("https://shop.example:8443/", "https://shop.example:8443"),
        ("https://shop.example/pay", FOLDER),
        ("https://shop.example/pay/", FOLDER),
        ("https://shop.example/pay/7", FOLDER + "/"),
        ("https://shop.example/pay?order=7", FOLDER),
        ("https://ร้าน.example/สำเร็จ", PUNY),
        ("https://shop.example/%e0%b8%81/1", "https://shop.example/ก"),
        ("https://\uff53\uff48\uff4f\uff50.example/", SHOP),
    ],
)
def test_an_address_below_an_entry_is_listed_however_the_same_is_written(address: str, entry: str) -> None:
    assert is_listed(address, [entry], "live")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/pay",
        "//shop.example/pay",
        "https:shop.example/pay",
        "https:///shop.example/pay",
        "http://shop.example/pay",
        "javascript://shop.example/pay",
        "https://shop.example@evil.example/pay",
        "https://evil.example@shop.example/pay",
        "https://@shop.example/pay",
        "https://:@shop.example/pay",
        "https://evil.example\\@shop.example/pay",
        "https://shop.example\\.evil.example/pay",
        "https:\\\\shop.example\\pay",
        "https://shop.example./pay",
        "https://shop.example.evil.example/pay",
        "https://evilshop.example/pay",
        "https://pay.shop.example/pay",
        "https://shop.example:8443/pay",
        "https://shop.example:80/pay",
        "https://shop.example:0/pay",
        "https://shop.example:443x/pay",
        "https://shop.example:99999/pay",
        "https://shop.example/",
        "https://shop.example/payments",
        "https://shop.example/pay2",
        "https://shop.example/PAY",
        "https://shop.example/pay%2f7",
        "https://shop.example/pay;x",
        "https://shop.example/pay/../admin",
        "https://shop.example/pay/..",
        "https://shop.example/pay/./7",
        "https://shop.example/pay/%2e%2E/admin",
        "https://shop.example/pay/.%2e/admin",
        "https://shop.example/pay/..%2fadmin",
        "https://shop.example/pay/..%5cadmin",
        "https://shop.example/pay/.\t./admin",
        "https://shop.example/pay/7\n",
        " https://shop.example/pay",
        "https://shop.example/pay/\u202e7",
        "https://shop.example/pay/%zz",
        "https://sh%6fp.example/pay",
        "https://shop.example\uff0f.evil.example/pay",
        "https://shop.example\u3002evil.example/pay",
        "https://sh\u043ep.example/pay",
        "https://*/pay",
        "https://[::1]/pay",
        "https://[::1/pay",
        "https://127.0.0.1/pay",
        "https://shop.example/" + "a" * 2048,
    ],
)
def test_what_only_looks_like_an_entry_is_not_listed(address: str) -> None:
    assert not is_listed(address, [FOLDER], "live")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop.example",
        "http://shop.example",
        "http://127.0.0.1:8080",
        "https://*.shop.example",
        "https://user@shop.example",
        "https://shop.example.",
        "https://shop.example/?a=1",
        "https://shop.example/#a",
        "https://shop.example/a/../b",
    ],
)
def test_what_is_no_https_origin_or_beginning_of_a_path_is_no_entry_and_lists_nothing(text: str) -> None:
    assert read_entry(text) is None
    assert not is_listed("https://shop.example/a/b", [text], "live")


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:8080/back", "http://localhost/back", "https://localhost:3000/", "http://[::1]:1/"],
)
def test_ones_own_machine_is_listed_in_test_mode_only(address: str) -> None:
    assert is_listed(address, [], "test")
    assert not is_listed(address, [SHOP], "live")


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost.evil.example/",
        "http://127.0.0.1.evil.example/",
        "http://127.0.0.1@evil.example/",
        "http://127.0.0.2/",
        "http://10.0.0.1/",
        SHOP,
    ],
)
def test_what_only_looks_like_ones_own_machine_has_to_be_listed_once_there_is_a_list(address: str) -> None:
    assert not is_listed(address, [FOLDER], "test")


def test_test_mode_knows_every_address_until_there_is_a_list_and_live_mode_none() -> None:
    assert is_listed(SHOP, [], "test")
    assert not is_listed(SHOP, [], "live")
    assert not is_listed("https://shop.example@evil.example/", [], "test")


@given(_HOSTS, _PATHS, _PATHS, _TAILS, st.booleans())
def test_everything_below_an_entry_is_listed(
    host: str, entry: str, below: str, tail: str, loud: bool
) -> None:
    origin = f"https://{host.upper() if loud else host}"
    assert is_listed(origin + entry + below + tail, [f"https://{host}{entry}"], "live")


@given(_HOSTS, _PATHS, _NAMES, _TAILS)
def test_a_longer_name_at_the_end_of_an_entry_is_another_place(
    host: str, entry: str, more: str, tail: str
) -> None:
    """`/a` is not `/ab`, and `shop.co` is not `shop.com`."""
    assert not is_listed(f"https://{host}{entry}{more}{tail}", [f"https://{host}{entry}"], "live")


@given(_HOSTS, _HOSTS, _PATHS, st.sampled_from(["@", "\\@", "\\", ".", "%2e", ":@", "#@", "?@", "/@"]))
def test_no_mark_between_two_hosts_sends_anybody_to_the_other(
    listed: str, other: str, path: str, mark: str
) -> None:
    """Whoever reads the address sees one host or the other; only the listed one may be the first."""
    address = f"https://{other}{mark}{listed}{path}"
    assert not is_listed(address, [f"https://{listed}"], "live") or other == listed


@given(st.text(st.characters(max_codepoint=0x7F), max_size=40), _HOSTS)
def test_whatever_is_listed_has_exactly_the_listed_host(noise: str, host: str) -> None:
    for address in (noise, f"https://{noise}{host}/", f"https://{host}{noise}", f"https://{host}/{noise}"):
        if is_listed(address, [f"https://{host}"], "live"):
            parts = urlsplit(address)
            assert (parts.scheme, parts.hostname, parts.port or 443) == ("https", host, 443)
            assert "@" not in parts.netloc and "\\" not in address and address.isprintable()


@given(st.text(max_size=60))
def test_a_place_reads_the_same_when_it_is_written_out_and_read_again(text: str) -> None:
    for address in (text, f"https://{text}", f"https://shop.example/{text}"):
        place = read_place(address)
        if place is not None and place.is_bare:
            assert read_place(str(place)) == place


@pytest.mark.parametrize("entries", [[], ["https://other.example"]])
def test_live_mode_takes_no_address_that_is_not_listed_and_says_how_to_list_it(entries: list[str]) -> None:
    for address in (SHOP, "http://127.0.0.1/back"):
        with pytest.raises(ReturnAddressNotListed) as refused:
            refuse_unlisted(address, entries, "live")
        assert refused.value.param == "return_url"
        assert "quickkub merchant return-addresses" in refused.value.detail
    refuse_unlisted(None, entries, "live")
    refuse_unlisted(SHOP, [*entries, SHOP], "live")


def test_a_list_is_kept_in_one_spelling_each_entry_once_and_not_without_end() -> None:
    assert read_entries(["https://A.example", "https://a.example:443/", "https://a.example/b/"]) == [
        "https://a.example",
        "https://a.example/b",
    ]
    for wrong in (["https://a.example/" + "b" * 300], [f"https://a{number}.example" for number in range(51)]):
        with pytest.raises(ReturnAddressInvalid):
            read_entries(wrong)
