"""The access review of programs: API keys, OAuth clients, and roles of the database."""

from __future__ import annotations

from typing import Final

from quickkub.reports.model import Kind
from quickkub.reports.words import Words

API_KEYS: Final = Kind(
    "api-keys",
    Words("กุญแจ API", "API keys"),
    ("merchant", "key", "mode", "kind", "last_four", "scopes", "networks", "created_by", "created_at",
     "last_used_at", "expires_at", "revoked_at"),
    """
    SELECT merchant_id AS merchant, id AS key, mode, kind, last_four, scopes, networks::text[] AS networks,
           created_by, created_at, last_used_at, expires_at, revoked_at
      FROM api_keys ORDER BY merchant_id, id
    """,
    note=Words(
        "กุญแจเก็บเป็น HMAC เท่านั้น ไม่มีตัวกุญแจในรายงาน; กุญแจ sk และ pk มีสิทธิ์ตามชนิด",
        "Keys are kept as an HMAC only, so none is here; what sk and pk keys may do follows from their kind.",
    ),
)  # fmt: skip
OAUTH_CLIENTS: Final = Kind(
    "oauth-clients",
    Words("โปรแกรม OAuth2", "OAuth2 clients"),
    ("merchant", "id", "mode", "auth_method", "scopes", "grants", "created_by", "created_at", "revoked_at"),
    """
    SELECT client.merchant_id AS merchant, client.id, client.mode, client.auth_method, client.scopes,
           (SELECT count(*) FROM oauth_grants given
             WHERE given.merchant_id = client.merchant_id AND given.client_id = client.id
               AND given.revoked_at IS NULL AND given.ends_at > now()) AS grants,
           client.created_by, client.created_at, client.revoked_at
      FROM oauth_clients client ORDER BY client.merchant_id, client.id
    """,
)
DATABASE_ROLES: Final = Kind(
    "database-roles",
    Words("บทบาทในฐานข้อมูล", "Roles of the database"),
    ("name", "may_log_in", "superuser", "bypasses_rows", "inherits", "expires_at"),
    r"""
    SELECT role.rolname AS name, role.rolcanlogin AS may_log_in, role.rolsuper AS superuser,
           role.rolbypassrls AS bypasses_rows,
           ARRAY(SELECT parent.rolname::text
                   FROM pg_auth_members held JOIN pg_roles parent ON parent.oid = held.roleid
                  WHERE held.member = role.oid ORDER BY 1) AS inherits,
           role.rolvaliduntil AS expires_at
      FROM pg_roles role WHERE role.rolname !~ '^pg_' ORDER BY role.rolname
    """,
    note=Words("ทั้งเซิร์ฟเวอร์ รวมบทบาทของฐานข้อมูลอื่นด้วย", "Of the whole server, other databases' roles included."),
)
SIGNING_KEYS: Final = Kind(
    "signing-keys",
    Words("กุญแจลงนามโทเค็น", "Keys that sign access tokens"),
    ("key", "algorithm", "state", "created_at", "starts_at", "retired_at"),
    """
    SELECT kid AS key, algorithm, state, published_at AS created_at, current_since AS starts_at,
           old_since AS retired_at
      FROM signing_keys ORDER BY published_at, kid
    """,
    note=Words("ว่าง: ยังไม่เคยออกโทเค็น", "Empty: no access token was ever signed."),
)
