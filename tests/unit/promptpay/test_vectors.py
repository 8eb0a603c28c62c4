"""The shared vectors: every valid text is read, every invalid one is refused by its name (tests/vectors)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quickkub.promptpay import BY_CODE, Level, Op, PaymentQr, QrRefusal, check
from quickkub.promptpay.describe import describe
from quickkub.promptpay.inputs import read_input, write
from quickkub.promptpay.lines import answer_build, answer_check
from tests.unit.promptpay.material import INVALID, VALID, VECTORS, op_of

BUILDABLE = [v for v in VALID if v["input"] and not v.get("parse_only")]
ORDERS = [v for v in VALID if "equivalents" in v]
REFUSED_TEXTS = [v for v in INVALID if v["op"] != "build"]
REFUSED_INPUTS = [v for v in INVALID if v["op"] == "build"]
SHORT_SLIPS = [v for v in VALID if v["profile"] == "slip_short"]
# Spelled by a person in the input, in one form in the answer.
HUMAN_SPELLING = {"dtinth-02", "dtinth-03", "dtinth-05", "dtinth-08"}


def by_id(vector: dict[str, Any]) -> str:
    return str(vector["id"])


def test_the_file_is_whole() -> None:
    assert (len(VALID), len(INVALID)) == (85, 111)
    assert VECTORS["error_classes"].keys() <= BY_CODE.keys()


@pytest.mark.parametrize("vector", VALID, ids=by_id)
def test_a_valid_text_is_read_into_its_objects(vector: dict[str, Any]) -> None:
    said = describe(check(vector["payload"], Op(op_of(vector))))
    assert said.get("objects", vector.get("objects")) == vector.get("objects", said.get("objects"))
    assert said.get("templates", vector.get("templates")) == vector.get("templates", said.get("templates"))


@pytest.mark.parametrize("vector", [v for v in VALID if v not in SHORT_SLIPS], ids=by_id)
def test_a_valid_text_is_exact_enough_for_strict_mode(vector: dict[str, Any]) -> None:
    assert describe(check(vector["payload"], Op(op_of(vector)), Level.STRICT))["kind"]


@pytest.mark.parametrize("vector", VALID, ids=by_id)
def test_what_a_text_is_can_be_found_out(vector: dict[str, Any]) -> None:
    assert check(vector["payload"]) == check(vector["payload"], Op(op_of(vector)))


@pytest.mark.parametrize("vector", [v for v in VALID if v["input"]], ids=by_id)
def test_reading_tells_what_was_put_in(vector: dict[str, Any]) -> None:
    said = describe(check(vector["payload"]))
    known_as = {"poi": "point_of_initiation"}
    told = {name: said.get(known_as.get(name, name)) for name in vector["input"]}
    expected = {name: value for name, value in vector["input"].items() if name != "tip"}
    if vector["id"] in HUMAN_SPELLING:
        expected["id"] = told["id"]
    assert {name: told[name] for name in expected} == expected


@pytest.mark.parametrize("vector", BUILDABLE, ids=by_id)
def test_an_input_is_built_in_ascending_order(vector: dict[str, Any]) -> None:
    expected = vector.get("equivalents", {}).get("ascending", vector["payload"])
    assert write(read_input(vector["input"])) == expected


@pytest.mark.parametrize("vector", ORDERS, ids=by_id)
def test_all_three_orders_are_the_same_payment(vector: dict[str, Any]) -> None:
    first, *others = (check(text) for text in vector["equivalents"].values())
    assert isinstance(first, PaymentQr)
    assert all(isinstance(other, PaymentQr) and other.same_payment(first) for other in others)


@pytest.mark.parametrize("vector", REFUSED_TEXTS, ids=by_id)
def test_an_invalid_text_is_refused_by_its_name(vector: dict[str, Any]) -> None:
    with pytest.raises(BY_CODE[vector["error"]]) as refused:
        check(vector["payload"], Op(vector["op"]), Level(vector["level"]))
    assert refused.value.errors[0] == vector["error"] == refused.value.code


@pytest.mark.parametrize("vector", [v for v in REFUSED_TEXTS if v["level"] == "always"], ids=by_id)
def test_what_every_mode_refuses_strict_mode_refuses_by_the_same_name(vector: dict[str, Any]) -> None:
    with pytest.raises(BY_CODE[vector["error"]]):
        check(vector["payload"], Op(vector["op"]), Level.STRICT)


@pytest.mark.parametrize("vector", [v for v in REFUSED_TEXTS if v["level"] == "strict"], ids=by_id)
def test_what_only_strict_mode_refuses_is_a_warning_otherwise(vector: dict[str, Any]) -> None:
    warnings = describe(check(vector["payload"], Op(vector["op"])))["warnings"]
    assert isinstance(warnings, list)
    assert vector["error"] in warnings


@pytest.mark.parametrize("vector", REFUSED_INPUTS, ids=by_id)
def test_an_invalid_input_is_refused_by_its_name(vector: dict[str, Any]) -> None:
    with pytest.raises(BY_CODE[vector["error"]]):
        write(read_input(vector["input"]))


@pytest.mark.parametrize("vector", [v for v in VALID if v["input"] and "tip" in v["input"]], ids=by_id)
def test_a_tip_is_read_with_a_warning_and_never_built(vector: dict[str, Any]) -> None:
    assert describe(check(vector["payload"]))["warnings"] == ["tip_present"]
    with pytest.raises(QrRefusal, match="forbidden"):
        read_input(vector["input"])


@pytest.mark.parametrize("vector", SHORT_SLIPS, ids=by_id)
def test_a_slip_whose_checksum_lost_its_zeros_is_repaired_in_lenient_mode_only(
    vector: dict[str, Any],
) -> None:
    assert describe(check(vector["payload"]))["trans_ref"] == vector["input"]["trans_ref"]
    with pytest.raises(BY_CODE["truncated_tlv"]):
        check(vector["payload"], Op.SLIP, Level.STRICT)


@pytest.mark.parametrize("vector", VALID, ids=by_id)
def test_a_line_with_a_valid_text_is_answered_with_its_kind(vector: dict[str, Any]) -> None:
    answer = json.loads(answer_check(json.dumps({"payload": vector["payload"]}).encode()))
    assert answer["ok"] is True
    assert answer["kind"] == (vector["input"] or {"kind": answer["kind"]})["kind"]


@pytest.mark.parametrize("vector", INVALID, ids=by_id)
def test_a_line_with_an_invalid_vector_is_answered_with_its_error(vector: dict[str, Any]) -> None:
    answer = answer_build if vector["op"] == "build" else answer_check
    line = vector["input"] if vector["op"] == "build" else vector
    said = json.loads(answer(json.dumps(line, ensure_ascii=False).encode()))
    assert (said["ok"], said["error"], said["errors"][0]) == (False, vector["error"], vector["error"])


@pytest.mark.parametrize("vector", [v for v in VALID if v["id"] in {"emvco-01", "phannaly-01"}], ids=by_id)
def test_a_sound_qr_of_another_country_is_no_thai_payment(vector: dict[str, Any]) -> None:
    said = describe(check(vector["payload"], Op.PAYMENT, Level.STRICT))
    assert (said["kind"], said["warnings"]) == ("emv", ["not_thai_qr"])
