"""The simulated providers in a process of their own, so that what they use is not counted."""

from __future__ import annotations

import sys

import uvicorn

from limen.kernel.clock import SystemClock
from limen.simulators import providers

if __name__ == "__main__":
    port = int(sys.argv[1])
    made = providers(base_url=f"http://127.0.0.1:{port}", clock=SystemClock())
    uvicorn.run(made, port=port, lifespan="off", ws="none", access_log=False, log_level="error")
