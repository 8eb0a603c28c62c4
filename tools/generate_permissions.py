"""docs/generated/permissions.md: roles and permissions, and every route with the roles it is open to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from litestar.handlers import HTTPRouteHandler

from quickkub.access.permissions import (
    MERCHANT_PERMISSIONS,
    MERCHANT_ROLES,
    PLATFORM_PERMISSIONS,
    PLATFORM_ROLES,
    Role,
)
from quickkub.api import operators, v1
from quickkub.api.operations import OPT_KEY, Operation
from quickkub.merchants.scopes import PUBLISHABLE, SECRET
from tools.markdown import WRITTEN, table

_YES = "yes"


def page() -> str:
    """The whole page."""
    merchant = {role.value: may for role, may in MERCHANT_ROLES.items()}
    keys = {"secret key": SECRET, "publishable key": PUBLISHABLE}
    return "\n".join(
        [
            WRITTEN + "# Roles and permissions\n",
            "What a cell leaves empty is refused with 403 `permission_missing`. A restricted key has the\n"
            "scopes it was given, out of a secret key's. A token's scopes narrow a role and never widen it.\n"
            "`tests/api/test_roles.py` asks every route as every role.\n",
            "## Merchant roles and keys\n",
            _permissions(MERCHANT_PERMISSIONS, merchant | keys),
            "## Platform roles\n",
            _permissions(PLATFORM_PERMISSIONS, _named(PLATFORM_ROLES)),
            "## Routes of a merchant\n",
            _routes(v1.ROUTES, merchant | keys),
            "## Routes of the platform\n",
            _routes(operators.ROUTES, _named(PLATFORM_ROLES)),
        ]
    )


def _named(roles: Mapping[Role, frozenset[str]]) -> dict[str, frozenset[str]]:
    return {role.value: may for role, may in roles.items()}


def _permissions(permissions: Iterable[str], columns: Mapping[str, frozenset[str]]) -> str:
    rows = [
        [f"`{one}`", *(_YES if one in may else "" for may in columns.values())] for one in sorted(permissions)
    ]
    return table(["permission", *columns], rows)


def _routes(routes: Iterable[HTTPRouteHandler], columns: Mapping[str, frozenset[str]]) -> str:
    rows = []
    for route in routes:
        operation: Operation = route.opt[OPT_KEY]
        (path,), (method,) = route.paths, route.http_methods
        address = f"`{method} {re.sub(r':str}', '}', path)}`"
        opens = (_YES if operation.needs in may else "" for may in columns.values())
        rows.append([address, f"`{operation.needs}`", *opens])
    return table(["route", "needs", *columns], sorted(rows))
