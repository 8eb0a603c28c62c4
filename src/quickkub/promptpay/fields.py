"""Root objects of a Thai payment QR: constant values, and how long texts may be (promptpay pack 1.3)."""

from __future__ import annotations

from typing import Final

STATIC: Final = "11"
DYNAMIC: Final = "12"
BAHT: Final = "764"
THAILAND: Final = "TH"
NAME_MAX: Final = 25
CITY_MAX: Final = 15
POSTAL_MAX: Final = 10
MCC_LENGTH: Final = 4
