"""
The shipped queue of mail orders keeps its contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from uness_auth.mailers.background import BackgroundQueue
from uness_auth.model import MailOrder
from uness_auth.testing.contracts import OrderQueueContract


class TestBackgroundQueue(OrderQueueContract):
    @pytest.fixture(autouse=True)
    def _queue(self) -> Iterator[None]:
        self.queue = BackgroundQueue(retry_waits=[timedelta(0)])
        yield
        self.queue.close()

    def make(self, deliver: Callable[[MailOrder], None], /) -> BackgroundQueue:
        self.queue.start(deliver)
        return self.queue

    def make_unreachable(self) -> BackgroundQueue:
        queue = self.make(lambda _: None)
        queue.close()
        return queue
