"""What letters say, in Thai and English. Plain text: no pictures, nothing that tells who has read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from quickkub.access.mail import Letter

_WORDS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "verify_email": {
        "en": (
            "Confirm your e-mail address",
            "Somebody registered at QuickKub with this address. If it was you, confirm it within 24 hours:"
            "\n\n{link}\n\nIf it was not you, do nothing: without the link the account stays closed.",
        ),
        "th": (
            "ยืนยันอีเมลของคุณ",
            "มีผู้สมัครใช้ QuickKub ด้วยอีเมลนี้ หากเป็นคุณ โปรดยืนยันภายใน 24 ชั่วโมง:\n\n"
            "{link}\n\nหากไม่ใช่คุณ ไม่ต้องทำอะไร บัญชีจะไม่ถูกเปิดใช้งาน",
        ),
    },
    "invitation": {
        "en": (
            "You are invited",
            "You are invited to a merchant's team at QuickKub. Accept within seven days:\n\n{link}\n\n"
            "If you do not know why, do nothing.",
        ),
        "th": (
            "คุณได้รับคำเชิญ",
            "คุณได้รับเชิญให้ร่วมทีมของร้านค้าบน QuickKub โปรดตอบรับภายในเจ็ดวัน:\n\n{link}\n\n"
            "หากไม่ทราบเรื่องนี้ ไม่ต้องทำอะไร",
        ),
    },
    "already_registered": {
        "en": (
            "You have an account already",
            "Somebody tried to register at QuickKub with this address. You have an account already; if you "
            "have forgotten its password, choose a new one here:\n\n{link}\n\nIf it was not you, do nothing.",
        ),
        "th": (
            "คุณมีบัญชีอยู่แล้ว",
            "มีผู้พยายามสมัครใช้ QuickKub ด้วยอีเมลนี้ แต่คุณมีบัญชีอยู่แล้ว หากลืมรหัสผ่าน ตั้งรหัสใหม่ได้ที่:\n\n"
            "{link}\n\nหากไม่ใช่คุณ ไม่ต้องทำอะไร",
        ),
    },
    "reset_password": {
        "en": (
            "Choose a new password",
            "Somebody asked for a new password for your QuickKub account. If it was you, choose one within "
            "an hour:\n\n{link}\n\nIf it was not you, do nothing: your password stays as it is.",
        ),
        "th": (
            "ตั้งรหัสผ่านใหม่",
            "มีผู้ขอตั้งรหัสผ่านใหม่สำหรับบัญชี QuickKub ของคุณ หากเป็นคุณ โปรดตั้งภายในหนึ่งชั่วโมง:\n\n"
            "{link}\n\nหากไม่ใช่คุณ ไม่ต้องทำอะไร รหัสผ่านของคุณไม่เปลี่ยนแปลง",
        ),
    },
    "password_changed": {
        "en": (
            "Your password was changed",
            "The password of your QuickKub account was changed and other sessions were ended. If it was not "
            "you, choose a new one at once:\n\n{link}",
        ),
        "th": (
            "รหัสผ่านของคุณถูกเปลี่ยน",
            "รหัสผ่านบัญชี QuickKub ของคุณถูกเปลี่ยน และเซสชันอื่นถูกปิดแล้ว หากไม่ใช่คุณ ตั้งรหัสใหม่ทันทีที่:\n\n{link}",
        ),
    },
    "second_factor_changed": {
        "en": (
            "Your second factor was changed",
            "The second factor of your QuickKub account was turned on, replaced or turned off. If it was not "
            "you, choose a new password at once and tell the operator:\n\n{link}",
        ),
        "th": (
            "การยืนยันตัวตนขั้นที่สองถูกเปลี่ยน",
            "การยืนยันตัวตนขั้นที่สองของบัญชี QuickKub ของคุณถูกเปิด เปลี่ยน หรือปิด หากไม่ใช่คุณ "
            "ตั้งรหัสผ่านใหม่ทันทีและแจ้งผู้ดูแลระบบ:\n\n{link}",
        ),
    },
}


def letter(kind: str, locale: str, to: str, link: str) -> Letter:
    """A letter in somebody's language."""
    subject, text = _WORDS[kind][locale if locale in ("th", "en") else "en"]
    return Letter(to, f"QuickKub: {subject}", text.format(link=link) + "\n")
