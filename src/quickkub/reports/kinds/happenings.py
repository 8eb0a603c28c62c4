"""What happened and was written down: audited acts, cases, drills, looks at pages, scheduled work."""

from __future__ import annotations

from typing import Final

from quickkub.reports.model import Kind
from quickkub.reports.words import Words

ACTIVITY: Final = Kind(
    "audit-activity",
    Words("กิจกรรมในบันทึกตรวจสอบ", "Audited acts by month"),
    ("month", "action", "outcome", "kind", "count"),
    """
    SELECT to_char(created_at AT TIME ZONE 'Asia/Bangkok', 'YYYY-MM') AS month, action, outcome,
           actor_kind AS kind, count(*) AS count
      FROM audit_logs WHERE created_at >= $1 AND created_at < $2
     GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    """,
    ("since", "until"),
)
CASES: Final = Kind(
    "incidents",
    Words("กรณีและเหตุขัดข้อง", "Cases and incidents"),
    (
        "merchant",
        "id",
        "mode",
        "kind",
        "payment",
        "state",
        "resolution",
        "opened_at",
        "ended_at",
        "minutes_open",
    ),
    """
    SELECT merchant_id AS merchant, id, mode, kind, payment_id AS payment, state, resolution, opened_at,
           closed_at AS ended_at,
           (extract(epoch FROM coalesce(closed_at, now()) - opened_at) / 60)::bigint AS minutes_open
      FROM cases WHERE opened_at >= $1 AND opened_at < $2
     ORDER BY opened_at, merchant_id, id
    """,
    ("since", "until"),
    note=Words(
        "เวลาที่ระบบหยุดไม่ได้บันทึกไว้ในฐานข้อมูล ให้ใช้ระบบเฝ้าระวังของผู้ปฏิบัติงาน",
        "Cases about money. Downtime is not recorded in the database: the operator's monitoring tells it.",
    ),
)
DRILLS: Final = Kind(
    "restore-drills",
    Words("การซ้อมกู้คืนข้อมูล", "Restore drills"),
    (
        "occurred_at",
        "outcome",
        "kind",
        "actor",
        "backup_at",
        "restored_to",
        "rpo_seconds",
        "rto_seconds",
        "rows",
        "broken",
        "note",
    ),
    """
    SELECT ended_at AS occurred_at, outcome, how AS kind, by_whom AS actor, backup_at, restored_to,
           rpo_seconds, rto_seconds, invariants AS rows, broken, note
      FROM restore_drills ORDER BY ended_at, id
    """,
    note=Words(
        "ว่าง: ยังไม่มีบันทึกการซ้อม; เป้าหมาย RPO 300 วินาที RTO 3,600 วินาที",
        "Empty: no drill recorded. Targets: RPO 300 s, RTO 3,600 s. `measured` was done and measured by the "
        "gateway, `told` was typed in. Rows looked at are invariants checked on the restored database.",
    ),
)
WATCHES: Final = Kind(
    "page-watches",
    Words("การเฝ้าดูหน้าชำระเงิน", "Looks at payment pages"),
    ("occurred_at", "place", "outcome", "pages", "count", "broken", "details"),
    """
    SELECT seen_at AS occurred_at, address AS place, outcome, pages, answers AS count, different AS broken,
           coalesce(unreached, array_to_string(differences, '; ')) AS details
      FROM page_watches WHERE seen_at >= $1 AND seen_at < $2 ORDER BY seen_at, id
    """,
    ("since", "until"),
    note=Words(
        "ว่าง: ไม่ได้ตรวจในช่วงนี้; PCI DSS กำหนดอย่างน้อยทุก 7 วัน",
        "Empty: nobody looked in this time. PCI DSS asks for a look every seven days at least.",
    ),
)
SCHEDULES: Final = Kind(
    "scheduled-work",
    Words("งานตามเวลา", "Scheduled work"),
    ("name", "last_run_at", "ended_at"),
    """
    SELECT name, started_at AS last_run_at, finished_at AS ended_at FROM scheduled_work ORDER BY name
    """,
    note=Words(
        "audit_verify คือการตรวจบันทึกทุกคืน invariants คือการตรวจบัญชีทุกคืน",
        "audit_verify looks at the audit log and invariants at the books, every night.",
    ),
)
APPROVALS: Final = Kind(
    "approvals",
    Words("การอนุมัติโดยคนที่สอง", "Acts that needed a second person"),
    ("merchant", "id", "action", "state", "created_by", "decided_by", "created_at", "ended_at"),
    """
    SELECT merchant_id AS merchant, id, act AS action, state, asked_by AS created_by, decided_by,
           asked_at AS created_at, decided_at AS ended_at
      FROM approvals WHERE asked_at >= $1 AND asked_at < $2 ORDER BY asked_at, merchant_id, id
    """,
    ("since", "until"),
)
