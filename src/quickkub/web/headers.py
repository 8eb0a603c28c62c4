"""The headers that keep a page of ours alone with its payer (security-reliability 5.8)."""

from __future__ import annotations

from typing import Final


def content_policy(*form_to: str) -> str:
    """The policy of a page. `form_to`: the origins its form may be sent to, if a provider takes a form.

    Browsers ask the same of every address that the form's answer redirects to.
    """
    return _POLICY.format(form_to=" ".join(form_to) or "'self'")


_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "font-src 'self'",
        "img-src 'self' data:",
        "form-action {form_to}",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
        "require-trusted-types-for 'script'",
        # Our scripts only ever set text, so no policy that makes HTML from strings may exist at all.
        "trusted-types 'none'",
    )
)

CONTENT_POLICY: Final = content_policy()

_CLOSED: Final = (
    "accelerometer",
    "autoplay",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "geolocation",
    "gyroscope",
    "hid",
    "idle-detection",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "usb",
    "xr-spatial-tracking",
)

TWO_YEARS_SECONDS: Final = 63_072_000


def common_headers(*, https: bool) -> dict[str, str]:
    """On everything we serve. HSTS only over https: a browser would not believe it elsewhere, and a gateway
    tried out on http://localhost must not lock that name to https."""
    headers = {
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": ", ".join(f"{feature}=()" for feature in _CLOSED),
        "x-frame-options": "DENY",
    }
    if https:
        headers["strict-transport-security"] = f"max-age={TWO_YEARS_SECONDS}; includeSubDomains"
    return headers


def page_headers(*, https: bool) -> dict[str, str]:
    """On everything that belongs to one payment: as above, kept by no cache and no search engine."""
    return common_headers(https=https) | {
        "content-security-policy": CONTENT_POLICY,
        "cache-control": "no-store",
        "x-robots-tag": "noindex, nofollow",
    }


def asset_headers(*, https: bool) -> dict[str, str]:
    """On style, scripts and icons: the name holds the digest, so a copy is good for ever."""
    return common_headers(https=https) | {
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "cache-control": "public, max-age=31536000, immutable",
        "vary": "accept-encoding",
    }
