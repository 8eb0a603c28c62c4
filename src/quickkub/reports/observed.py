"""Tables of what other rooms found out: keys, audit chains, invariants, pages' scripts, rules in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from quickkub.access import ground, lockout, passwords, tokens_keys
from quickkub.access.oauth import ask, settle
from quickkub.audit import retention
from quickkub.audit.verify import Verified
from quickkub.ledger.verify import Report
from quickkub.merchants import key_making
from quickkub.reports.model import Cell, Table, cell
from quickkub.reports.words import Words
from quickkub.storage import housekeeping
from quickkub.storage.resealing_inventory import VALUES_MAX, KeyEntry
from quickkub.storage.vault.columns import SEALED


@dataclass(frozen=True, slots=True)
class PageFile:
    """A script, style or image that pages of ours load."""

    kind: str
    file: str
    sha256: str
    pages: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class DataColumn:
    """A column of the schema and how it is classified; the words are the privacy room's."""

    name: str
    kind: str
    whose: str
    kept: str
    shown: str
    erased: str
    sealed: bool


def data_columns(columns: Sequence[DataColumn]) -> Table:
    """Every column of the schema with its class, life and mask."""
    rows = tuple(
        (one.name, one.kind, one.whose, one.kept, one.shown, one.erased, one.sealed) for one in columns
    )
    return Table(
        "data-columns",
        Words("การจำแนกข้อมูลทุกคอลัมน์", "Classification of every column"),
        ("name", "kind", "about", "kept_as", "shown_as", "erased_how", "sealed"),
        rows,
    )


@dataclass(frozen=True, slots=True)
class KeptFor:
    """How long a kind of record is kept here: `days` None is for as long as what it belongs to."""

    kind: str
    days: int | None
    days_min: int
    since: str
    why: str


def retention_periods(kept: Sequence[KeptFor]) -> Table:
    """The periods as this installation's settings have them (PCI DSS 4.0.1, 10.5.1; PDPA s.37)."""
    return Table(
        "retention-periods",
        Words("ระยะเวลาเก็บรักษา", "How long records are kept"),
        ("kind", "days", "days_min", "counted_from", "why"),
        tuple((one.kind, one.days, one.days_min, one.since, one.why) for one in kept),
        Words(
            "ว่างในช่องจำนวนวัน: เก็บไว้ตลอด; ต้องยืนยันกับที่ปรึกษากฎหมาย",
            "No number of days: it stays. Have counsel confirm the periods.",
        ),
    )


def key_inventory(keys: Sequence[KeyEntry]) -> Table:
    """Keys that seal stored values: never the keys themselves (PCI DSS 4.0.1, 3.6 and 3.7)."""
    rows = tuple(
        (
            str(one.number),
            one.state or "unknown to the ring",
            one.fingerprint,
            cell(one.created_at),
            cell(one.retired_at),
            one.total,
            " ".join(f"{name}={count}" for name, count in sorted(one.values.items())),
        )
        for one in keys
    )
    return Table(
        "key-inventory",
        Words("ทะเบียนกุญแจเข้ารหัส", "Keys that seal stored values"),
        ("key", "state", "fingerprint", "created_at", "retired_at", "values", "details"),
        rows,
        Words(
            f"AES-256-GCM; ควรเปลี่ยนกุญแจก่อนถึง {VALUES_MAX:,} ค่า",
            f"AES-256-GCM; another key is due before {VALUES_MAX:,} values.",
        ),
    )


def audit_verification(found: Verified, *, anchored: bool) -> Table:
    """What computing every chain again has shown (PCI DSS 4.0.1, 10.3)."""
    facts: tuple[tuple[str, Cell], ...] = (
        ("chains", found.chains),
        ("entries", found.entries),
        ("entries waiting for their seal", found.waiting),
        ("anchors", found.anchors),
        ("entries sealed since the last anchor", found.beyond),
        ("broken", len(found.bad)),
    )
    said = [("summary", None, cell(name), value, None) for name, value in facts]
    bad = [("broken", one.chain, one.entry, one.position, cell(one.why)) for one in found.bad]
    missing = Words(
        "ไม่มีสมอ จึงยืนยันไม่ได้ว่าท้ายสายโซ่ไม่หาย", "There are no anchors: loss of the tail cannot be excluded."
    )
    return Table(
        "audit-verification",
        Words("การตรวจสายโซ่บันทึกตรวจสอบ", "Verification of the audit chains"),
        ("kind", "chain", "fact", "value", "why"),
        (*said, *bad),
        None if anchored else missing,
    )


def invariants(report: Report) -> Table:
    """Every invariant that a query can see, with how many rows break it; A3 is the row security."""
    rows = tuple(
        (
            one.check.invariant,
            one.check.says,
            one.check.reads,
            one.rows,
            one.broken,
            "; ".join(str(cell(bad.what)) for bad in one.violations[:3]),
        )
        for one in report.findings
    )
    return Table(
        "invariants",
        Words("ข้อที่ต้องเป็นจริงเสมอ", "Invariants, row security among them (A3)"),
        ("invariant", "says", "about", "rows", "broken", "details"),
        rows,
    )


def page_scripts(files: Sequence[PageFile]) -> Table:
    """Files our pages load: what, why, and the digest the watch compares with (PCI DSS 4.0.1, 6.4.3)."""
    return Table(
        "page-scripts",
        Words("สคริปต์และไฟล์ของหน้าเว็บ", "Scripts and other files of our pages"),
        ("kind", "file", "pages", "reason", "sha256"),
        tuple((one.kind, one.file, " ".join(one.pages), one.reason, one.sha256) for one in files),
    )


def sealed_columns() -> Table:
    """Which columns hold sealed values."""
    return Table(
        "sealed-columns",
        Words("คอลัมน์ที่เข้ารหัส", "Columns that are sealed"),
        ("name", "algorithm"),
        tuple((one.name, "AES-256-GCM") for one in sorted(SEALED, key=lambda one: one.name)),
        Words("ไม่มีคอลัมน์ใดรับเลขบัตรเต็ม CVV หรือ PIN", "No column takes a full card number, a CVV or a PIN."),
    )


_SECONDS: Final = "s"
_RULES: Final = (
    ("password, letters at least", passwords.LETTERS_MIN, "letters", "access/passwords.py"),
    ("password, letters at most", passwords.LETTERS_MAX, "letters", "access/passwords.py"),
    ("wrong sign-ins before a lock", lockout.FREE_TRIES, "times", "access/lockout.py"),
    ("first lock", lockout.FIRST_LOCK_SECONDS, _SECONDS, "access/lockout.py"),
    ("longest lock", lockout.LOCK_SECONDS_MAX, _SECONDS, "access/lockout.py"),
    ("session, idle", ground.IDLE_SECONDS, _SECONDS, "access/ground.py"),
    ("session, idle, with rights over money", ground.IDLE_SECONDS_MONEY, _SECONDS, "access/ground.py"),
    ("session, at most", ground.ABSOLUTE_SECONDS, _SECONDS, "access/ground.py"),
    ("second factor shown again for sensitive acts", ground.STEP_UP_SECONDS, _SECONDS, "access/ground.py"),
    ("access token", tokens_keys.ACCESS_SECONDS, _SECONDS, "access/tokens_keys.py"),
    ("signing key in use", tokens_keys.USE_SECONDS, _SECONDS, "access/tokens_keys.py"),
    ("authorization code", ask.CODE_SECONDS, _SECONDS, "access/oauth/ask.py"),
    ("refresh token, idle", settle.IDLE_SECONDS, _SECONDS, "access/oauth/settle.py"),
    ("refresh token, at most", settle.ABSOLUTE_SECONDS, _SECONDS, "access/oauth/settle.py"),
    ("API key, overlap when rolled", key_making.OVERLAP_SECONDS, _SECONDS, "merchants/key_making.py"),
    ("audit entries, kept at least", retention.YEARS_MIN, "years", "audit/retention.py"),
    ("idempotency keys, kept", housekeeping.KEY_DAYS, "days", "storage/housekeeping.py"),
    ("refused callbacks, kept", housekeeping.REFUSED_DAYS, "days", "storage/housekeeping.py"),
)


def rules_in_force() -> Table:
    """Numbers the code goes by, as they are in the running version (PCI DSS 4.0.1, 8.2.8, 8.3, 10.5.1)."""
    return Table(
        "rules-in-force",
        Words("กฎที่ใช้อยู่", "Rules in force"),
        ("setting", "value", "unit", "code"),
        _RULES,
    )
