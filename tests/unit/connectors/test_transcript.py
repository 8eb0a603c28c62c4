"""What was said is kept, and no secret with it."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors.contract import Request, Response
from quickkub.connectors.transcript import BODY_MAX, Transcript
from quickkub.kernel.secrets import Secret
from tests.support.hand_clock import HandClock

secrets = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=12, max_size=40)


@given(secrets)
def test_a_secret_is_hidden_in_every_form_it_may_take(value: str) -> None:
    transcript = Transcript(HandClock(), [Secret(value)])
    packed = base64.b64encode(value.encode()).decode()
    body = json.dumps({"a": value, "b": quote(value, safe=""), "c": packed}).encode()
    request = Request("POST", "/x", {"x-a": value}, {"q": value}, body)
    transcript.answered(request, Response(200, {"x-b": value}, value.encode()))
    transcript.unanswered(request, f"trouble with {value}", sent=True)
    said = transcript.written().decode()
    in_json = json.dumps(value)[1:-1]
    for form in (value, in_json, in_json.replace("\\", "\\\\"), quote(value, safe=""), packed.rstrip("=")):
        assert form not in said.replace("***", "")


def test_headers_that_carry_secrets_are_stars_whatever_they_hold() -> None:
    transcript = Transcript(HandClock(), [])
    headers = {"authorization": "Bearer abc", "apisecret": "s", "x-signature": "f00", "requestUId": "u1"}
    transcript.answered(Request("GET", "/x", headers), Response(200, {"set-cookie": "a=b"}, b""))
    (said,) = json.loads(transcript.written())
    assert said["headers"] == {
        "authorization": "***",
        "apisecret": "***",
        "x-signature": "***",
        "requestUId": "u1",
    }
    assert said["answer_headers"] == {"set-cookie": "***"}


def test_a_token_exchange_keeps_neither_body() -> None:
    transcript = Transcript(HandClock(), [])
    transcript.answered(Request("POST", "/token", body=b"in"), Response(200, {}, b"out"), private=True)
    (said,) = json.loads(transcript.written())
    assert (said["body"], said["answer"]) == ("*** (2 bytes)", "*** (3 bytes)")


def test_a_long_body_is_kept_by_its_beginning_and_its_digest() -> None:
    transcript = Transcript(HandClock(), [])
    transcript.answered(Request("GET", "/x"), Response(200, {}, b"0" * (BODY_MAX + 1)))
    (said,) = json.loads(transcript.written())
    assert len(said["answer"]["begins"]) == BODY_MAX and len(said["answer"]["sha256"]) == 64


@given(st.binary(max_size=300))
def test_any_bytes_can_be_written_down(body: bytes) -> None:
    transcript = Transcript(HandClock(), [])
    transcript.answered(Request("POST", "/x", body=body), Response(200, {}, body))
    assert json.loads(transcript.written())[0]["status"] == 200
