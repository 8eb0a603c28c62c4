"""Who did what: an entry for each privileged act, written in the transaction of the act (A1, A2).

Entries are only ever added, and sealed into chains afterwards, so that what was changed or cut off later is
noticed. This room never decides whether somebody may do something.
"""

from quickkub.audit.acting import acting, current_actor
from quickkub.audit.model import Act, Actor, ActorKind
from quickkub.audit.store import record

__all__ = ["Act", "Actor", "ActorKind", "acting", "current_actor", "record"]
