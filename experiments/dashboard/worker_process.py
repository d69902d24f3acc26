"""The child process of one browser tab: all model runs of that tab, asked for and answered in lines of JSON.

python -m experiments.dashboard.worker_process

One line in, `{"id": 7, "do": "compare", ...}`; lines out carry the same id and an event: `stage`, `progress`,
`summary`, `view`, `done`, `cancelled` or `failed`. A newer preview or run takes the place of an older one; what is
worked out ahead of the reader (`foresee`) gives way to previews and is never answered. The process ends with its
input: when the tab closes or the server dies, nothing keeps running.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any, TextIO

from experiments.failures import BadInput, RunFailure

if TYPE_CHECKING:
    from experiments.dashboard.compile_watch import CompileWatch
    from experiments.dashboard.inspection import Inspection
    from experiments.dashboard.live_comparison import LiveComparison

Message = dict[str, Any]
PREVIEW, RUN, INSPECT = "preview", "run", "inspect"
LANE = {
    "prepare": PREVIEW, "preview": PREVIEW, "foresee": PREVIEW, "warm": RUN, "compare": RUN,
    "open": INSPECT, "step": INSPECT, "town": INSPECT,
}  # fmt: skip


class Worker:
    """Answers the messages of one tab; every lane works on one thing at a time."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._begun = out, time.time()
        self._write = threading.Lock()
        self._load = threading.Lock()
        self._worlds: dict[str, LiveComparison] = {}
        self._inspection: Inspection | None = None
        self._queues: dict[str, Queue[Message]] = {lane: Queue() for lane in (PREVIEW, RUN, INSPECT)}
        self._wanted: dict[str, int] = {}  # the newest message of a lane that may still run
        for lane in self._queues:
            threading.Thread(target=self._serve, args=(lane,), daemon=True).start()

    def take(self, message: Message) -> None:
        """Queue a message, or stop the run that it cancels."""
        if message["do"] == "cancel":
            self._wanted.pop(RUN, None)
            return
        lane = LANE[message["do"]]
        if message["do"] != "warm":
            self._wanted[lane] = int(message["id"])
        self._queues[lane].put(message)

    def _serve(self, lane: str) -> None:
        while True:
            message = self._queues[lane].get()
            if lane == PREVIEW:
                message = self._newest(lane, message)
            self._answer(lane, message)

    def _newest(self, lane: str, message: Message) -> Message:
        """Skip previews that a later one has overtaken; never a preparation. What is ahead of the reader comes last."""
        try:
            while message["do"] != "prepare":
                later = self._queues[lane].get_nowait()
                if later["do"] != "foresee" or message["do"] == "foresee":
                    message = later
        except Empty:
            pass
        return message

    def _answer(self, lane: str, message: Message) -> None:
        from experiments.dashboard.live_comparison import Cancelled

        number = int(message["id"])
        send: Callable[..., None] = lambda event, **content: self._send(  # noqa: E731
            {"id": number, "event": event, **content}
        )
        if message["do"] == "foresee":  # what is wrong there is told when the reader comes there
            send = lambda event, **content: None  # noqa: E731
        try:
            self._do(lane, message, send)
        except Cancelled:
            send("cancelled")
        except (BadInput, RunFailure) as error:
            send("failed", message=str(error))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            send("failed", message=f"unexpected failure, please report it: {type(error).__name__}: {error}")

    def _do(self, lane: str, message: Message, send: Callable[..., None]) -> None:
        from experiments.dashboard.inspection import open_inspection
        from experiments.dashboard.live_comparison import Wish

        number, do = int(message["id"]), message["do"]
        if do in ("step", "town"):
            if self._inspection is None:
                raise BadInput("no run is open")
            if do == "step":
                for _ in range(max(1, min(100, int(message.get("years", 1))))):
                    self._inspection.step()
            else:
                self._inspection.choose_town(str(message["town"]))
            send("view", view=self._inspection.view())
            return
        if do == "foresee":
            ahead = self._worlds.get(
                str(message["world"])
            )  # a world not read yet is not worth the reader's processor
            if ahead is not None:
                ahead.foresee(Wish.read(message), lambda: not self._queues[lane].empty())
            return
        live = self._world(str(message["world"]), send)
        if do == "prepare":
            send("done")
        elif do == "warm":
            with self._watch(send):
                live.warm_engine()
            send("stage", stage="ready")
        elif do == "preview":
            send("summary", summary=live.preview(Wish.read(message)))
        elif do == "open":
            self._inspection = open_inspection(live, message)
            send("view", view=self._inspection.view())
        else:
            summary = live.run(
                Wish.read(message),
                lambda done, total: send("progress", done=done, total=total),
                lambda part: send("summary", summary=part),
                lambda: self._wanted.get(lane) != number,
            )
            send("summary", summary=summary)
            send("done")

    def _world(self, name: str, send: Callable[..., None]) -> LiveComparison:
        """A world made ready once for previews; other lanes wait for it. The engine is made ready behind it."""
        with self._load:
            if name not in self._worlds:
                from experiments.dashboard.live_comparison import LiveComparison

                send("stage", stage="world")
                with self._watch(send):
                    live = LiveComparison(name)
                    live.warm_twin()
                self._worlds[name] = live
                self.take({"id": 0, "do": "warm", "world": name})
            return self._worlds[name]

    def _watch(self, send: Callable[..., None]) -> CompileWatch:
        from experiments.dashboard.compile_watch import CompileWatch
        from model.compiled import CACHE_FOLDER

        return CompileWatch(
            CACHE_FOLDER,
            lambda done, of: send("stage", stage="compiling", done=done, total=of),
            since=self._begun,
        )

    def _send(self, message: Message) -> None:
        line = json.dumps(message, ensure_ascii=False, allow_nan=False)
        with self._write:
            self._out.write(line + "\n")
            self._out.flush()


def main() -> None:
    """Serve until the input ends."""
    # Ctrl-C in the server's terminal reaches this process too: it ends with its input, not with a traceback
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever a library prints must not come between the lines of JSON
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    worker = Worker(out)
    for line in sys.stdin:
        worker.take(json.loads(line))
    os._exit(0)  # threads in the middle of a run are not waited for


if __name__ == "__main__":
    main()
