"""Lists: one page at a time, newest first, by the id of the last object seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from litestar import Response

from quickkub.api.schema import ForwardQuery, PageQuery
from quickkub.api.strictjson import ParameterInvalid
from quickkub.kernel.ids import has_shape


def refuse_bad_cursors(query: ForwardQuery, prefix: str) -> None:
    """Raises ParameterInvalid when a cursor is no id of the listed kind, or both directions are asked."""
    cursors = {"starting_after": query.starting_after}
    if isinstance(query, PageQuery):
        cursors["ending_before"] = query.ending_before
    given = {name: cursor for name, cursor in cursors.items() if cursor is not None}
    for name, cursor in given.items():
        if not has_shape(cursor, prefix):
            raise ParameterInvalid(f"must be an id such as {prefix}_...", param=name)
    if len(given) > 1:
        raise ParameterInvalid("cannot be given together with starting_after", param="ending_before")


def page(url: str, items: Iterable[Mapping[str, Any]], *, has_more: bool) -> Response[bytes]:
    """One page as it is answered."""
    return answer({"object": "list", "data": list(items), "has_more": has_more, "url": url})


def answer(shown: Any, *, status: int = 200) -> Response[bytes]:
    """A value as JSON."""
    return Response(msgspec.json.encode(shown), status_code=status, media_type="application/json")
