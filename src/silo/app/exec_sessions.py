"""How a worker reaches into a container: a channel of its own to containerd, opened when needed."""

from functools import partial

from silo import core, engine, workload
from silo.settings import Settings


class ExecSessions:
    """Starts programs in the containers of this instance."""

    def __init__(self, settings: Settings, clock: core.Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._runtime: engine.Runtime | None = None

    async def open(self, wish: workload.ExecWish) -> workload.ExecSession:
        """Start the program that a ticket is for, or listen to the one that runs.

        Raises:
            EngineError: it cannot be started, in a sentence for the terminal.

        """
        runtime = self._open_runtime()
        # Not by a name made up from the group's: what is found is of this very group, and runs.
        labels = {engine.GROUP_LABEL: wish.uid, engine.CONTAINER_LABEL: wish.container}
        found = await runtime.list_containers(labels)
        running = [one for one in found if one.status is engine.Status.RUNNING]
        if not running:
            raise engine.ContainerMissing(f"The container {wish.container} does not run.")
        if not wish.command:
            log = engine.locate_log(self._get_paths(), wish.uid, wish.container)
            listener = engine.OutputSession(log, partial(runtime.wait_exit, running[0].id))
            await listener.start()
            return listener
        size = engine.Size(columns=wish.columns, rows=wish.rows) if wish.rows else None
        return await runtime.exec(running[0].id, wish.command, size)

    async def close(self) -> None:
        """Hang up."""
        if self._runtime is not None:
            await self._runtime.close()

    def _open_runtime(self) -> engine.Runtime:
        if self._runtime is None:
            binaries = engine.find_binaries()
            obstacle = engine.find_obstacle(binaries)
            if binaries is None or obstacle:
                raise engine.EngineUnavailable(obstacle or "There is no container engine here.")
            registries = engine.Registries(self._settings.bundle)
            self._runtime = engine.Runtime(binaries, self._get_paths(), self._clock, registries)
        return self._runtime

    def _get_paths(self) -> engine.Paths:
        return engine.Paths.of_instance(self._settings.state, self._settings.id)
