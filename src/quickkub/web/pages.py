"""From plain values to HTML, and the few words a page that is already open needs to change itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import jinja2

from quickkub.checkout.model import Checkout, Stage, Way
from quickkub.checkout.rules import (
    is_watched,
    seconds_left,
    stage,
    step_to_show,
    text_to_draw,
    way,
    way_back,
    what_to_type,
)
from quickkub.payments.thai_methods import method_named
from quickkub.web.assets import HERE, Assets
from quickkub.web.words import (
    WORDS,
    Lang,
    amount_text,
    clock_text,
    method_name,
    moment_text,
    stage_words,
)

REFRESH_SECONDS: Final = 5
"""How often a page without JavaScript asks again."""


def merchant_name(checkout: Checkout, lang: Lang) -> str:
    """The shop's name in the page's language, as far as it has one."""
    return checkout.merchant_name_th or checkout.merchant_name if lang == "th" else checkout.merchant_name


def told(checkout: Checkout, lang: Lang) -> dict[str, Any]:
    """What an open page needs to show the present standing: the body of `/state` and of each live event.

    `seconds_left` counts from now, so the payer's own clock does not matter; `watch` says whether to go on
    asking; `back` is the merchant's address once there is nothing left to do here.
    """
    standing = checkout.standing
    words = WORDS[lang]
    now = stage(standing)
    title, text = stage_words(
        now, standing.failure_code, words, way(checkout), method_name(checkout.method, lang)
    )
    document = words["document_title_paid" if now is Stage.PAID else "document_title"]
    return {
        "stage": now.value,
        "title": title,
        "text": text,
        "document_title": document.format(
            amount=amount_text(checkout.amount), merchant=merchant_name(checkout, lang)
        ),
        "seconds_left": seconds_left(standing) if now is Stage.WAITING else 0,
        "watch": is_watched(standing),
        "paid_at": moment_text(standing.paid_at, lang) if standing.paid_at else None,
        "back": way_back(checkout),
    }


def _go_on(checkout: Checkout, lang: Lang) -> str:
    """The words on the button to the provider's page: it names a wallet or a bank, and no way to pay."""
    found, words = method_named(checkout.method), WORDS[lang]
    if found is None or found.kind in ("qr", "card"):
        return words["continue_page"]
    return words["continue_to"].format(method=method_name(checkout.method, lang))


class Pages:
    """The templates, ready to be filled in."""

    def __init__(self, assets: Assets) -> None:
        self._env = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._env.globals["asset"] = assets.of

    def checkout(self, checkout: Checkout, token: str, lang: Lang) -> str:
        """The page of one payment."""
        now, paid_by = told(checkout, lang), way(checkout)
        payload = text_to_draw(checkout) if paid_by is Way.QR else None
        return self._fill(
            "checkout.html",
            lang,
            checkout=checkout,
            merchant=merchant_name(checkout, lang),
            amount=amount_text(checkout.amount),
            told=now,
            address=f"/pay/{token}",
            clock=clock_text(now["seconds_left"]),
            step=step_to_show(checkout),
            way=paid_by.value,
            method=method_name(checkout.method, lang),
            go_on=_go_on(checkout, lang),
            typed=what_to_type(payload) if payload is not None else [],
            title=now["document_title"],
            refresh_seconds=REFRESH_SECONDS if now["watch"] else None,
        )

    def message(self, name: str, lang: Lang, *, refresh_seconds: int | None = None) -> str:
        """A page that only says something: `not_found` or `away`."""
        title = WORDS[lang][f"{name}_title"]
        return self._fill("message.html", lang, name=name, title=title, refresh_seconds=refresh_seconds)

    def _fill(self, template: str, lang: Lang, **values: Any) -> str:
        words: Mapping[str, str] = WORDS[lang]
        return self._env.get_template(template).render(lang=lang, w=words, **values)
