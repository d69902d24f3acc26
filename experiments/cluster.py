"""Running an ensemble on a Dask cluster, by the address of its scheduler (extra `cluster`).

Workers get the design and its world, never results: a batch is a pure task, so that the scheduler gives it to another
worker when one dies. Parts come back and are written by the command alone, as with threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, TypeVar

from experiments.design import Batch
from experiments.ensemble import Study, run_batch
from experiments.failures import BadInput, Interrupted, RunFailure
from experiments.parts import Part

Made = TypeVar("Made")
CONNECT_SECONDS = 10
BATCHES_A_THREAD = 2  # in flight: enough that no worker waits, few enough that memory stays bounded


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A client of the scheduler at an address, `tcp://host:8786`.

    Raises:
        BadInput: Dask is not installed, or no scheduler with workers answers there.
    """
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise BadInput(
            "--cluster needs Dask: install the project with its extra 'cluster' (pip install 'qyzyljar[cluster]')"
        ) from None
    try:
        client: Any = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise BadInput(
            f"--cluster {address}: no Dask scheduler answers there ({error}); expected its address, such as "
            "tcp://10.0.0.5:8786"
        ) from None
    with client:
        if not client.nthreads():
            raise BadInput(
                f"--cluster {address}: the scheduler has no workers; start some: dask worker {address}"
            )
        yield client


@dataclass(frozen=True)
class Remote(Generic[Made]):
    """What workers need to make any part of a design.

    Attributes:
        prepare, arguments: make on a worker what its parts have in common; fails where the code is another one.
        key: names that, so that a worker makes it once. make: a part of it. runs: how many a batch holds.
    """

    prepare: Callable[..., Any]
    arguments: tuple[Any, ...]
    key: str
    make: Callable[[Any, Batch], Made]
    runs: Callable[[Batch], int]


def remote_study(study: Study) -> Remote[Part]:
    """The ensemble of a study."""
    scenarios = len(study.design.scenarios)
    arrive, given = study.__reduce__()
    return Remote(
        arrive,
        given,
        f"study-{study.design.identity}",
        run_batch,
        lambda batch: scenarios * (batch.end - batch.first),
    )


def run_on_cluster(
    client: Any,
    remote: Remote[Made],
    batches: Sequence[Batch],
    write: Callable[[Made], None],
    on_run: Callable[[], None],
) -> None:
    """Run batches on the workers of a cluster and write each part as it comes back.

    A few batches a thread are in flight, however large the design. A failure or Ctrl-C cancels the others.

    Raises:
        RunFailure: a run or a write failed, a worker has other code, or the cluster is lost. Interrupted: Ctrl-C.
    """
    waiting = iter(batches)
    # A task, not scattered data: should the worker that holds it die, the scheduler makes it again
    prepared = client.submit(remote.prepare, *remote.arguments, key=remote.key)
    flying: dict[Any, Batch] = {}

    def fly(number: int) -> list[Any]:
        started = []
        for _, batch in zip(range(number), waiting, strict=False):
            future = client.submit(remote.make, prepared, batch, pure=False)
            flying[future] = batch
            started.append(future)
        return started

    try:
        first = fly(BATCHES_A_THREAD * max(1, sum(client.nthreads().values())))
        done: Any = import_module("distributed").as_completed(first, loop=client.loop)
        for future in done:
            part = future.result()
            batch = flying.pop(future)
            future.release()
            write(part)
            for _ in range(remote.runs(batch)):
                on_run()
            for another in fly(1):
                done.add(another)
    except KeyboardInterrupt:
        client.cancel(list(flying))
        raise Interrupted from None
    except RunFailure:
        client.cancel(list(flying))
        raise
    except Exception as error:
        client.cancel(list(flying))
        if type(error).__module__.partition(".")[0] in ("distributed", "dask") or isinstance(error, OSError):
            raise RunFailure(f"the cluster failed: {type(error).__name__}: {error}") from error
        raise
