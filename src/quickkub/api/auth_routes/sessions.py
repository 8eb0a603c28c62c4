"""One's own sessions: seen, and ended."""

from __future__ import annotations

from typing import Final

from litestar import Response, delete, get

from quickkub.access.sessions import SessionMissing, SessionNotFound, session_view
from quickkub.api import auth_schema as words
from quickkub.api import schema
from quickkub.api.auth_routes.guard import AuthRequest, CsrfRefused, OriginRefused
from quickkub.api.lists import answer, page
from quickkub.api.operations import Operation, says
from quickkub.kernel.ids import has_shape

PATH: Final = "/auth/sessions"

LIST: Final = Operation(
    id="listSessions",
    needs=None,
    summary="List your sessions, newest first",
    answers=schema.List[words.Session],
    refusals=(SessionMissing,),
)


@get(PATH, opt=says(LIST))
async def list_sessions(request: AuthRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    here = request.signed_in
    found = await request.access.sessions.of_user(here.user_id)
    return page(PATH, [session_view(row, here.session_id) for row in found], has_more=False)


END_OTHERS: Final = Operation(
    id="endOtherSessions",
    needs=None,
    summary="End all your sessions but this one",
    answers=words.Accepted,
    refusals=(OriginRefused, SessionMissing, CsrfRefused),
)


@delete(PATH, status_code=200, opt=says(END_OTHERS))
async def end_others(request: AuthRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    await request.no_words()
    here = request.signed_in
    async with request.services.db.transaction() as tx:
        await request.access.sessions.end_all(tx, here.user_id, but=here.session_id)
    return answer(words.Accepted())


END: Final = Operation(
    id="endSession",
    needs=None,
    summary="End one of your sessions",
    answers=words.Accepted,
    refusals=(OriginRefused, SessionMissing, CsrfRefused, SessionNotFound),
)


@delete(f"{PATH}/{{session:str}}", status_code=200, opt=says(END))
async def end_session(request: AuthRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    await request.no_words()
    session = str(request.path_params["session"])
    if not has_shape(session, "ses"):
        raise SessionNotFound
    here = request.signed_in
    async with request.services.db.transaction() as tx:
        await request.access.sessions.end(tx, here.user_id, session)
    done = answer(words.Accepted())
    return request.cookie_rules.end_in(done) if session == here.session_id else done


SIGNED_IN: Final = (list_sessions, end_others, end_session)
