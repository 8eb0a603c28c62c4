"""The throw-away key pair that the pack publishes (bbl.md B9), for simulators and tests only.

Anybody has it. It proves nothing about anybody and must never be used at the bank.
"""

from __future__ import annotations

from typing import Final

TEST_PRIVATE_KEY: Final = (
    "MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQDx1+Ljn5H9c+WKIyONGv980nkXKz/UOyoS"
    "8DNqwn01qNyHddFYnY61re8fAixOR43TUhz//MYzoN/zVEhi2i+eVb35Sj45PzCSTDuUiJYjdcutjxUg5GHR"
    "Rz8P4i+RmBgN+ybs5QwN9a7EnxMMWY9l0Sem9TrkqE2BUYjPv8C/FiKX2TAvbLUUzyZOfWRhi4xz59R0f9Jg"
    "Xx9SnCu465e+wz7UXOKsv6BcG5/hnU+naz7XZlPynh6tqgicjZ3weGoT4usZWC1zmWLtYaIZE6JrY+dJNLXe"
    "WAqKlmTiKzb1ogx/pLmJa+cT3TUCFbWsnRR8CzVYssML9YwWy3uN2S7vAgMBAAECggEAB77lWmr67wYuPN1h"
    "Pxy1QBcxn6dX9QEsGM0uqGWwQu60mXYRjWgGcRUwCms0ZhFunm0L1rsO0gp+AboaU2gvjD+sxPY2xfibIqRk"
    "aB5zyJD2RAnIIHSQGXbRsz2ITn5zjscTeRTg7PWIcm2x23xm1lj7jyJdj4NAcDrfSeAXWUdZRUNmbGrDW99/"
    "WpEN6K5lCT5EQaWu3+b11ah+Mjgiiq3nL2nx63WIk4jWAu/wvXhpEQK8stiMI9Be6HycnEpxUEoj4Tl3Ei7y"
    "6QnRePI56AFuaKvcMg+LSinGeDUp9Stva+MaDl7zTzjBjicJ/GTh2J4CNL2ssE5iMGSRvYigIQKBgQD9or09"
    "eanZvKifxHUjTWOCInp4n+G88AuIQAyLNzbW10d+xYQOH2yC+U+9flIZ8K3ttOm8fWcQmnfyNzpLieVAoTkD"
    "KHA3+hXUdiPyJr9NtYsR1xyaOmWQq81WiyOSY2aMGtbTJp+m5oBnSGZM1ZP+n43IBU2h5TfQBiCoeFE9PwKB"
    "gQD0GQGkbqJR78SPzPCoSqMDaQ0RsAk5tlpzv/PGt1RPYSXnqEKnQSohhjzBXRRdquQJIBJGhoD3WIe9QiMD"
    "Qjkzmn19qrxCmRmPMvmR2brMNKWuSHjXOppgSzPRe4qcW+k5+11VzWR/0iBWVbmjNRW9f9DfBpKw8qd6HEiB"
    "mbGyUQKBgFtTs+xk2IHsapNMvBkADqqXG54/g5rynFRtK5cdRIPLdJTzLf+f1QS8HLhQueNZRGdpUxhp1yil"
    "VjdDJ5x3hLLm2o6GixG83Qtplrvks9GZYwADgusNx/B1zDQzWZWmcRBVwbC6IZaJPQbzjNJxvR5b+UNilXeL"
    "/7LJ4gyHdkklAoGAPwFFXz//Pc75mXR4mbfKI9M1wF8DwpXC+yWMsroXVPXqZsUTj0BOs6CGhhKUcyjs+z3/"
    "+Zw2JaIAR2WOzASH5z31Lj6noTkLU98AdBkTEip0qWujZUqHFlvS4DtXJ8zBgmnTSZZeXm/KUP6HkAzfs64O"
    "J8L2kh3QBMDQJkOZjkECgYB/CMwR8ftorEQWomMbnXEkhZsh6yBQOqRz9+8sx5SOJ2yTrsOz2KUzvtv1u7Uu"
    "AnVW4o5lFFw6fCSJYpEh98v9Z2xZNQESlZWrfXp7Jy20ZoHs4PcBbpP5IPe5sMAepAnnKkcqrsLLq8ujvSIz"
    "ELIziFaPrx9CmkMOywruC79Xxw=="
)
"""PKCS#8 DER in base64."""

TEST_PUBLIC_KEY: Final = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA8dfi45+R/XPliiMjjRr/fNJ5Fys/1DsqEvAzasJ9"
    "Najch3XRWJ2Ota3vHwIsTkeN01Ic//zGM6Df81RIYtovnlW9+Uo+OT8wkkw7lIiWI3XLrY8VIORh0Uc/D+Iv"
    "kZgYDfsm7OUMDfWuxJ8TDFmPZdEnpvU65KhNgVGIz7/AvxYil9kwL2y1FM8mTn1kYYuMc+fUdH/SYF8fUpwr"
    "uOuXvsM+1FzirL+gXBuf4Z1Pp2s+12ZT8p4eraoInI2d8HhqE+LrGVgtc5li7WGiGROia2PnSTS13lgKipZk"
    "4is29aIMf6S5iWvnE901AhW1rJ0UfAs1WLLDC/WMFst7jdku7wIDAQAB"
)
"""SubjectPublicKeyInfo DER in base64."""
