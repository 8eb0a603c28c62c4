"""A request as the API reads it: a bounded body, read once, and words that are converted without coercion."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Hashable, Mapping
from functools import cache
from typing import Any, Final, TypeVar, cast, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.datastructures import State

from quickkub.api import strictjson
from quickkub.api.auth import one_header
from quickkub.api.problems import BodyTooLarge, RequestMalformed
from quickkub.api.services import Services
from quickkub.api.strictjson import ParameterInvalid, ParameterUnknown, shown
from quickkub.kernel.errors import Kind, Refusal
from quickkub.merchants.keys import Caller
from quickkub.webhooks.service import Webhooks

BODY_BYTES_MAX: Final = 256 * 1024
BODY_SECONDS: Final = 15
_QUERY_PAIRS_MAX: Final = 100
_INT_DIGITS_MAX: Final = 18
"""As many as always fit in 64 bits."""

_T = TypeVar("_T")


class BodyTooSlow(Refusal):
    """The body did not arrive in time."""

    code, kind = "body_too_slow", Kind.INVALID


class CallerGone(Refusal):
    """The caller closed the connection before its request was whole. Nobody hears this."""

    code, kind = "caller_gone", Kind.INVALID


class MediaTypeUnsupported(Refusal):
    """The body is not declared as `application/json`."""

    code, kind = "media_type_unsupported", Kind.UNSUPPORTED


class EncodingUnsupported(Refusal):
    """The body is compressed, which is not accepted."""

    code, kind = "content_encoding_unsupported", Kind.UNSUPPORTED


class GatewayRequest(Request[Any, Any, State]):
    """Any request to the gateway: its body has a size limit, enforced while reading, and a deadline."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in pieces. Raises BodyTooLarge, BodyTooSlow, CallerGone."""
        if isinstance(self._body, bytes):
            yield self._body
            return
        room = self.route_handler.resolve_request_max_body_size() or BODY_BYTES_MAX
        # The announced length only saves us the reading; what counts is what arrives.
        if (self.content_length or 0) > room:
            raise _too_large(room)
        more = True
        deadline = asyncio.get_running_loop().time() + BODY_SECONDS
        while more:
            try:
                async with asyncio.timeout_at(deadline):
                    message: Mapping[str, Any] = await self.receive()
            except TimeoutError:
                raise BodyTooSlow(f"the body did not arrive within {BODY_SECONDS} seconds") from None
            if message["type"] == "http.disconnect":
                raise CallerGone("the connection was closed before the request was whole")
            piece = message["body"]
            room -= len(piece)
            if room < 0:
                raise _too_large(room + len(piece))
            yield piece
            more = bool(message.get("more_body", False))
        self.is_connected = False

    @property
    def content_length(self) -> int | None:
        """The announced length. Raises RequestMalformed; the server has checked it already."""
        text = self.headers.get("content-length")
        if text is None:
            return None
        if not (text.isascii() and text.isdigit()):
            raise RequestMalformed("Content-Length is not a number", param="Content-Length")
        return int(text[:20])

    def query_pairs(self) -> list[tuple[str, str]]:
        """Query parameters in the order given. Raises RequestMalformed."""
        try:
            return parse_qsl(
                self.scope["query_string"].decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_QUERY_PAIRS_MAX,
            )
        except ValueError:
            raise RequestMalformed("the query is not percent-encoded UTF-8, or is too long") from None

    @property
    def services(self) -> Services:
        """What the rooms below offer."""
        return cast("Services", self.app.state.services)


class ApiRequest(GatewayRequest):
    """A request under /v1: its caller is known."""

    @property
    def webhooks(self) -> Webhooks:
        """The counter of the webhooks room."""
        return cast("Webhooks", self.app.state.webhooks)

    @property
    def caller(self) -> Caller:
        """Who asks, as `auth.authenticate` found out."""
        return cast("Caller", self.scope["user"])

    async def words(self, wanted: type[_T]) -> _T:
        """The JSON body as a Struct.

        Raises MediaTypeUnsupported, EncodingUnsupported, HeaderRepeated, BodyTooLarge, BodyTooSlow, and what
        strictjson raises.
        """
        self._refuse_encodings()
        one_header(self, "Content-Type")
        media_type, options = self.content_type
        if media_type != "application/json" or options.get("charset", "utf-8").lower() != "utf-8":
            raise MediaTypeUnsupported("send the body as application/json in UTF-8", param="Content-Type")
        return strictjson.convert(strictjson.read(await self.body()), wanted)

    async def words_or(self, wanted: type[_T]) -> _T:
        """The same for a body that may be left out, which is the same as an empty object."""
        self._refuse_encodings()
        if await self.body():
            return await self.words(wanted)
        return strictjson.convert({}, wanted)

    async def no_words(self) -> None:
        """For operations that take no body: an empty one or an empty object. Raises as `words` does."""
        await self.words_or(_Nothing)

    def query(self, wanted: type[_T]) -> _T:
        """The query parameters as a Struct; a list field may be given several times, others once.

        Raises ParameterMissing, ParameterUnknown, ParameterInvalid.
        """
        given: dict[str, Any] = {}
        fields = _query_fields(cast("Hashable", wanted))
        for name, text in self.query_pairs():
            kind = fields.get(name)
            if kind is None:
                raise ParameterUnknown("is not a parameter of this operation", param=shown(name))
            if "\0" in text:
                raise ParameterInvalid("must not hold NUL", param=name)
            if kind is list:
                given.setdefault(name, []).append(text)
            elif name in given:
                raise ParameterInvalid("is given twice", param=name)
            else:
                given[name] = _whole(text) if kind is int else text
        return strictjson.convert(given, wanted)

    def _refuse_encodings(self) -> None:
        if (one_header(self, "Content-Encoding") or "identity").lower() != "identity":
            raise EncodingUnsupported("send the body without compression", param="Content-Encoding")


class _Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """An object without fields."""


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body is larger than {limit} bytes")


@cache
def _query_fields(wanted: Any) -> dict[str, type]:
    """Each parameter's name as sent, and whether it is a list, a whole number or text."""
    return {field.encode_name: _bare(field.type) for field in msgspec.structs.fields(wanted)}


def _bare(wanted: Any) -> type:
    """`Annotated[int, ...] | None` is int."""
    for inner in (wanted, *get_args(wanted)):
        plain = get_origin(inner) or inner
        if plain in (int, list):
            return cast("type", plain)
        if inner is not wanted and get_args(inner) and _bare(inner) is not str:
            return _bare(inner)
    return str


def _whole(text: str) -> str | int:
    """A whole number is ASCII digits, few enough to be one; all else stays text and is refused as such."""
    if text.isascii() and text.isdigit() and len(text) <= _INT_DIGITS_MAX:
        return int(text)
    return text
