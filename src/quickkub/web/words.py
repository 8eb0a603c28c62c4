"""Every word a payer reads, in Thai and English, and how amounts and times are written for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, TypeAlias

from quickkub.checkout.model import Stage
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import THB, Money, decimal_text

Lang: TypeAlias = Literal["th", "en"]
Words: TypeAlias = Mapping[str, str]

# A line break ends a sentence: the page keeps it, so that a line ends where a thought does.
TH: Final[Words] = {
    "document_title": "ชำระเงิน {amount} ให้ {merchant}",
    "document_title_paid": "✓ ชำระแล้ว {amount} · {merchant}",
    "skip": "ข้ามไปที่เนื้อหาหลัก",
    "languages": "ภาษา",
    "pay_to": "ชำระเงินให้",
    "amount": "ยอดชำระ",
    "reference": "เลขที่คำสั่งซื้อ",
    "paid_at": "เวลาที่ชำระ",
    "payment_number": "เลขที่รายการ",
    "test_mode": "โหมดทดสอบ ไม่มีการตัดเงินจริง",
    "qr_alt": "QR พร้อมเพย์ ยอด {amount} ชำระให้ {merchant}",
    "time_left": "ชำระภายใน",
    "one_minute": "เหลือเวลาไม่ถึง 1 นาที",
    "updates_itself": "หน้านี้อัปเดตเองอัตโนมัติ",
    "offline": "ขาดการเชื่อมต่อ กำลังลองใหม่",
    "check_status": "ตรวจสอบสถานะ",
    "save_qr": "บันทึกรูป QR",
    "same_phone": "ชำระจากเครื่องนี้ ให้บันทึกรูป QR หรือแตะรูปค้างไว้เพื่อบันทึก แล้วเลือกรูปนี้ในแอปธนาคาร",
    "steps": "วิธีชำระเงิน",
    "step_open": "เปิดแอปธนาคารของคุณ",
    "step_scan": "สแกน QR นี้ หรือเลือกรูป QR ที่บันทึกไว้",
    "step_pay": "ตรวจชื่อร้านและยอดเงิน แล้วยืนยันการชำระ",
    "cannot_scan": "สแกนไม่ได้? กรอกข้อมูลเอง",
    "cannot_scan_how": "เลือกเมนูจ่ายบิลหรือพร้อมเพย์ในแอปธนาคาร แล้วกรอกข้อมูลต่อไปนี้ให้ครบ",
    "biller_id": "รหัสผู้รับชำระ (Biller ID)",
    "ref1": "หมายเลขอ้างอิง 1 (Ref. 1)",
    "ref2": "หมายเลขอ้างอิง 2 (Ref. 2)",
    "proxy_mobile": "พร้อมเพย์ เบอร์มือถือ",
    "proxy_id": "พร้อมเพย์ เลขประจำตัว",
    "proxy_ewallet": "พร้อมเพย์ รหัสอีวอลเล็ต",
    "back": "กลับไปที่ร้านค้า",
    "never_asks": "หน้านี้ไม่ขอรหัสผ่าน PIN หรือ OTP ของคุณ",
    "preparing_title": "กำลังเตรียม QR",
    "preparing_text": "รอสักครู่ QR จะแสดงที่นี่",
    "waiting_title": "สแกนเพื่อชำระเงิน",
    "waiting_text": "ใช้แอปธนาคารใดก็ได้",
    "checking_title": "กำลังตรวจสอบกับธนาคาร",
    "checking_text": "อาจใช้เวลาสักครู่\nหากคุณชำระแล้ว ไม่ต้องชำระซ้ำ",
    "approved_title": "อนุมัติการชำระเงินแล้ว",
    "approved_text": "ร้านค้าจะเรียกเก็บเงินในลำดับถัดไป",
    "paid_title": "ชำระเงินสำเร็จ",
    "paid_text": "ได้รับการยืนยันจากผู้ให้บริการชำระเงินแล้ว",
    "failed_title": "ชำระเงินไม่สำเร็จ",
    "failed_text": "ผู้ให้บริการชำระเงินแจ้งว่ารายการนี้ไม่สำเร็จ\nกลับไปที่ร้านค้าเพื่อลองใหม่",
    "failed_insufficient_funds": "เงินในบัญชีไม่พอ\nกลับไปที่ร้านค้าเพื่อลองใหม่",
    "failed_limit_exceeded": "เกินวงเงินของธนาคารหรือวอลเล็ต\nปรับวงเงินแล้วกลับไปที่ร้านค้าเพื่อลองใหม่",
    "failed_payer_cancelled": "รายการถูกยกเลิกในแอปของผู้ชำระ\nกลับไปที่ร้านค้าหากต้องการลองใหม่",
    "expired_title": "QR นี้หมดอายุแล้ว",
    "expired_text": "อย่าชำระด้วย QR นี้\nกลับไปที่ร้านค้าเพื่อเริ่มใหม่\nหากชำระไปแล้ว โปรดรอสักครู่ ผลจะแสดงที่นี่",
    "cancelled_title": "รายการนี้ถูกยกเลิก",
    "cancelled_text": "อย่าชำระด้วย QR นี้\nหากชำระไปแล้ว โปรดติดต่อร้านค้า",
    "not_found_title": "ไม่พบรายการชำระเงินนี้",
    "not_found_text": "ลิงก์อาจไม่ครบหรือไม่ถูกต้อง\nลองเปิดลิงก์จากร้านค้าอีกครั้ง",
    "away_title": "ระบบไม่พร้อมชั่วคราว",
    "away_text": "ยังแสดงรายการนี้ไม่ได้ในขณะนี้\nหน้านี้จะลองใหม่เองในไม่กี่วินาที",
}

EN: Final[Words] = {
    "document_title": "Pay {amount} to {merchant}",
    "document_title_paid": "✓ Paid {amount} · {merchant}",
    "skip": "Skip to main content",
    "languages": "Language",
    "pay_to": "Pay to",
    "amount": "Amount",
    "reference": "Order",
    "paid_at": "Paid at",
    "payment_number": "Payment number",
    "test_mode": "Test mode: no real money moves",
    "qr_alt": "PromptPay QR for {amount} to {merchant}",
    "time_left": "Pay within",
    "one_minute": "Less than 1 minute left",
    "updates_itself": "This page updates by itself",
    "offline": "Connection lost, trying again",
    "check_status": "Check status",
    "save_qr": "Save QR image",
    "same_phone": "Paying on this phone? Save the QR, or press and hold it, "
    "then choose the picture in your bank app.",
    "steps": "How to pay",
    "step_open": "Open your bank app",
    "step_scan": "Scan this QR, or choose the saved QR image",
    "step_pay": "Check the shop and the amount, then confirm",
    "cannot_scan": "Cannot scan? Enter the details",
    "cannot_scan_how": "Choose bill payment or PromptPay in your bank app and enter all of the following.",
    "biller_id": "Biller ID",
    "ref1": "Ref. 1",
    "ref2": "Ref. 2",
    "proxy_mobile": "PromptPay mobile number",
    "proxy_id": "PromptPay ID number",
    "proxy_ewallet": "PromptPay e-wallet ID",
    "back": "Back to the shop",
    "never_asks": "This page never asks for your password, PIN or OTP",
    "preparing_title": "Getting your QR ready",
    "preparing_text": "One moment. The QR will appear here.",
    "waiting_title": "Scan to pay",
    "waiting_text": "Use any Thai bank app",
    "checking_title": "Checking with the bank",
    "checking_text": "This may take a moment.\nIf you have paid, do not pay again.",
    "approved_title": "Payment approved",
    "approved_text": "The shop will collect the money next.",
    "paid_title": "Payment complete",
    "paid_text": "The payment provider has confirmed it.",
    "failed_title": "Payment did not go through",
    "failed_text": "The payment provider reports that it did not succeed.\nGo back to the shop to try again.",
    "failed_insufficient_funds": "There is not enough money in the account.\n"
    "Go back to the shop to try again.",
    "failed_limit_exceeded": "A limit of your bank or wallet was exceeded.\n"
    "Change it, then go back to the shop to try again.",
    "failed_payer_cancelled": "It was cancelled in the payer's app.\nGo back to the shop to try again.",
    "expired_title": "This QR has expired",
    "expired_text": "Do not pay with it. Go back to the shop to start again.\n"
    "If you have already paid, wait a moment: the result will appear here.",
    "cancelled_title": "This payment was cancelled",
    "cancelled_text": "Do not pay with this QR.\nIf you have already paid, contact the shop.",
    "not_found_title": "We cannot find this payment",
    "not_found_text": "The link may be cut short or mistyped.\nOpen it once more from the shop.",
    "away_title": "Not available right now",
    "away_text": "We cannot show this payment at the moment.\nThis page tries again in a few seconds.",
}

WORDS: Final[Mapping[Lang, Words]] = {"th": TH, "en": EN}

_LANGUAGES: Final[Mapping[str, Lang]] = {"th": "th", "en": "en"}
_MONTHS: Final[Mapping[Lang, str]] = {
    "th": "ม.ค. ก.พ. มี.ค. เม.ย. พ.ค. มิ.ย. ก.ค. ส.ค. ก.ย. ต.ค. พ.ย. ธ.ค.",
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
}
_BUDDHIST_ERA_YEARS: Final = 543


def choose_language(asked: str | None, accept_language: str | None) -> Lang:
    """The `lang` of the address if it is one of ours, else what the browser prefers, else Thai."""
    if asked is not None and asked in _LANGUAGES:
        return _LANGUAGES[asked]
    best, best_weight = _LANGUAGES["th"], 0.0
    for part in (accept_language or "").split(","):
        tag, _, parameter = part.strip().partition(";")
        lang = _LANGUAGES.get(tag.split("-")[0].lower())
        weight = _quality(parameter)
        if lang is not None and weight > best_weight:
            best, best_weight = lang, weight
    return best


def _quality(parameter: str) -> float:
    """`q=0.8` of RFC 9110 12.4.2 as 0.8; 1 when absent, 0 when unreadable."""
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value) if name == "q" and value.isascii() else 0.0
    except ValueError:
        return 0.0


def amount_text(money: Money) -> str:
    """`฿1,234.50`; for other currencies the code, as in `USD 1,234.50`."""
    whole, point, decimals = decimal_text(money).partition(".")
    sign = "฿" if money.currency == THB else f"{money.currency.code} "
    return f"{sign}{int(whole):,}{point}{decimals}"


def moment_text(moment: datetime, lang: Lang) -> str:
    """Bangkok time in full; Buddhist years in Thai, which is display only (security-reliability 5.9)."""
    local = moment.astimezone(BANGKOK)
    month = _MONTHS[lang].split()[local.month - 1]
    if lang == "th":
        return f"{local.day} {month} {local.year + _BUDDHIST_ERA_YEARS} เวลา {local:%H:%M} น."
    return f"{local.day} {month} {local.year}, {local:%H:%M} Bangkok time"


def clock_text(seconds: int) -> str:
    """`14:59`, and `1:00:00` from an hour on. The script of the page counts in the same form."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"


def stage_words(stage: Stage, failure_code: str | None, words: Words) -> tuple[str, str]:
    """Heading and text for a stage. Failures the payer can do something about have a text of their own."""
    heading = words[f"{stage.value}_title"]
    if stage is Stage.FAILED and f"failed_{failure_code}" in words:
        return heading, words[f"failed_{failure_code}"]
    return heading, words[f"{stage.value}_text"]
