"""`quickkub qr` as a script meets it: what is printed where, and the exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import quickkub
from quickkub.cli.qr import app

PAYLOAD = "00020101021229370016A0000006770101110113006681234567853037645406100.005802TH6304F142"
HOUSE = os.environ | {"PYTHONPATH": str(Path(quickkub.__file__).parents[1])}
BARCODE = "|099400016550100\r1\r\r5"


def qr(*words: str, given: bytes | str = "") -> Result:
    return CliRunner().invoke(app, words, input=given, catch_exceptions=False)


def test_build_prints_the_payload_and_nothing_else() -> None:
    said = qr("build", "--proxy", "mobile", "--id", "0812345678", "--amount", "100.00")
    assert (said.exit_code, said.stdout, said.stderr) == (0, PAYLOAD + "\n", "")


@pytest.mark.parametrize(
    ("words", "payload"),
    [
        (
            "--proxy mobile --id 0812345678",
            "00020101021129370016A0000006770101110113006681234567853037645802TH6304823E",
        ),
        (
            "--proxy tax_id --id 0105551234567 --amount 1234567.80",
            "00020101021229370016A00000067701011102130105551234567530376454101234567.805802TH63040C73",
        ),
        (
            "--proxy truemoney --id 0801111111",
            "00020101021129390016A000000677010111031514000080111111153037645802TH63047C0F",
        ),
        (
            "--biller-id 010555123456700 --ref1 QK20260101000001 --ref2 M0001 --ref3 QK01 --amount 1234.50",
            "00020101021230680016A00000067701011201150105551234567000216QK202601010000010305M0001"
            "530376454071234.505802TH62080704QK0163041AB7",
        ),
        (
            "--biller-id 099400016550100 --ref1 123456789012 --amount 100.00 --cross-border",
            "00020101021230550016A000000677012006011509940001655010002121234567890125303764"
            "5406100.005802TH63049D1C",
        ),
        (
            "--proxy mobile --id 0812345678 --amount 50.00 --ota 1234567890",
            "00020101021229510016A00000067701011401130066812345678051012345678905303764540550.005802TH63048856",
        ),
        (
            "--proxy tax_id --id 0999912345678 --amount 1500 --name ABCDEFGHIJKLMNOPQRSTUVWXY --city NAKHON "
            "--postal-code 10110 --mcc 5399",
            "00020101021229370016A0000006770101110213099991234567852045399530376454071500.005802TH"
            "5925ABCDEFGHIJKLMNOPQRSTUVWXY6006NAKHON610510110",
        ),
    ],
)
def test_every_kind_of_qr_has_its_options(words: str, payload: str) -> None:
    assert qr("build", *words.split()).stdout.startswith(payload)


def test_a_barcode_is_built_from_the_same_options() -> None:
    said = qr("build", "--barcode", "--biller-id", "099400016550100", "--ref1", "1", "--amount", "0.05")
    assert said.stdout_bytes == BARCODE.encode() + b"\n"


def test_a_thai_name_goes_into_the_language_template() -> None:
    said = qr("build", "--proxy", "mobile", "--id", "0812345678", "--local-name", "ร้านควิกคับ")
    assert "64210002TH0111ร้านควิกคับ" in said.stdout


def test_an_unwise_qr_is_built_with_a_warning_beside_it() -> None:
    said = qr(
        "build", "--proxy", "bank_account", "--bank-code", "014", "--account", "1234567890", "--amount", "100"
    )
    assert (said.exit_code, said.stdout[-9:]) == (0, "6304901D\n")
    assert said.stderr.startswith("warning: bank_account_proxy: ")


def test_a_printed_qr_with_an_amount_is_warned_about() -> None:
    said = qr("build", "--proxy", "mobile", "--id", "0631112222", "--amount", "59.00", "--static")
    assert said.stdout == (
        "00020101021129370016A000000677010111011300666311122225303764540559.005802TH6304B423\n"
    )
    assert "static_with_amount" in said.stderr


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("--proxy mobile --id 081234567", "bad_mobile"),
        ("--proxy mobile --id 0812345678 --amount 0", "amount_zero"),
        ("--proxy mobile --id 0812345678 --amount -5", "amount_negative"),
        ("--proxy mobile", "empty_target"),
        ("--id 0812345678", "missing_proxy"),
        ("--biller-id 010555123456700", "missing_ref1"),
        ("--proxy mobile --id 0812345678 --message hello", "bad_request_line"),
    ],
)
def test_a_refused_build_prints_no_payload_and_exits_1(words: str, error: str) -> None:
    said = qr("build", *words.split())
    assert (said.exit_code, said.stdout) == (1, "")
    assert said.stderr.startswith(f"refused: {error}: ")


def test_two_kinds_at_once_are_a_wrong_use() -> None:
    assert qr("build", "--proxy", "mobile", "--biller-id", "010555123456700").exit_code == 2


def test_pictures_are_written_beside_the_payload(tmp_path: Path) -> None:
    png, svg = tmp_path / "qr.png", tmp_path / "qr.svg"
    said = qr("build", "--proxy", "mobile", "--id", "0812345678", "--png", str(png), "--svg", str(svg))
    assert said.exit_code == 0
    assert png.read_bytes().startswith(b"\x89PNG")
    assert svg.read_bytes().startswith(b"<?xml")


def test_a_picture_that_cannot_be_written_is_a_wrong_use(tmp_path: Path) -> None:
    said = qr("build", "--proxy", "mobile", "--id", "0812345678", "--png", str(tmp_path / "no" / "qr.png"))
    assert (said.exit_code, said.stdout) == (2, "")
    assert "cannot write" in said.stderr


def test_check_shows_what_a_text_holds() -> None:
    said = qr("check", PAYLOAD)
    assert said.exit_code == 0
    rows = dict(line.split(maxsplit=1) for line in said.stdout.splitlines() if line)
    assert (rows["kind"], rows["amount"], rows["id"]) == ("credit_transfer", "100.00", "0812345678")
    assert said.stdout.endswith("63  checksum             F142\n")


def test_check_shows_the_texts_of_a_template() -> None:
    payload = qr("build", "--proxy", "mobile", "--id", "0812345678", "--local-name", "ร้าน").stdout.strip()
    assert "language.name  ร้าน" in qr("check", payload).stdout


def test_check_reads_a_barcode() -> None:
    assert "bot_barcode" in qr("check", BARCODE).stdout


def test_check_refuses_by_name_and_exits_1() -> None:
    said = qr("check", PAYLOAD.replace("5802TH", "5899TH"))
    assert (said.exit_code, said.stdout) == (1, "")
    assert said.stderr.splitlines() == [
        "refused: value_overrun: "
        "A length reaches past the end of its container or into the CRC object (tag 58).",
        "also: bad_crc",
    ]


def test_the_level_decides_what_passes() -> None:
    lower = PAYLOAD[:-4] + PAYLOAD[-4:].lower()
    assert qr("check", lower).exit_code == 0
    assert qr("check", "--level", "strict", lower).exit_code == 1


def test_the_operation_decides_what_is_expected() -> None:
    assert "not_a_slip" in qr("check", "--op", "parse_slip", PAYLOAD).stderr


def test_nothing_that_moves_the_cursor_reaches_the_terminal() -> None:
    said = qr("check", "|099400016550100\r\x1b[2J\r\r5")
    assert "\x1b" not in said.stdout + said.stderr


def test_check_without_a_payload_is_a_wrong_use() -> None:
    assert qr("check").exit_code == 2


def test_a_stream_of_checks_has_one_verdict_a_line_and_exits_0() -> None:
    asked = [
        {"payload": PAYLOAD},
        {"payload": PAYLOAD[:-1] + "3"},
        {"payload": BARCODE, "op": "parse_barcode"},
    ]
    said = qr("check", "--json", given="\n".join(map(json.dumps, asked)) + "\n\nnonsense\n")
    verdicts = [json.loads(line) for line in said.stdout.splitlines()]
    assert said.exit_code == 0
    assert [v.get("error", v.get("kind")) for v in verdicts] == [
        "credit_transfer",
        "bad_crc",
        "bot_barcode",
        "bad_request_line",
        "bad_request_line",
    ]


def test_a_stream_of_builds_has_one_answer_a_line() -> None:
    asked = {"kind": "credit_transfer", "proxy": "mobile", "id": "0812345678", "amount": "100.00"}
    said = qr("build", "--json", given=json.dumps(asked) + "\n" + json.dumps(asked | {"amount": "0"}) + "\n")
    built, refused = (json.loads(line) for line in said.stdout.splitlines())
    assert built == {"ok": True, "payload": PAYLOAD, "warnings": []}
    assert (refused["ok"], refused["error"]) == (False, "amount_zero")


def test_bytes_that_are_no_text_are_a_verdict_and_no_traceback() -> None:
    said = qr("check", "--json", given=b"\xff\xfe\n\x00\n")
    assert [json.loads(line)["error"] for line in said.stdout.splitlines()] == ["bad_request_line"] * 2


def test_a_program_may_ask_and_wait_over_a_pipe() -> None:
    started = [sys.executable, "-m", "quickkub.cli.qr", "check", "--json"]
    with subprocess.Popen(started, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=HOUSE) as child:
        assert child.stdin and child.stdout
        for _ in range(2):
            child.stdin.write(json.dumps({"payload": PAYLOAD}).encode() + b"\n")
            child.stdin.flush()
            assert json.loads(child.stdout.readline())["ok"] is True
        child.stdin.close()
        assert child.wait() == 0


def test_the_image_library_is_only_loaded_to_draw() -> None:
    looked = "import sys, quickkub.cli.qr; sys.exit('segno' in sys.modules or 'asyncpg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", looked], check=False, env=HOUSE).returncode == 0
