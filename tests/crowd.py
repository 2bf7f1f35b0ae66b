"""Many clients at once, for locust: each posts articles and compares what comes back.

CROWD names a file with what is posted and what `framescope score` wrote of it.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import gevent
from locust import FastHttpUser, constant, task

PAIRS = json.loads(Path(os.environ["CROWD"]).read_text(encoding="utf-8"))
BUSY = 429


def differs(report: dict, wanted: dict) -> bool:
    """Whether a report gives anything else for an article, but for its name and origin."""
    (found,) = report["articles"]
    unlike = {"origin": None, "id": None}
    return {**found, **unlike} != {**wanted, **unlike}


class Client(FastHttpUser):
    wait_time = constant(0)

    def on_start(self) -> None:
        self.order = random.Random(os.urandom(8))

    @task(9)
    def score(self) -> None:
        posted, wanted = self.order.choice(PAIRS)
        with self.client.post("/score", json=posted, catch_response=True) as answer:
            self.check(answer, lambda: [(answer.json(), wanted)])

    @task(1)
    def batch(self) -> None:
        pairs = self.order.choices(PAIRS, k=3)
        body = {"articles": [posted for posted, _ in pairs]}
        with self.client.post("/score/batch", json=body, catch_response=True) as answer:
            wanted = [wanted for _, wanted in pairs]
            self.check(answer, lambda: zip(answer.json()["reports"], wanted, strict=True))

    def check(self, answer, pairs) -> None:
        if answer.status_code == BUSY and int(answer.headers["retry-after"]) >= 1:
            answer.success()
            told = int(answer.headers["retry-after"])
            self.environment.events.request.fire(
                request_type="told", name="to come again", response_time=0, response_length=0,
                exception=None, context={},
            )  # fmt: skip
            gevent.sleep(told)
        elif answer.status_code != 200:
            answer.failure(f"status {answer.status_code}")
        elif any("error" in found or differs(found, wanted) for found, wanted in pairs()):
            answer.failure("another score than the command's")
        else:
            answer.success()
