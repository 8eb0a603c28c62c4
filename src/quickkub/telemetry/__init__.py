"""What can be seen of a running gateway: log lines and metrics, with everything secret taken out.

Rooms say what happened by name; this room decides which names may be written and redacts the values. It never
holds business rules, never sends anything anywhere, and nothing in it may fail a payment.
"""

from quickkub.telemetry.logs import Log, about, configure_logging, get_logger
from quickkub.telemetry.redaction import STARS, redact

__all__ = ["STARS", "Log", "about", "configure_logging", "get_logger", "redact"]
