"""Personal data: retention runs, legal holds, requests and erasures, breaches (PDPA; never whose it was)."""

from __future__ import annotations

from typing import Final

from quickkub.reports.model import Kind
from quickkub.reports.words import Words

RETENTION: Final = Kind(
    "retention-runs",
    Words("การลบข้อมูลตามกำหนด", "Retention runs"),
    ("id", "kind", "days", "dry_run", "starts_at", "ended_at", "details"),
    """
    SELECT id, kind, days, dry_run, started_at AS starts_at, finished_at AS ended_at, counts::text AS details
      FROM retention_runs WHERE started_at >= $1 AND started_at < $2 ORDER BY id
    """,
    ("since", "until"),
    note=Words("ว่าง: ไม่มีบันทึกการลบในช่วงนี้", "Empty: no run is written down in this time."),
)
HOLDS: Final = Kind(
    "legal-holds",
    Words("การห้ามลบตามกฎหมาย", "Legal holds"),
    ("merchant", "id", "about", "payment", "reason", "created_by", "created_at", "ended_at"),
    """
    SELECT merchant_id AS merchant, id, covers AS about, payment_id AS payment, reason,
           placed_by AS created_by, placed_at AS created_at, lifted_at AS ended_at
      FROM legal_holds WHERE placed_at < $2 AND (lifted_at IS NULL OR lifted_at >= $1) ORDER BY placed_at, id
    """,
    ("since", "until"),
)
REQUESTS: Final = Kind(
    "privacy-requests",
    Words("คำขอของเจ้าของข้อมูล", "What persons asked for"),
    ("merchant", "id", "kind", "state", "created_at", "due_at", "ended_at"),
    """
    SELECT merchant_id AS merchant, id, kind, state, asked_at AS created_at, due_at, done_at AS ended_at
      FROM privacy_requests WHERE asked_at >= $1 AND asked_at < $2 ORDER BY asked_at, id
    """,
    ("since", "until"),
)
ERASURES: Final = Kind(
    "erasures",
    Words("การลบข้อมูลส่วนบุคคล", "Erasures"),
    ("merchant", "id", "created_by", "occurred_at", "details"),
    """
    SELECT merchant_id AS merchant, id, erased_by AS created_by, erased_at AS occurred_at,
           counts::text AS details
      FROM erasures WHERE erased_at >= $1 AND erased_at < $2 ORDER BY erased_at, id
    """,
    ("since", "until"),
)
BREACHES: Final = Kind(
    "breaches",
    Words("เหตุละเมิดข้อมูลส่วนบุคคล", "Breaches of personal data"),
    ("id", "name", "count", "opened_at", "due_at", "reported_at", "ended_at", "minutes_open", "reason"),
    """
    SELECT id, title AS name, people AS count, known_at AS opened_at, due_at, reported_at,
           closed_at AS ended_at,
           (extract(epoch FROM coalesce(reported_at, now()) - known_at) / 60)::bigint AS minutes_open,
           not_reported_because AS reason
      FROM breaches WHERE known_at >= $1 AND known_at < $2 ORDER BY known_at, id
    """,
    ("since", "until"),
    note=Words(
        "นาทีนับจากที่ทราบจนแจ้ง หรือจนถึงขณะทำรายงาน", "Minutes are from being known to being reported, or to now."
    ),
)
