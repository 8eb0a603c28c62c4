"""How vectors write outcomes and news, and that what they do not name may be anything."""

from __future__ import annotations

from datetime import UTC, datetime

from quickkub.connectors.contract import (
    About,
    Action,
    ActionKind,
    Authorized,
    CallbackNews,
    DisputeNews,
    DisputeState,
    Done,
    Paid,
    Receipt,
    Report,
    ReportKind,
    ReportLine,
    Waiting,
)
from quickkub.kernel.money import Money, baht
from tests.support.telling import fits, news_told, told

NOON = datetime(2026, 1, 15, 5, 0, tzinfo=UTC)
AT = "2026-01-15T05:00:00Z"


def test_money_is_written_as_satang_and_a_moment_as_text() -> None:
    assert told(Authorized(baht("1.50"), NOON, "P1", expires_at=NOON)) == [
        "Authorized",
        {
            "satang": 150,
            "currency": "THB",
            "authorized_at": AT,
            "provider_reference": "P1",
            "expires_at": AT,
            "alert": "",
        },
    ]
    assert fits(["Done", {"satang": 150, "done_at": AT}], told(Done("T1", baht("1.50"), NOON)))


def test_an_action_has_a_third_part_only_when_there_is_more_to_say() -> None:
    plain = Waiting(Action(ActionKind.DISPLAY_QR, "0002"))
    assert fits(["Waiting", {"action": ["display_qr", "0002"]}], told(plain))
    app = Waiting(Action(ActionKind.REDIRECT, "https://x.example", app_value="app://x"))
    assert fits(
        ["Waiting", {"action": ["redirect", "https://x.example", {"app_value": "app://x"}]}], told(app)
    )
    form = Waiting(Action(ActionKind.FORM_POST, "https://x.example", fields={"a": "1"}))
    assert fits(
        ["Waiting", {"action": ["form_post", "https://x.example", {"fields": {"a": "1"}}]}], told(form)
    )


def test_a_report_s_line_names_each_of_its_amounts() -> None:
    line = ReportLine(ReportKind.REFUND, "T1", "R1", Money(-100), baht("0.02"), baht("0.01"), NOON)
    (said,) = told(Report((line,)))[1]["lines"]
    assert (said["kind"], said["satang"], said["fee_satang"], said["fee_vat_satang"]) == (
        "refund",
        -100,
        2,
        1,
    )


def test_news_without_a_receipt_says_what_it_is_about() -> None:
    dispute = DisputeNews("D1", "P1", baht("1.00"), DisputeState.NEEDS_RESPONSE, "fraud", NOON)
    said = news_told(CallbackNews("E1", "", None, About.DISPUTE, "P1", dispute))
    expected = {
        "about": "dispute",
        "satang": None,
        "dispute": {"dispute_id": "D1", "state": "needs_response"},
    }
    assert fits(expected, said)


def test_what_is_named_must_be_so_and_lists_are_whole() -> None:
    paid = told(Paid((Receipt("T1", baht("1.00"), NOON),)))
    assert fits(["Paid", {}], paid) and fits(["Paid", {"receipts": [{"transaction_id": "T1"}]}], paid)
    assert not fits(["Declined", {}], paid)
    assert not fits(["Paid", {"receipts": []}], paid)
    assert not fits(["Paid", {"receipts": [{"satang": 101}]}], paid)
