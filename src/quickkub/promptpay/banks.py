"""Three-digit bank codes of the Thai payment system (promptpay pack 3.6).

Each entry is agreed by at least two public lists unless its comment says otherwise. A code that is not here
is not an error: keep the digits and show no name.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Bank(NamedTuple):
    """A bank's code as it stands in slips and files, its usual short name, and its English name."""

    code: str
    short: str
    name: str


_ALL: Final = (
    Bank("001", "BOT", "Bank of Thailand"),  # one list
    Bank("002", "BBL", "Bangkok Bank"),
    Bank("004", "KBANK", "Kasikornbank"),
    Bank("006", "KTB", "Krungthai Bank"),
    Bank("008", "JPM", "J.P. Morgan Chase"),
    Bank("009", "OCBC", "OCBC"),  # one list
    Bank("010", "BTMU", "MUFG branch (legacy)"),  # one list
    Bank("011", "TTB", "TMBThanachart"),  # TMB before 2021
    Bank("014", "SCB", "Siam Commercial Bank"),
    Bank("015", "SCIB", "Siam City (legacy)"),  # one list
    Bank("017", "CITI", "Citibank"),
    Bank("018", "SMBC", "Sumitomo Mitsui"),
    Bank("020", "SCBT", "Standard Chartered (Thai)"),
    Bank("022", "CIMBT", "CIMB Thai"),
    Bank("024", "UOBT", "United Overseas Bank (Thai)"),
    Bank("025", "BAY", "Bank of Ayudhya (Krungsri)"),
    Bank("026", "MEGA", "Mega International"),
    Bank("027", "BA", "Bank of America"),
    Bank("030", "GSB", "Government Savings Bank"),
    Bank("031", "HSBC", "HSBC"),
    Bank("032", "DB", "Deutsche Bank"),
    Bank("033", "GHB", "Government Housing Bank"),
    Bank("034", "BAAC", "Bank for Agriculture and Agricultural Cooperatives"),
    Bank("035", "EXIM", "Export-Import Bank of Thailand"),
    Bank("039", "MHCB", "Mizuho"),
    Bank("045", "BNPP", "BNP Paribas"),
    Bank("052", "BOC", "Bank of China (Thai)"),
    Bank("065", "TBANK", "Thanachart (legacy, now 011)"),
    Bank("066", "ISBT", "Islamic Bank of Thailand"),
    Bank("067", "TISCO", "TISCO Bank"),
    Bank("069", "KKP", "Kiatnakin Phatra"),
    Bank("070", "ICBCT", "ICBC (Thai)"),
    Bank("071", "TCD", "Thai Credit"),
    Bank("073", "LHFG", "Land and Houses Bank"),
    Bank("098", "SME", "SME Development Bank"),
)

BANKS: Final = {bank.code: bank for bank in _ALL}
