"""The pace: no bucket is ever exceeded, and one busy address holds nobody else up."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import ip_address

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.pace import Pace, Rates

RATES = Rates(overall=40.0, network=20.0, address=5.0, burst=4)


def most_within(instants: list[float], span: float) -> int:
    """The most turns in any span of time."""
    ordered = sorted(instants)
    return max(sum(start <= other < start + span for other in ordered[i:]) for i, start in enumerate(ordered))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 6), st.floats(0, 0.3)), min_size=1, max_size=150))
def test_no_bucket_is_exceeded_in_any_order_of_asking(asked: list[tuple[int, int, float]]) -> None:
    now = 100.0
    pace = Pace(RATES, lambda: now)
    turns: dict[str, list[float]] = defaultdict(list)
    for network, host, pause in asked:
        now += pause
        at = now + pace.reserve(ip_address(f"192.0.{network}.{host}"))
        for key in ("", str(network), f"{network}.{host}"):
            turns[key].append(at)
    for key, instants in turns.items():
        rate = RATES.overall if not key else RATES.network if "." not in key else RATES.address
        for span in (0.5, 2.0):
            # a burst after a quiet time, and the turn at either end
            assert most_within(instants, span) <= rate * span + RATES.burst + 1


def test_a_busy_address_does_not_hold_its_neighbours_up() -> None:
    pace = Pace(Rates(overall=500.0, network=50.0, address=5.0, burst=20), lambda: 1000.0)
    busy = [pace.reserve(ip_address("192.0.2.1")) for _ in range(120)]
    assert busy[-1] > 19
    assert pace.reserve(ip_address("192.0.2.2")) < 0.5
    assert max(pace.reserve(ip_address(f"192.0.2.{n}")) for n in range(3, 40)) < 1.5
