from quickkub.web.headers import asset_headers, content_policy, page_headers

POLICY = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "connect-src": ["'self'"],
    "font-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "base-uri": ["'none'"],
    "object-src": ["'none'"],
    "require-trusted-types-for": ["'script'"],
    "trusted-types": ["'none'"],
}


def test_the_policy_of_a_page_allows_what_is_ours_and_nothing_else() -> None:
    given = page_headers(https=True)["content-security-policy"]
    assert {name: values for name, *values in map(str.split, given.split(";"))} == POLICY


def test_the_policy_of_a_page_with_a_form_differs_in_where_the_form_may_go_and_in_nothing_else() -> None:
    given = content_policy("https://cards.example:8443")
    differing = {name: values for name, *values in map(str.split, given.split(";"))}
    assert differing == POLICY | {"form-action": ["https://cards.example:8443"]}


def test_a_browser_is_told_to_insist_on_https_only_over_https() -> None:
    assert page_headers(https=True)["strict-transport-security"].startswith("max-age=63072000")
    assert "strict-transport-security" not in page_headers(https=False) | asset_headers(https=False)


def test_a_page_of_a_payment_is_kept_by_nobody() -> None:
    headers = page_headers(https=False)
    assert headers["cache-control"] == "no-store"
    assert headers["x-robots-tag"] == "noindex, nofollow"


def test_a_page_is_alone_with_its_payer() -> None:
    headers = page_headers(https=False)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    features = headers["permissions-policy"].split(", ")
    assert {"camera=()", "payment=()", "geolocation=()"} <= set(features)
    assert all(feature.endswith("=()") for feature in features)


def test_a_file_named_by_its_digest_is_kept_for_ever() -> None:
    assert asset_headers(https=False)["cache-control"] == "public, max-age=31536000, immutable"
