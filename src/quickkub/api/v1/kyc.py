"""Know your customer, the merchant's side: who you are, and the papers that show it."""

from __future__ import annotations

import base64
import binascii

import msgspec
from litestar import Response, get, post

from quickkub.api import merchant_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.strictjson import ParameterInvalid
from quickkub.merchants import kyc
from quickkub.merchants.documents import DocumentRefused

PATH = "/v1/merchant/kyc"
ROOM_FOR_WORDS = 4 * 1024

GET = Operation(
    id="getKyc",
    needs="kyc:read",
    summary="Where your application and documents stand",
    answers=words.Kyc,
)


@get(PATH, opt=says(GET))
async def get_kyc(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    async with request.services.db.read() as reader:
        row = await kyc.newest(reader, request.caller.merchant)
        documents = await kyc.documents(reader, request.caller.merchant)
    application = None if row is None else kyc.application_view(row)
    return answer({"object": "kyc", "application": application, "documents": documents})


SUBMIT = Operation(
    id="submitKyc",
    needs="kyc:write",
    summary="Say who you are",
    description="Kept sealed; whoever reads it for the decision is written down.",
    answers=words.KycApplication,
    status=201,
    body=words.SubmitKyc,
    refusals=(kyc.KycPending,),
)


@post(PATH, status_code=201, opt=says(SUBMIT))
async def submit(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.SubmitKyc)
    request.query(schema.NoQuery)
    caller, data = request.caller, msgspec.to_builtins(said)
    async with request.services.db.transaction() as tx:
        handed_in = await kyc.submit(tx, request.services.vault, caller.merchant, data, caller.id)
    return answer(handed_in, status=201)


ADD = Operation(
    id="addKycDocument",
    needs="kyc:write",
    summary="Hand in a document",
    description="What it is is told by its content, not by its name. Kept sealed.",
    answers=words.KycDocument,
    status=201,
    body=words.AddKycDocument,
    refusals=(DocumentRefused, kyc.TooManyDocuments),
)


@post(
    f"{PATH}/documents",
    status_code=201,
    opt=says(ADD),
    request_max_body_size=words.DOCUMENT_LETTERS_MAX + ROOM_FOR_WORDS,
)
async def add_document(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.AddKycDocument)
    request.query(schema.NoQuery)
    try:
        content = base64.b64decode(said.content, validate=True)
    except (binascii.Error, ValueError):
        raise ParameterInvalid("is not base64", param="content") from None
    caller = request.caller
    async with request.services.db.transaction() as tx:
        kept = await kyc.hand_in(tx, request.services.vault, caller.merchant, said.kind, content, caller.id)
    return answer(kept, status=201)


ROUTES = (get_kyc, submit, add_document)
