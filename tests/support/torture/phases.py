"""The phases of `make torture`: each fault alone, then all together, with and without attackers.

    python -m tests.support.torture.phases [seconds] [--hostile 2] [--only stray,garble]

With `--hostile 0`, no hostile clients run. One phase takes `seconds`, and some seconds to check.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

from tests.support.torture.crowd import Crowd
from tests.support.torture.faults import HOLD_SECONDS
from tests.support.torture.hostile_clients import HostileClients
from tests.support.torture.hostile_kinds import some_of_each
from tests.support.torture.stack import TortureStack, temporary_stack
from tests.support.torture.tally import HEADER, Fault, Tally

FAULTS = {
    "delay": 0.01,
    "drip": 0.005,
    "cut_reply": 0.01,
    "cut_request": 0.01,
    "duplicate": 0.002,
    "hold_request": 0.003,
    "hold_reply": 0.003,
    "garble": 0.003,
    "garble_text": 0.003,
    "stray": 0.002,
}
"""The probability of each fault for one command or reply.

After a fault the service refuses calls for a moment. Much higher numbers would leave nothing to check.
"""
SHARE = {"stray": 1.0, "duplicate": 1.0}
"""In the phase with all faults, each has this share of its probability. The others have 0.25."""
ALONE = "garble_text"
"""This fault is not in that phase, because it makes points unreadable."""
SETTLE_SECONDS = HOLD_SECONDS + 0.3
"""Until every command that was held back has reached Redis."""
PHASES: dict[str, dict[str, float]] = {
    "no fault": {},
    **{kind: {kind: probability} for kind, probability in FAULTS.items()},
    "all faults": {
        kind: probability * SHARE.get(kind, 0.25)
        for kind, probability in FAULTS.items()
        if kind != ALONE
    },
}


@dataclass(frozen=True, slots=True)
class Torture:
    """A stack under attack, its viewers and its hostile clients."""

    stack: TortureStack
    crowd: Crowd
    clients: HostileClients

    def run(self, phase: str, seconds: float, hostile: int) -> Tally:
        """Run one phase of PHASES with `hostile` clients of each kind. Return what viewers saw.

        At the end, without faults and attackers, each viewer reads all its points.
        """
        proxy = self.stack.proxy
        proxy.plan(seed=int(seconds) + hostile, **PHASES[phase])
        with self.clients.attacking(some_of_each(hostile) if hostile else {}):
            tally = self.crowd.run(seconds, are_values_garbled=ALONE in PHASES[phase])
        proxy.clean()
        time.sleep(SETTLE_SECONDS)
        proxy.reset()
        self.crowd.verify(tally)
        return tally

    def unexplained(self, phase: str, tally: Tally) -> dict[str, int]:
        """Return the counts of `tally` that are not zero but must be."""
        may_be_late = "hold_request" in PHASES[phase]
        late = 0 if may_be_late else tally.faults[Fault.LATE]
        return tally.never() | ({str(Fault.LATE): late} if late else {})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float, nargs="?", default=5.0)
    parser.add_argument("--hostile", type=int, default=0)
    parser.add_argument("--only", default=",".join(PHASES))
    options = parser.parse_args()
    with temporary_stack() as stack:
        clients = HostileClients(stack.service.port)
        torture = Torture(stack, Crowd(stack.service.port), clients)
        print(HEADER)
        for phase in options.only.split(","):
            tally = torture.run(phase, options.seconds, options.hostile)
            print(tally.row(f"{phase}, {options.hostile} of each"), flush=True)
            print(*(f"    {example[:150]}" for example in tally.examples), sep="\n", flush=True)
        print(stack.proxy.counts())
        clients.stop()


if __name__ == "__main__":
    main()
