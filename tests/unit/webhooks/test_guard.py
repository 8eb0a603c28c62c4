"""Which URLs may be called."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.webhooks.addresses import is_public
from quickkub.webhooks.guard import Guard, UrlRefused, read_url
from tests.support.webhooks import LyingResolver

PUBLIC = "93.184.216.34"
GOOD = "https://shop.example/hooks"


def guard_for(*answers: Sequence[str], development: bool = False) -> Guard:
    return Guard(LyingResolver(*(answers or ([PUBLIC],))), loopback_in_test_mode=development)


@pytest.mark.parametrize(
    "url",
    [
        GOOD,
        "https://shop.example",
        "https://shop.example:443/",
        "https://shop.example:8443/hooks?shop=1&x=%E0%B8%81",
        "https://SHOP.example/Hooks",
        "https://93.184.216.34/hooks",
        "https://[2606:4700:4700::1111]/hooks",
    ],
)
async def test_a_public_https_address_may_be_called(url: str) -> None:
    cleared = await guard_for().clear(url, "live")
    assert cleared.addresses == (PUBLIC,)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example",
        "//shop.example/hooks",
        "http://shop.example/hooks",
        "ftp://shop.example/hooks",
        "file:///etc/passwd",
        "gopher://shop.example:443/",
        "javascript:alert(1)",
        "https:///hooks",
        "https://",
        "https://:443/",
        "https://user@shop.example/",
        "https://user:password@shop.example/",
        "https://shop.example@127.0.0.1/",
        "https://127.0.0.1\\@shop.example/",
        "https://127.0.0.1#@shop.example/",
        "https://shop.example/hooks#part",
        "https://shop.example:80/",
        "https://shop.example:22/",
        "https://shop.example:0/",
        "https://shop.example:65536/",
        "https://shop.example:443:443/",
        "https://shop.example:٤٤٣/",
        "https://shop.example: 443/",
        "https://shop .example/",
        " https://shop.example/",
        "https://shop.example/\n",
        "https://shop.example/\r\nHost: inside",
        "https://shop.example/\x00",
        "https://shop%2eexample/",
        "https://%31%32%37.0.0.1/",
        "https://shop..example/",
        "https://.example/",
        "https://-shop.example/",
        "https://" + "a" * 64 + ".example/",
        "https://shop.example/" + "a" * 2048,
        "https://[::1/",
        "https://[::1%25eth0]/",
        "https://[127.0.0.1]/",
        "https://[v1.a]/",
        "https://*.example/",
        "https://shop.example/ก",
    ],
)
async def test_anything_else_is_refused_before_its_name_is_looked_up(url: str) -> None:
    resolver = LyingResolver([PUBLIC])
    with pytest.raises(UrlRefused):
        await Guard(resolver).clear(url, "live")
    assert resolver.asked == []


@pytest.mark.parametrize(
    "host",
    ["127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1", "127.0.0.1."],
)
async def test_numbers_that_mean_this_machine_in_disguise_are_refused(host: str) -> None:
    with pytest.raises(UrlRefused):
        await guard_for(["127.0.0.1"]).clear(f"https://{host}/", "live")
    with pytest.raises(UrlRefused):
        await guard_for(["127.0.0.1"]).clear(f"https://{host}.shop.example/", "live")


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["fe80::1%eth0"],
        [PUBLIC, "10.0.0.1"],
        ["2606:4700:4700::1111", "::1"],
        ["not an address"],
        [],
        [PUBLIC] * 17,
    ],
)
async def test_a_name_with_one_address_that_is_not_public_is_refused(addresses: list[str]) -> None:
    with pytest.raises(UrlRefused):
        await guard_for(addresses).clear(GOOD, "live")


@pytest.mark.parametrize("trouble", [OSError("no such name"), TimeoutError(), UnicodeError("label too long")])
async def test_a_name_that_cannot_be_resolved_is_refused(trouble: Exception) -> None:
    class Away:
        async def addresses(self, host: str, port: int) -> Sequence[str]:
            raise trouble

    with pytest.raises(UrlRefused, match="resolved"):
        await Guard(Away()).clear(GOOD, "live")


async def test_the_refusal_does_not_tell_what_an_internal_name_resolves_to() -> None:
    with pytest.raises(UrlRefused) as refused:
        await guard_for(["10.1.2.3"]).clear("https://database.inside.example/", "live")
    assert "10.1.2.3" not in refused.value.detail


async def test_a_name_is_resolved_once_and_its_answer_is_what_is_called() -> None:
    resolver = LyingResolver([PUBLIC], ["127.0.0.1"])
    cleared = await Guard(resolver).clear(GOOD, "live")
    assert (cleared.addresses, resolver.asked) == ((PUBLIC,), ["shop.example"])


async def test_a_name_that_changed_its_answer_is_refused_the_next_time() -> None:
    guard = guard_for([PUBLIC], ["127.0.0.1"])
    await guard.clear(GOOD, "live")
    with pytest.raises(UrlRefused):
        await guard.clear(GOOD, "live")


@pytest.mark.parametrize("url", ["http://localhost:4242/hooks", "https://localhost:4242/", "http://[::1]/"])
async def test_this_machine_may_be_called_in_test_mode_when_the_operator_says_so(url: str) -> None:
    cleared = await guard_for(["127.0.0.1", "::1"], development=True).clear(url, "test")
    assert cleared.loopback


@pytest.mark.parametrize(
    ("mode", "development", "addresses", "url"),
    [
        ("live", True, ["127.0.0.1"], "http://localhost:4242/"),
        ("live", True, ["127.0.0.1"], "https://localhost/"),
        ("test", False, ["127.0.0.1"], "http://localhost:4242/"),
        ("test", False, ["127.0.0.1"], "https://localhost/"),
        ("test", True, ["127.0.0.1", PUBLIC], "https://shop.example/"),
        ("test", True, [PUBLIC], "http://shop.example/"),
        ("test", True, [PUBLIC], "https://shop.example:4242/"),
        ("test", True, ["192.168.1.1"], "http://printer.example/"),
        ("test", True, ["64:ff9b::7f00:1"], "http://localhost/"),
    ],
)
async def test_this_machine_is_not_called_otherwise(
    mode: str, development: bool, addresses: list[str], url: str
) -> None:
    with pytest.raises(UrlRefused):
        await guard_for(addresses, development=development).clear(url, mode)


@pytest.mark.parametrize(
    ("url", "rebuilt"),
    [
        ("https://Shop.Example", "https://shop.example/"),
        ("https://shop.example:443/x?y=1", "https://shop.example/x?y=1"),
        ("https://shop.example:8443", "https://shop.example:8443/"),
        ("https://ร้านกาแฟ.ไทย/hooks", "https://xn--12c1ctan9ec9hrc.xn--o3cw4h/hooks"),
        ("https://faß.example/", "https://xn--fa-hia.example/"),
        ("https://shop。example/", "https://shop.example/"),
        ("https://[2606:4700:4700:0::1111]:8443/", "https://[2606:4700:4700::1111]:8443/"),
    ],
)
def test_the_url_is_rebuilt_in_one_spelling(url: str, rebuilt: str) -> None:
    assert read_url(url).url == rebuilt


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example\N{FULLWIDTH SOLIDUS}@inside/",
        "https://\uff11\uff12\uff17.\uff11/",
        "https://shop.example\N{FULLWIDTH COLON}22/",
    ],
)
def test_full_width_letters_do_not_smuggle_anything_in(url: str) -> None:
    with pytest.raises(UrlRefused):
        read_url(url)


@given(st.text(max_size=80).map(lambda text: "https://" + text) | st.text(max_size=40))
def test_what_is_accepted_is_its_own_rebuilding(text: str) -> None:
    try:
        target = read_url(text)
    except UrlRefused:
        return
    assert read_url(target.url) == target
    assert target.url.isascii() and "@" not in target.host


@given(st.lists(st.ip_addresses().map(str), min_size=1, max_size=4))
async def test_an_address_that_is_not_public_never_gets_through(addresses: list[str]) -> None:
    try:
        cleared = await guard_for(addresses).clear(GOOD, "live")
    except UrlRefused:
        assert not all(is_public(address) for address in addresses)
    else:
        assert all(is_public(address) for address in cleared.addresses)
