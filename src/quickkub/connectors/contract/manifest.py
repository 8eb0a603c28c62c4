"""What a provider is: for the settings form, the docs page, the seed, routing and the health check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True, slots=True)
class SettingField:
    """One thing an account needs to know, for the form, the docs and the check.

    `assumed` says that the provider does not publish this and the default is our conservative choice; `note`
    is for the docs page.
    """

    name: str
    label_en: str
    label_th: str
    secret: bool = False
    required: bool = True
    default: str = ""
    pattern: str = ""
    assumed: bool = False
    note: str = ""


class Can(Enum):
    """What can be done with a payment of a method at this provider, beyond being paid in full at once.

    CHALLENGE: it can be told with an order to make the payer prove who they are (3-D Secure), whatever the
    account's own setting is (`Order.challenge`).
    """

    AUTHORIZE = "authorize"
    CAPTURE_PART = "capture_part"
    CAPTURE_SEVERAL = "capture_several"
    VOID = "void"
    REFUND = "refund"
    REFUND_PART = "refund_part"
    CANCEL = "cancel"
    CHALLENGE = "challenge"


@dataclass(frozen=True, slots=True)
class MethodOffer:
    """A payment method a provider offers, with its limits in minor units.

    `needs` names fields of `Payer` without which it cannot be asked for. `refund_days` is how long after the
    payment a refund is taken, None when the provider names no limit; without Can.REFUND money goes back by a
    bank transfer that a person makes. `fee_basis_points` is the provider's list price, for choosing the
    cheapest route; None when it is not public. `flag` names a switch of the account that turns the method on;
    empty when it is always on. `actions` are the kinds of next action it leads to.
    """

    method: str
    amount_min: int
    amount_max: int
    can: frozenset[Can] = frozenset()
    needs: tuple[str, ...] = ()
    refund_days: int | None = None
    fee_basis_points: int | None = None
    flag: str = ""
    actions: tuple[str, ...] = ("display_qr",)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One provider. `other_base_urls` are further addresses by name, as (sandbox, live) pairs."""

    name: str
    title_en: str
    title_th: str
    methods: tuple[MethodOffer, ...]
    fields: tuple[SettingField, ...]
    sandbox_base_url: str
    live_base_url: str
    simulator_port: int
    # Creating the same order again with the same reference makes nothing new.
    create_is_repeatable: bool = False
    # Telling the same instruction again with the same reference makes nothing new.
    instruct_is_repeatable: bool = False
    # How long after an order or instruction "no such reference" proves that the provider never got it; None:
    # it never proves that, and only a person may call it lost.
    visible_after_seconds: int | None = None
    reference_letters_max: int = 20
    other_base_urls: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    # What the simulator knows from its start, by the provider's own names; for those who use it alone.
    simulator_credentials: Mapping[str, str] = field(default_factory=dict)
    # Below which path of the simulator's address the account's base_url points; further ones by name.
    simulator_base_path: str = ""
    simulator_other_paths: Mapping[str, str] = field(default_factory=dict)
    # The settings and credentials with which an account is paid through the simulator.
    simulator_account: Mapping[str, str] = field(default_factory=dict)
    # For the docs page: what it is, what is assumed, and where the facts come from.
    about_en: str = ""
    sources: tuple[str, ...] = ()

    def offer(self, method: str) -> MethodOffer | None:
        """The offer of one method, or None."""
        return next((offer for offer in self.methods if offer.method == method), None)
