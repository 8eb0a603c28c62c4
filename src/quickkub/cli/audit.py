"""`quickkub audit`: verify the chains, anchor them now, hand entries out."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from quickkub.audit import Actor, ActorKind, acting
from quickkub.audit.anchoring import AnchorPlace, anchor
from quickkub.audit.anchors import PUBLIC_KEY, Line, has_lines, read_lines
from quickkub.audit.exporting import FORMATS, Exported, Wish, export
from quickkub.audit.jose import AnchorKey, NotSigned, read_key
from quickkub.audit.sealing import seal_waiting
from quickkub.audit.verify import Verified, verify
from quickkub.cli.ledger import EXIT_BROKEN, EXIT_COULD_NOT_LOOK, DatabaseOption, ask_database
from quickkub.cli.wiring import wiring_of
from quickkub.kernel.ids import MerchantId, has_shape
from quickkub.storage import Database

app = typer.Typer(help="The audit log: verify, anchor, export.", no_args_is_help=True)

AnchorsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--anchors", metavar="DIR", help="Otherwise QUICKKUB_ANCHOR_DIR, or the data folder's."),
]
KeyOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--key", metavar="FILE", help="The anchors' public key (JWK); otherwise the installation's."
    ),
]
_AT_ONCE: Final = 500
_ME: Final = Actor(ActorKind.SYSTEM, "quickkub audit")


@app.command("verify")
def verify_command(
    context: typer.Context,
    database: DatabaseOption = None,
    anchors: AnchorsOption = None,
    key: KeyOption = None,
) -> None:
    """Compute every chain again, compare with the anchors, and name the first bad row of each.

    Exit status: 0 nothing was changed, 1 something was, 2 it could not be looked.
    """
    place = wiring_of(context).anchor_place()
    folder = anchors or place.folder
    lines = _anchor_lines(folder, key, place) if folder.is_dir() and has_lines(folder) else None
    found = ask_database(context, database, lambda db: verify(db, lines))
    for bad in found.bad:
        typer.echo(bad.told())
    typer.echo(_summary(found, folder, anchored=lines is not None))
    if found.bad:
        raise typer.Exit(EXIT_BROKEN)


def _anchor_lines(folder: Path, key: Path | None, place: AnchorPlace) -> list[Line]:
    try:
        return list(read_lines(folder, _public_key(folder, key, place)))
    except NotSigned as trouble:
        typer.echo(f"the anchors' key cannot be read: {trouble}", err=True)
        raise typer.Exit(EXIT_COULD_NOT_LOOK) from trouble


def _public_key(folder: Path, key: Path | None, place: AnchorPlace) -> AnchorKey:
    """The one that was named, or this installation's own, or the one beside the anchors, in this order."""
    for path in (key,) if key else (place.key_file, folder / PUBLIC_KEY):
        found = read_key(path)
        if found is not None:
            typer.echo(f"anchors are checked with the key {found.id} of {path.name}")
            return found
    raise NotSigned("there is no such file")


def _summary(found: Verified, folder: Path, *, anchored: bool) -> str:
    said = [f"{found.entries} entries in {found.chains} chains"]
    if found.waiting:
        said.append(f"{found.waiting} more wait for their seal")
    if anchored:
        said.append(f"{found.anchors} anchors, {found.beyond} entries sealed since the last")
    else:
        said.append(f"no anchors in {folder}: loss of the tail cannot be excluded")
    said.append(f"{len(found.bad)} broken" if found.bad else "nothing was changed")
    return "; ".join(said) + "."


@app.command("anchor")
def anchor_command(
    context: typer.Context, database: DatabaseOption = None, anchors: AnchorsOption = None
) -> None:
    """Seal what waits and write a signed anchor now; a worker does it every hour."""
    place = wiring_of(context).anchor_place()
    if anchors is not None:
        place = AnchorPlace(anchors, place.key_file)

    async def work(db: Database) -> int:
        while await seal_waiting(db, _AT_ONCE) == _AT_ONCE:
            pass
        return len(await anchor(db, place))

    grown = ask_database(context, database, work)
    typer.echo(f"{grown} chains have grown; their heads are in {place.folder}.")


@app.command("export")
def export_command(
    context: typer.Context,
    merchant: Annotated[str | None, typer.Option(metavar="ID", help="This merchant's entries.")] = None,
    platform: Annotated[bool, typer.Option("--platform", help="The platform's own entries.")] = False,
    since: Annotated[str | None, typer.Option("--from", metavar="DAY", help="A day (UTC), included.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="DAY", help="A day (UTC), included.")] = None,
    how: Annotated[str, typer.Option("--format", help="csv or jsonl.")] = "jsonl",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Otherwise standard output.")
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Write entries to a file, all of them unless said otherwise. The export is itself written down.

    The number of entries and the SHA-256 of what was written are told on standard error.
    """
    if how not in FORMATS:
        raise typer.BadParameter("is csv or jsonl", param_hint="--format")
    if merchant is not None and not has_shape(merchant, "mer"):
        raise typer.BadParameter("is an id such as mer_...", param_hint="--merchant")
    wish = Wish(
        MerchantId(merchant) if merchant else None,
        everything=merchant is None and not platform,
        since=_day(since, "--from"),
        until=_day(until, "--to", days_after=1),
        format=how,
    )
    done = ask_database(context, database, lambda db: _exported(db, wish, out))
    typer.echo(f"{done.rows} entries, SHA-256 {done.sha256}", err=True)


async def _exported(db: Database, wish: Wish, out: Path | None) -> Exported:
    with acting(_ME):
        if out is None:
            done = await export(db, wish, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return done
        with await asyncio.to_thread(out.open, "xb") as file:
            return await export(db, wish, file)


def _day(text: str | None, option: str, *, days_after: int = 0) -> datetime | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=days_after)
        return datetime.combine(day, time.min, UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter("is a day such as 2026-11-25", param_hint=option) from None
