"""Two small memories of the node: which requests are due for refusal, and which forwards it has seen."""

from __future__ import annotations

from collections import deque
from collections.abc import Container

from node_impl.core.events import Effect, SetTimer


class Deadlines:
    """Request ids that fall due the same time after they were added, behind one timer.

    All wait equally long, so a queue is in order by itself; an id that was answered meanwhile is skipped
    when the timer fires, which costs less than taking it out.
    """

    def __init__(self, timer: str, after_ns: int) -> None:
        self.timer = timer
        self._after_ns = after_ns
        self._queue: deque[tuple[int, int]] = deque()
        self._is_armed = False

    def add(self, request_id: int, now: int, effects: list[Effect]) -> None:
        """Add an id, which comes due after the usual time; sets the timer if it is not set."""
        at = now + self._after_ns
        self._queue.append((at, request_id))
        if not self._is_armed:
            self._is_armed = True
            effects.append(SetTimer(self.timer, at))

    def due(self, now: int, open_ids: Container[int], effects: list[Effect]) -> list[int]:
        """The timer fired: the ids that are due and still among `open_ids`; sets the timer for the next."""
        queue = self._queue
        found: dict[int, None] = {}  # an id may be queued twice, where it came to wait twice
        while queue and (queue[0][0] <= now or queue[0][1] not in open_ids):
            _, request_id = queue.popleft()
            if request_id in open_ids:
                found[request_id] = None
        self._is_armed = bool(queue)
        if queue:
            effects.append(SetTimer(self.timer, queue[0][0]))
        return list(found)


class SeenForwards:
    """Which forwards arrived in one term: a network may repeat a message, and no write may happen twice.

    A leader leads a term in one life only, so memory is enough: a copy that arrives in another term or
    life is refused for its term. Message numbers of a sender rise, so a window of them is remembered;
    what is older than that counts as seen, and its client times out.
    """

    WINDOW = 4096

    def __init__(self) -> None:
        self._newest: dict[str, tuple[int, int]] = {}
        """By sender: (life, highest number)."""
        self._numbers: dict[str, set[int]] = {}

    def is_first(self, message_id: str) -> bool:
        """Whether this message id (`node:life:n`) certainly did not come before; remembers it."""
        sender, life_text, number_text = message_id.rsplit(":", 2)
        life, number = int(life_text), int(number_text)
        newest_life, highest = self._newest.get(sender, (0, 0))
        if life > newest_life:
            highest = 0
            self._numbers[sender] = set()
        numbers = self._numbers.get(sender, set())
        if life < newest_life or number <= highest - self.WINDOW or number in numbers:
            return False
        numbers.add(number)
        highest = max(highest, number)
        self._newest[sender] = (life, highest)
        if len(numbers) > 2 * self.WINDOW:
            self._numbers[sender] = {seen for seen in numbers if seen > highest - self.WINDOW}
        return True
