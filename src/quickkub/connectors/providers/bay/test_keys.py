"""The throw-away RSA key pair that the pack publishes (bay.md A11), for simulators and tests only.

Anybody has it. It proves nothing about anybody and must never be used at the bank.
"""

from __future__ import annotations

from typing import Final

TEST_PRIVATE_KEY: Final = (
    "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBALp3/HrFGWnA1iYeQZOpC1oPrUgS2lxLDP5N"
    "Uuc1f548tC5yrNUx3AzIEqmTjrT2qBClrQ4IWuSd18DmC1Wn/K8WYsBt22Zm0A8GJ40Nc1BQ3Yog5R5hECwG"
    "ZXQ24cup5cjnWDvFbJwz9WrGH/vyCZpKZ1hvHZR4+MugPHqGbVIjAgMBAAECgYEAuBWaGK2aUA/CmjEGdjrN"
    "bSTK4btS/QhOlINLk9v52AJ/stcdDv/BCJE/808r9DUJaB3XQWI4MTgudk3k5LQJvDPCqD0afmqEO0YFUNOW"
    "gIHI4K6bx7cixuCzTIF1G+FzDroTg7NGPHqdNNNYG+M9flJrDqlw5BRa5OPpUoag7lkCQQDqPPnJjXPFSr5b"
    "urzRGWImBXnhg89T6of25GiTePjIVHh6coy/o/uYzEOjQH4vbGJjoi2tv/lmHzpm10uEFrafAkEAy8rhdThF"
    "PJet6xCQx/sgGtRRiVu4dNs6wbuX2xlJftKGdW1Uv9gFLiQF7LyOTly/jV+ARnpEQsRCT5SBSmjJ/QJAKCFi"
    "OiG93+M6UcTgbIKIyjLN+tD2SE46FRZ0xC9JkCjIq1HMw1h41mjIfcOi2sUa5i723HmzZMec3dms2mh5yQJA"
    "a2oJAc7h93j/K2n01eNQXbPRMjQM+lLfGmP1O3+NlHIEevpgdCm5OUO1d70+yKDsOei/ZOZm+kYVqXpd10l6"
    "RQJBAOVAE1eQAtw1WB3EuOnfTJ+DNAM+eGPkMrNvs3ahY5981faBEabz8TBBBoqhogUXru0nkAuAbwa1ICz7"
    "vbqBkUE="
)
"""PKCS#8 DER in base64."""

TEST_PUBLIC_KEY: Final = (
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC6d/x6xRlpwNYmHkGTqQtaD61IEtpcSwz+TVLnNX+ePLQu"
    "cqzVMdwMyBKpk4609qgQpa0OCFrkndfA5gtVp/yvFmLAbdtmZtAPBieNDXNQUN2KIOUeYRAsBmV0NuHLqeXI"
    "51g7xWycM/Vqxh/78gmaSmdYbx2UePjLoDx6hm1SIwIDAQAB"
)
"""SubjectPublicKeyInfo DER in base64."""
