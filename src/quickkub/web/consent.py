"""The consent page of the OAuth2 server: who asks for what, in the words of a shop's owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import jinja2

from quickkub.access.oauth.ask import Consent, SignedIn
from quickkub.access.oauth.rules import origin_of
from quickkub.web.assets import HERE, Assets
from quickkub.web.consent_words import WORDS, scope_text
from quickkub.web.headers import content_policy, page_headers
from quickkub.web.words import Lang, choose_language

_LANGUAGE: Final = "lang"


class ConsentPages:
    """The templates, ready to be filled in."""

    def __init__(self, assets: Assets, *, https: bool) -> None:
        self._env = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._env.globals["asset"] = assets.of
        # With no-referrer a browser would say of the form that it comes from nowhere.
        self._headers = page_headers(https=https) | {"referrer-policy": "same-origin"}

    def ask(
        self, consent: Consent, who: SignedIn, query: Sequence[tuple[str, str]], accept_language: str | None
    ) -> tuple[str, Mapping[str, str]]:
        """Who asks for what, and a form that is sent to us and answered with a redirect to the client."""
        lang = _language(query, accept_language)
        lines = [scope_text(scope, lang) for scope in consent.scopes]
        policy = content_policy("'self'", origin_of(consent.redirect_uri))
        html = self._fill(lang, query, consent=consent, who=who, lines=lines)
        return html, self._told(lang) | {"content-security-policy": policy}

    def say(
        self, name: str, query: Sequence[tuple[str, str]], accept_language: str | None
    ) -> tuple[str, Mapping[str, str]]:
        """A page that only says something: `sign_in`, `address`, `ticket` or `away`."""
        lang = _language(query, accept_language)
        return self._fill(lang, query, consent=None, name=name), self._told(lang)

    def _fill(self, lang: Lang, query: Sequence[tuple[str, str]], **values: Any) -> str:
        kept = [(name, value) for name, value in query if name != _LANGUAGE]
        links = {one: urlencode([*kept, (_LANGUAGE, one)]) for one in ("th", "en")}
        return self._env.get_template("consent.html").render(lang=lang, w=WORDS[lang], links=links, **values)

    def _told(self, lang: Lang) -> dict[str, str]:
        return self._headers | {"content-language": lang, "vary": "accept-language"}


def _language(query: Sequence[tuple[str, str]], accept_language: str | None) -> Lang:
    return choose_language(dict(query).get(_LANGUAGE), accept_language)
