"""The limit on logins: few failures by account and by address, then a pause that grows no further."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

#: Failures allowed in the window, and the window in seconds.
FAILURES, WINDOW = 5, 300.0
#: Most keys remembered; the oldest are forgotten first.
_REMEMBERED = 10_000


class LoginLimit:
    """Counts failures by key (an account, an address); ``clock`` returns seconds that never go back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, *keys: str) -> float:
        """Return how many seconds a further try must wait, 0.0 when it may be made now."""
        now, longest = self._clock(), 0.0
        for key in keys:
            failures = self._failures.get(key, deque())
            while failures and now - failures[0] > WINDOW:
                failures.popleft()
            if len(failures) >= FAILURES:
                longest = max(longest, WINDOW - (now - failures[0]))
        return longest

    def failed(self, *keys: str) -> None:
        """Count a failure."""
        for key in keys:
            self._failures.setdefault(key, deque(maxlen=FAILURES)).append(self._clock())
            self._failures.move_to_end(key)
        while len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)

    def passed(self, *keys: str) -> None:
        """Forget the failures of keys that got in."""
        for key in keys:
            self._failures.pop(key, None)
