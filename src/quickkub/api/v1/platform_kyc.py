"""Know your customer, the platform's side: read on the record, and decided.

A merchant with one person has nobody for four eyes; a compliance officer's are taken instead.
"""

from __future__ import annotations

import base64

from litestar import Response, get, post

from quickkub.api import access_schema, schema
from quickkub.api import merchant_schema as words
from quickkub.api.lists import answer, page
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.text import plain_text
from quickkub.api.v1.platform_merchants import ONE, merchant_id
from quickkub.kernel.ids import has_shape
from quickkub.kernel.states import WrongState
from quickkub.merchants import approvals, kyc
from quickkub.merchants.lifecycle import MerchantNotFound
from quickkub.merchants.settlement_account import EFFECTS
from quickkub.merchants.states import ApprovalFact, ReviewFact

READ = Operation(
    id="readKycApplication",
    needs="kyc:review",
    platform=True,
    summary="Read a merchant's newest application",
    description="Reading it is written down.",
    answers=words.KycReading,
    refusals=(kyc.KycNotFound,),
)


@get(f"{ONE}/kyc", opt=says(READ))
async def read_application(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    async with request.services.db.transaction() as tx:
        view, said = await kyc.read_application(tx, request.services.vault, merchant_id(request))
    return answer({"object": "kyc_reading", "application": view, "said": said})


DECIDE = Operation(
    id="decideKycApplication",
    needs="kyc:review",
    platform=True,
    summary="Approve or reject an application",
    answers=words.KycApplication,
    body=words.DecideKyc,
    refusals=(kyc.KycNotFound, kyc.ReasonMissing, WrongState),
)


@post(f"{ONE}/kyc/{{application:str}}/decide", status_code=200, opt=says(DECIDE))
async def decide_application(request: ApiRequest) -> Response[bytes]:
    fact, reason = await _decision(request)
    merchant, application = merchant_id(request), _id(request, "application", "kyc")
    async with request.services.db.transaction() as tx:
        return answer(
            await kyc.decide_application(tx, merchant, application, fact, request.caller.id, reason)
        )


LIST_DOCUMENTS = Operation(
    id="listKycDocuments",
    needs="kyc:review",
    platform=True,
    summary="List what a merchant handed in",
    answers=schema.List[words.KycDocument],
    refusals=(MerchantNotFound,),
)


@get(f"{ONE}/documents", opt=says(LIST_DOCUMENTS))
async def list_documents(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    async with request.services.db.read() as reader:
        found = await kyc.documents(reader, merchant_id(request))
    return page(request.url.path, found, has_more=False)


READ_DOCUMENT = Operation(
    id="readKycDocument",
    needs="kyc:review",
    platform=True,
    summary="Read a document",
    description="Reading it is written down.",
    answers=words.KycDocumentReading,
    refusals=(kyc.KycNotFound,),
)


@get(f"{ONE}/documents/{{document:str}}", opt=says(READ_DOCUMENT))
async def read_document(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    merchant, document = merchant_id(request), _id(request, "document", "doc")
    async with request.services.db.transaction() as tx:
        media_type, content = await kyc.read_document(tx, request.services.vault, merchant, document)
    encoded = base64.b64encode(content).decode()
    return answer({"object": "kyc_document_reading", "media_type": media_type, "content": encoded})


DECIDE_DOCUMENT = Operation(
    id="decideKycDocument",
    needs="kyc:review",
    platform=True,
    summary="Approve or reject a document",
    answers=words.KycDocument,
    body=words.DecideKyc,
    refusals=(kyc.KycNotFound, kyc.ReasonMissing, WrongState),
)


@post(f"{ONE}/documents/{{document:str}}/decide", status_code=200, opt=says(DECIDE_DOCUMENT))
async def decide_document(request: ApiRequest) -> Response[bytes]:
    fact, reason = await _decision(request)
    merchant, document = merchant_id(request), _id(request, "document", "doc")
    async with request.services.db.transaction() as tx:
        return answer(await kyc.decide_document(tx, merchant, document, fact, request.caller.id, reason))


APPROVE = Operation(
    id="approveForMerchant",
    needs="kyc:review",
    platform=True,
    summary="Be the second person for a merchant that has only one",
    answers=access_schema.Approval,
    body=access_schema.DecideApproval,
    refusals=(approvals.ApprovalNotFound, approvals.ApprovalOver, approvals.SecondPersonNeeded),
)


@post(f"{ONE}/approvals/{{approval:str}}/approve", status_code=200, opt=says(APPROVE))
async def approve_for(request: ApiRequest) -> Response[bytes]:
    said = await request.words_or(access_schema.DecideApproval)
    request.query(schema.NoQuery)
    approval = str(request.path_params["approval"])
    if not has_shape(approval, "apr"):
        raise approvals.ApprovalNotFound
    reason = plain_text(said.reason, "reason", letters_max=500) if said.reason else ""
    merchant, by = merchant_id(request), request.caller.id
    async with request.services.db.transaction() as tx:
        decided = await approvals.decide(
            tx, merchant, approval, ApprovalFact.APPROVE, by, EFFECTS, reason=reason
        )
    return answer(approvals.view_of(decided))


async def _decision(request: ApiRequest) -> tuple[ReviewFact, str]:
    said = await request.words(words.DecideKyc)
    request.query(schema.NoQuery)
    return ReviewFact(said.decision), plain_text(
        said.reason, "reason", letters_max=500
    ) if said.reason else ""


def _id(request: ApiRequest, name: str, prefix: str) -> str:
    found = str(request.path_params[name])
    if not has_shape(found, prefix):
        raise kyc.KycNotFound
    return found


ROUTES = (read_application, decide_application, list_documents, read_document, decide_document, approve_for)
