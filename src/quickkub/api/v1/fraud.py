"""Fraud rules, back-tests and decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response, get, post

from quickkub.api import fraud_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer, page, refuse_bad_cursors
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.fraud.model import DecisionNotFound, RuleInvalid, RulesChanged, RuleVersionUnknown
from quickkub.fraud.reading import show_rule_set
from quickkub.fraud.starter import starter_rules
from quickkub.fraud.store import Decision, RulesVersion
from quickkub.fraud.tree import check_tree
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.ids import has_shape

RULES_PATH = "/v1/fraud/rules"
DECISIONS_PATH = "/v1/fraud/decisions"

GET_RULES = Operation(
    id="getFraudRules",
    needs="fraud:read",
    summary="Look at your fraud rules",
    description="Versions are kept for ever: a decision names the one it was made by.",
    answers=words.FraudRules,
    query=words.FraudRulesQuery,
    refusals=(RuleVersionUnknown,),
)


@get(RULES_PATH, opt=says(GET_RULES))
async def get_fraud_rules(request: ApiRequest) -> Response[bytes]:
    query = request.query(words.FraudRulesQuery)
    caller = request.caller
    if query.starter == "true":
        return answer(_rules_view(caller.mode, RulesVersion(starter_rules(), None, None)))
    return answer(
        _rules_view(
            caller.mode, await request.services.fraud.rules(caller.merchant, caller.mode, query.version)
        )
    )


CHANGE_RULES = Operation(
    id="changeFraudRules",
    needs="fraud:write",
    summary="Replace your fraud rules",
    description=(
        "Writes a new version, which counts for payments made from now on. With no rule in `shadow` "
        "or `live`, payments are no longer looked at. Each mode has rules of its own."
    ),
    answers=words.FraudRules,
    body=words.ChangeFraudRules,
    refusals=(RuleInvalid, RulesChanged),
)


@post(RULES_PATH, status_code=200, opt=says(CHANGE_RULES))
async def change_fraud_rules(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.ChangeFraudRules)
    request.query(schema.NoQuery)
    wanted = _builtins(said, {f"rules[{number}]": rule for number, rule in enumerate(said.rules)})
    replaces = wanted.pop("replaces")
    caller = request.caller
    after = await request.services.fraud.change_rules(
        caller.merchant, caller.mode, wanted, replaces=replaces, by=caller.id
    )
    return answer(_rules_view(caller.mode, after))


BACKTEST = Operation(
    id="backtestFraudRule",
    needs="fraud:read",
    summary="Play a rule against the payments of the last days",
    description=(
        "From what was kept with each decision, so only payments that were screened count: have the starter "
        "rules in shadow for a while. Changes nothing."
    ),
    answers=words.FraudBacktest,
    body=words.BacktestRule,
    refusals=(RuleInvalid,),
)


@post("/v1/fraud/backtests", status_code=200, opt=says(BACKTEST))
async def backtest_fraud_rule(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.BacktestRule)
    request.query(schema.NoQuery)
    caller = request.caller
    rule = _builtins(said, {"rule": said.rule})["rule"]
    return answer(await request.services.fraud.backtest(caller.merchant, caller.mode, rule, said.days))


LIST_DECISIONS = Operation(
    id="listFraudDecisions",
    needs="fraud:read",
    summary="List fraud decisions, newest first",
    answers=schema.List[words.FraudDecision],
    query=words.FraudDecisionsQuery,
)


@get(DECISIONS_PATH, opt=says(LIST_DECISIONS))
async def list_fraud_decisions(request: ApiRequest) -> Response[bytes]:
    query = request.query(words.FraudDecisionsQuery)
    refuse_bad_cursors(query, "frd")
    caller = request.caller
    found, has_more = await request.services.fraud.decisions(
        caller.merchant,
        caller.mode,
        limit=query.limit,
        after=query.starting_after,
        payment=query.payment,
        action=query.action,
    )
    return page(DECISIONS_PATH, [_decision_view(one) for one in found], has_more=has_more)


GET_DECISION = Operation(
    id="getFraudDecision",
    needs="fraud:read",
    summary="Look at a fraud decision",
    answers=words.FraudDecision,
    refusals=(DecisionNotFound,),
)


@get(f"{DECISIONS_PATH}/{{decision:str}}", opt=says(GET_DECISION))
async def get_fraud_decision(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    caller = request.caller
    decision = _decision_id(request)
    return answer(
        _decision_view(await request.services.fraud.decision(caller.merchant, caller.mode, decision))
    )


REPLAY = Operation(
    id="replayFraudDecision",
    needs="fraud:read",
    summary="Make a fraud decision again",
    description="From what was kept and the rules of then; it has to come out the same. Changes nothing.",
    answers=words.FraudReplay,
    refusals=(DecisionNotFound,),
)


@post(f"{DECISIONS_PATH}/{{decision:str}}/replay", status_code=200, opt=says(REPLAY))
async def replay_fraud_decision(request: ApiRequest) -> Response[bytes]:
    await request.no_words()
    request.query(schema.NoQuery)
    caller = request.caller
    told = await request.services.fraud.replay(
        _decision_id(request), merchant=caller.merchant, mode=caller.mode
    )
    return answer(
        {
            "object": "fraud_replay",
            "decision": told.decision.id,
            "same": not told.differences,
            "action": told.action,
            "decided_by": told.decided_by,
            "score": told.score,
            "differences": list(told.differences),
        }
    )


def _builtins(said: Any, rules: Mapping[str, words.FraudRule]) -> dict[str, Any]:
    """What was said as plain values. Trees are checked first: a fraction in one is none (strictjson)."""
    for where, rule in rules.items():
        check_tree(rule.when, f"{where}.when")
    plain: dict[str, Any] = msgspec.to_builtins(said)
    return plain


def _decision_id(request: ApiRequest) -> str:
    decision = str(request.path_params["decision"])
    if not has_shape(decision, "frd"):
        raise DecisionNotFound("there is no such decision", param="id")
    return decision


def _rules_view(mode: str, found: RulesVersion) -> dict[str, Any]:
    return {
        "object": "fraud_rules",
        "mode": mode,
        "version": found.rules.version if found.created_at else 0,
        **show_rule_set(found.rules),
        "created_at": rfc3339(found.created_at) if found.created_at else None,
        "created_by": found.created_by,
    }


def _decision_view(one: Decision) -> dict[str, Any]:
    return {
        "id": one.id,
        "object": "fraud_decision",
        "mode": one.mode,
        "payment": one.payment,
        "stage": one.stage,
        "action": one.action,
        "decided_by": one.decided_by,
        "score": one.score,
        "shadow_action": one.shadow_action,
        "rules_version": one.rules_version,
        "results": list(one.results),
        "inputs": dict(one.inputs),
        "latency_us": one.latency_us,
        "decided_at": rfc3339(one.decided_at),
    }


ROUTES = (
    get_fraud_rules,
    change_fraud_rules,
    backtest_fraud_rule,
    list_fraud_decisions,
    get_fraud_decision,
    replay_fraud_decision,
)
