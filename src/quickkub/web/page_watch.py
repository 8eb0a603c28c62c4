"""The watch over payers' pages: what is really sent, compared with what we ship.

PCI DSS 4.0.1, 6.4.3 and 11.6.1. It asks the public address, so that what a proxy, a network of caches or an
intruder puts in between is seen, too: security headers, what the page loads, and the bytes of every file of
the manifest, plain and compressed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from quickkub.audit import Act, record
from quickkub.kernel.ids import new_id
from quickkub.storage import Database
from quickkub.storage.scope import house
from quickkub.telemetry import get_logger
from quickkub.telemetry.pages import DIFFERENCES, UNREACHED, WATCHED
from quickkub.web import page_watch_store as store
from quickkub.web.assets import Assets, Listed, listed
from quickkub.web.headers import asset_headers, page_headers
from quickkub.web.page_fetch import Asker, Came, PageAway, asker
from quickkub.web.page_loads import page_differences

NO_PAYMENT: Final = "/pay/none"
"""Where nobody's payment is: its page is shown when there is no payment whose page could be looked at."""

SHOWN_MAX: Final = 50
_ENCODINGS: Final = ("identity", "gzip")
_HTML_STATUS: Final = {"checkout": HTTPStatus.OK, "message": HTTPStatus.NOT_FOUND}

log = get_logger("web")


@dataclass(frozen=True, slots=True)
class Watched:
    """What one look found. `pages` names the kinds of pages that were seen, `answers` counts what came."""

    id: str
    address: str
    pages: tuple[str, ...]
    answers: int
    differences: tuple[str, ...]
    unreached: str | None
    seen_at: datetime

    @property
    def outcome(self) -> str:
        """`same`, `different`, or `unreached`."""
        return "different" if self.differences else "unreached" if self.unreached else "same"


class _Look:
    """One look at everything below one address."""

    def __init__(self, asking: Asker, *, https: bool) -> None:
        self._asking = asking
        self._https = https
        self._assets = Assets()
        self._manifest = listed()
        self.answers = 0
        self.pages: list[str] = []
        self.differences: list[str] = []

    async def page(self, page: str, path: str) -> None:
        """A page of the kind `page`. Raises PageAway."""
        for encoding in _ENCODINGS:
            came = await self._get(path, encoding)
            where = f"{page} page"
            if came.status != _HTML_STATUS[page]:
                self.differences.append(f"{where}: the status is {came.status}")
                continue
            self._compare(where, page_headers(https=self._https), came.headers)
            html = came.body.decode(errors="replace")
            found = page_differences(html, page, path, self._assets, self._manifest)
            self.differences += [f"{where}: {one}" for one in found]
        self.pages.append(page)

    async def file(self, line: Listed) -> None:
        """A file of the manifest, as it comes plain and compressed. Raises PageAway."""
        for encoding in _ENCODINGS:
            came = await self._get(self._assets.of(line.file).path, encoding)
            if came.status != HTTPStatus.OK:
                self.differences.append(f"{line.file}: the status is {came.status}")
                continue
            self._compare(line.file, asset_headers(https=self._https), came.headers)
            sha256 = hashlib.sha256(came.body).hexdigest()
            if sha256 != line.sha256:
                self.differences.append(f"{line.file}: SHA-256 {sha256} came, {line.sha256} is listed")

    async def everything(self, checkout: str | None) -> None:
        """All pages and files. Raises PageAway."""
        await self.page("message", NO_PAYMENT)
        if checkout is not None:
            await self.page("checkout", checkout)
        for line in self._manifest:
            await self.file(line)

    async def _get(self, path: str, encoding: str) -> Came:
        came = await self._asking.get(path, encoding=encoding)
        self.answers += 1
        return came

    def _compare(self, where: str, wanted: Mapping[str, str], found: Mapping[str, str]) -> None:
        for name, value in wanted.items():
            if name not in found:
                self.differences.append(f"{where}: the header {name} is missing")
            elif found[name] != value and name != "vary":
                self.differences.append(f"{where}: the header {name} is {found[name][:200]!r}, not {value!r}")
        if "set-cookie" in found:
            self.differences.append(f"{where}: a cookie is set")


async def watch_pages(db: Database, public_url: str) -> Watched:
    """Look once, write down what was found, and tell: alarms page on a difference.

    The result and its audit entry are written whatever came of it. Raises DatabaseAway, AssetNotAsListed.
    """
    with house():
        async with db.read() as reader:
            token = await store.payment_to_look_at(reader)
        async with asker(public_url) as asking:
            look = _Look(asking, https=public_url.startswith("https:"))
            unreached = await _look(look, f"/pay/{token}" if token is not None else None)
        watched = await _write(db, public_url, look, unreached)
    _tell(watched)
    return watched


async def _look(look: _Look, checkout: str | None) -> str | None:
    try:
        await look.everything(checkout)
    except PageAway as trouble:
        return str(trouble)
    return None


async def _write(db: Database, address: str, look: _Look, unreached: str | None) -> Watched:
    differences = tuple(sorted(set(look.differences)))
    async with db.transaction() as tx:
        seen_at = await store.now(tx)
        watched = Watched(
            new_id("pgw"), address, tuple(look.pages), look.answers, differences, unreached, seen_at
        )
        await store.add(tx, watched.id, _as_row(watched))
        after = {"differences": len(differences), "pages": list(watched.pages), "address": address}
        outcome = "done" if watched.outcome == "same" else "failed"
        await record(tx, Act("pages.watched", "page_watch", watched.id, outcome=outcome, after=after))
    return watched


def _as_row(watched: Watched) -> store.Row:
    shown = watched.differences[:SHOWN_MAX]
    return store.Row(
        watched.address,
        watched.outcome,
        list(watched.pages),
        watched.answers,
        len(watched.differences),
        list(shown),
        watched.unreached,
        watched.seen_at,
    )


def _tell(watched: Watched) -> None:
    DIFFERENCES.set(len(watched.differences))
    UNREACHED.set(1 if watched.unreached else 0)
    if watched.unreached:
        log.error("payers' pages could not be looked at", reference=watched.id, reason=watched.unreached)
    else:
        WATCHED.set_to_current_time()
    for one in watched.differences[:SHOWN_MAX]:
        log.error("a payers' page is not what we ship", reference=watched.id, reason=one)
