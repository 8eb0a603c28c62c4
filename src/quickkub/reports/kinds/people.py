"""The access review: who may sign in, as whom, how well proven, and when they last did (PCI DSS 7.2.4, 8)."""

from __future__ import annotations

from typing import Final

from quickkub.access.emails import masked
from quickkub.reports.model import Kind
from quickkub.reports.words import Words

USERS: Final = Kind(
    "users",
    Words("ผู้ใช้", "Users"),
    ("user", "email", "state", "operator_role", "second_factor_at", "last_login_at", "sessions", "changed_at",
     "created_at"),
    """
    SELECT person.id AS user, person.email, person.state, person.operator_role,
           factor.confirmed_at AS second_factor_at, seen.last_login_at, coalesce(seen.open, 0) AS sessions,
           person.password_changed_at AS changed_at, person.created_at
      FROM users person
      LEFT JOIN second_factors factor ON factor.user_id = person.id
      LEFT JOIN (SELECT user_id, max(created_at) AS last_login_at,
                        count(*) FILTER (WHERE ended_at IS NULL AND ends_at > now()) AS open
                   FROM sessions GROUP BY user_id) seen ON seen.user_id = person.id
     ORDER BY person.id
    """,
    masks={"email": masked},
    note=Words(
        "'เปลี่ยนเมื่อ' คือเวลาเปลี่ยนรหัสผ่าน เวลาเข้าสู่ระบบนับจากเซสชันที่ยังเก็บไว้",
        "'Changed at' is when the password was chosen; logins are told by the sessions that are still kept.",
    ),
)  # fmt: skip
MEMBERS: Final = Kind(
    "members",
    Words("สมาชิกของร้านค้า", "Members of merchants"),
    (
        "merchant",
        "user",
        "email",
        "role",
        "state",
        "second_factor_at",
        "last_login_at",
        "joined_at",
        "changed_at",
    ),
    """
    SELECT member.merchant_id AS merchant, member.user_id AS user, person.email, member.role, member.state,
           factor.confirmed_at AS second_factor_at,
           (SELECT max(created_at) FROM sessions WHERE user_id = member.user_id) AS last_login_at,
           member.joined_at, member.changed_at
      FROM members member
      JOIN users person ON person.id = member.user_id
      LEFT JOIN second_factors factor ON factor.user_id = member.user_id
     ORDER BY member.merchant_id, member.user_id
    """,
    masks={"email": masked},
)
OPERATORS: Final = Kind(
    "operators",
    Words("ผู้ปฏิบัติงานของแพลตฟอร์ม", "Operators of the platform"),
    ("user", "email", "operator_role", "state", "second_factor_at", "last_login_at"),
    """
    SELECT person.id AS user, person.email, person.operator_role, person.state,
           factor.confirmed_at AS second_factor_at,
           (SELECT max(created_at) FROM sessions WHERE user_id = person.id) AS last_login_at
      FROM users person LEFT JOIN second_factors factor ON factor.user_id = person.id
     WHERE person.operator_role IS NOT NULL ORDER BY person.id
    """,
    masks={"email": masked},
    note=Words("ว่าง: ยังไม่มีผู้ปฏิบัติงาน", "Empty: there are no operators."),
)
INVITATIONS: Final = Kind(
    "invitations",
    Words("คำเชิญที่ยังเปิดอยู่", "Open invitations"),
    ("merchant", "id", "email", "role", "created_by", "created_at", "expires_at"),
    """
    SELECT merchant_id AS merchant, id, email, role, invited_by AS created_by, created_at, expires_at
      FROM invitations WHERE state = 'open' ORDER BY merchant_id, id
    """,
    masks={"email": masked},
)
