"""How much a walled process and everything that it starts may use."""

import os
from dataclasses import dataclass

GB = 2**30


@dataclass(frozen=True)
class Limits:
    """What one sandbox may use, from its start to its end, all of its processes together.

    Files live in memory. They are therefore bounded, and gone afterwards even if a process still
    holds them open.

    Attributes:
        memory: Bytes that all processes hold, the loaded libraries included.
        processes: Processes at the same time.
        threads: Threads of all processes. TensorFlow and IPython start 20, and three for each core.
        opened: Files, pipes and sockets of all processes; a single process may open a quarter.
            As many may be watched by epoll.
        pipes: Pipes of all processes.
        sent: Open files that all processes send through sockets, from start to end.
        locks: Locked ranges of files.
        signals: Signals and timers of all processes that wait in the system.
        cores: Cores on which all processes compute; 0: all of the machine's.
        cpu_seconds: Computing time of all processes.
        wall_seconds: Time from the moment that the process is ready. What others compute on the
            machine takes of it, so it is as long as the computing time.
        disk: Bytes in the copy of the working folder.
        scratch: Bytes in each of /tmp, the home folder and /dev/shm.
        files: Files and folders in each of these places.
        output: Characters that one cell may show before the caller ends the process.
    """

    memory: int = 6 * GB
    processes: int = 32
    threads: int = 96 + 8 * (os.cpu_count() or 1)
    opened: int = 4_096
    pipes: int = 512
    sent: int = 256
    locks: int = 1_024
    signals: int = 256
    cores: int = 1
    cpu_seconds: int = 7_200
    wall_seconds: int = 7_200
    disk: int = GB
    scratch: int = GB // 2
    files: int = 20_000
    output: int = 10_000_000


LIMITS = Limits()
