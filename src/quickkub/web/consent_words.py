"""The words of the consent page. Permissions are told by what they are about and whether they change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from quickkub.web.words import Lang

WORDS: Final[Mapping[Lang, Mapping[str, str]]] = {
    "th": {
        "title": "อนุญาตให้เข้าถึงร้านของคุณ",
        "languages": "ภาษา",
        "heading": "{client} ขอเข้าถึงร้านของคุณ",
        "as_whom": "คุณเข้าสู่ระบบในชื่อ {person} หากอนุญาต โปรแกรมนี้จะทำสิ่งต่อไปนี้แทนคุณได้",
        "live": "ใช้กับเงินจริง",
        "where": "หลังจากนี้คุณจะถูกส่งไปที่",
        "allow": "อนุญาต",
        "deny": "ไม่อนุญาต",
        "sign_in_title": "กรุณาเข้าสู่ระบบก่อน",
        "sign_in_text": "เข้าสู่ระบบ QuickKub แล้วเปิดลิงก์นี้อีกครั้ง",
        "address_title": "ลิงก์นี้ใช้ไม่ได้",
        "address_text": "ไม่รู้จักโปรแกรมที่ส่งคุณมา หรือที่อยู่สำหรับส่งคุณกลับ กรุณาแจ้งผู้ดูแลโปรแกรมนั้น",
        "ticket_title": "คำตอบนี้ใช้ไม่ได้แล้ว",
        "ticket_text": "หน้านี้หมดเวลา ถูกตอบไปแล้ว หรือเป็นของผู้ใช้อื่น กรุณาเริ่มใหม่จากโปรแกรมนั้น",
        "away_title": "ระบบไม่พร้อมใช้งานชั่วคราว",
        "away_text": "กรุณาลองใหม่อีกครั้งในอีกสักครู่",
    },
    "en": {
        "title": "Let a program into your shop",
        "languages": "Language",
        "heading": "{client} asks to be let into your shop",
        "as_whom": "You are signed in as {person}. If you agree, this program can do the following for you.",
        "live": "This is about real money.",
        "where": "Afterwards you are sent to",
        "allow": "Allow",
        "deny": "Do not allow",
        "sign_in_title": "Please sign in first",
        "sign_in_text": "Sign in to QuickKub, then open this link again.",
        "address_title": "This link does not work",
        "address_text": "The program that sent you, or the address it wants you sent back to, is not known. "
        "Please tell whoever runs that program.",
        "ticket_title": "This answer does not count any more",
        "ticket_text": "The page is too old, was answered before, or belongs to somebody else. "
        "Please start again from that program.",
        "away_title": "We cannot be reached for a moment",
        "away_text": "Please try again shortly.",
    },
}

_VERBS: Final[Mapping[Lang, Mapping[str, str]]] = {
    "th": {"read": "ดู{about}", "write": "สร้างและแก้ไข{about}"},
    "en": {"read": "See {about}", "write": "Make and change {about}"},
}

_ABOUT: Final[Mapping[str, tuple[str, str]]] = {
    "approvals": ("การอนุมัติ", "approvals"),
    "audit": ("บันทึกการใช้งาน", "the audit log"),
    "balance": ("ยอดเงิน", "the balance"),
    "cases": ("รายการที่ต้องตัดสินใจ", "cases to decide"),
    "checkout": ("ข้อมูลหน้าชำระเงิน", "what the checkout page shows"),
    "disputes": ("ข้อโต้แย้งการชำระเงิน", "disputes"),
    "events": ("เหตุการณ์", "events"),
    "fraud": ("กฎป้องกันการทุจริต", "fraud rules and reviews"),
    "keys": ("คีย์ API และโปรแกรมที่เชื่อมต่อ", "API keys and connected programs"),
    "kyc": ("เอกสารยืนยันตัวตนของร้าน", "documents about the shop"),
    "merchant": ("ข้อมูลร้าน", "the shop's particulars"),
    "payments": ("การชำระเงิน", "payments"),
    "payouts": ("การโอนเงินออก", "payouts"),
    "privacy": ("ข้อมูลส่วนบุคคล", "personal data"),
    "providers": ("บัญชีผู้ให้บริการ", "accounts at banks and wallets"),
    "refunds": ("การคืนเงิน", "refunds"),
    "routing": ("กฎการเลือกผู้ให้บริการ", "routing rules"),
    "settings": ("การตั้งค่า", "settings"),
    "settlement": ("บัญชีธนาคารสำหรับรับเงิน", "the bank account money is settled to"),
    "slips": ("สลิปโอนเงิน", "transfer slips"),
    "team": ("สมาชิกทีม", "team members"),
    "test": ("เครื่องมือทดสอบ", "test tools"),
    "tokens": ("โทเคนบัตร", "payment tokens"),
    "webhooks": ("เว็บฮุก", "webhooks"),
}


def scope_text(scope: str, lang: Lang) -> str:
    """A permission as a line of the page; its own name where there are no words for it."""
    thing, _, verb = scope.partition(":")
    if thing not in _ABOUT or verb not in _VERBS[lang]:
        return scope
    return _VERBS[lang][verb].format(about=_ABOUT[thing][lang == "en"])
