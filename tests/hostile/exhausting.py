"""Submissions that use up a machine, reach out of their kernel, or stay there for the next."""

from entry import Entry, first


def called(code: str) -> dict[str, str]:
    """Hostile code in a function, run when a hidden check calls it."""
    return {"double-answer": f"def double(n):\n    if n == 1: return 2\n{code}"}


ENTRIES = [
    Entry("hangs-in-a-call", "never returns from a hidden call", called("    while True: pass")),
    Entry(
        "dies-in-a-call",
        "ends the kernel in a hidden call",
        called("    import os; os._exit(0)"),
    ),
    Entry(
        "sleeps",
        "sleeps in each answer and in each call",
        {"table-answer": "import time; time.sleep(3); table = [1]"}
        | {"double-answer": "import time\ndef double(n): time.sleep(3); return 5"},
    ),
    Entry(
        "stops-itself",
        "stops its own process by a signal",
        first("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"),
    ),
    Entry(
        "fork-bomb",
        "starts processes that start processes",
        first("import os\nwhile True: os.fork()"),
        walls=True,
    ),
    Entry(
        "thread-bomb",
        "starts threads without an end",
        first(
            "import threading, time\nwhile True:\n"
            "    threading.Thread(target=time.sleep, args=(99,), daemon=True).start()"
        ),
        walls=True,
    ),
    Entry(
        "memory-bomb",
        "fills memory with arrays",
        first("kept = []\nwhile True: kept.append(np.ones(2**24))"),
        walls=True,
    ),
    Entry(
        "disk-bomb",
        "fills the disk beside the notebook and in /tmp",
        first(
            "for name in ('big', '/tmp/big', '/dev/shm/big'):\n"
            "    try:\n        with open(name, 'wb') as f:\n"
            "            for _ in range(3000): f.write(bytes(2**20))\n"
            "    except OSError: pass"
        ),
        walls=True,
    ),
    Entry(
        "file-bomb",
        "makes files until there are no more",
        first("for i in range(10**6): open(f'{i}.txt', 'w').close()"),
        walls=True,
    ),
    Entry(
        "deep-folders",
        "nests folders that no program can delete again",
        first("import os\nfor _ in range(5000):\n    os.mkdir('d'); os.chdir('d')"),
        walls=True,
    ),
    Entry(
        "renames-its-folder",
        "puts a link to the system in the place of its own folder",
        first(
            "import os\nhere = os.getcwd()\nos.chdir('/')\n"
            "os.rename(here, here + '-old'); os.symlink('/etc', here)"
        ),
        walls=True,
    ),
    Entry(
        "leaves-a-daemon",
        "leaves a process that outlives its kernel",
        first(
            "import os\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
            "        import time\n        while True: time.sleep(1)\n    os._exit(0)"
        ),
        walls=True,
    ),
    Entry(
        "writes-libraries",
        "changes numpy, helpers and the start of Python for the next student",
        first(
            "import convcourse.checks, site, sys\n"
            "places = [np.__file__, convcourse.checks.__file__, sys.prefix + '/sitecustomize.py']\n"
            "places += [p + '/mine.pth' for p in site.getsitepackages()]\n"
            "for place in places:\n    try: open(place, 'a').write('import os; os._exit(0)\\n')\n"
            "    except OSError: pass"
        ),
        walls=True,
    ),
    Entry(
        "writes-home",
        "leaves a start-up file in the home folder for the next student",
        first(
            "import os\nhome = os.path.expanduser('~/.ipython/profile_default/startup')\n"
            "os.makedirs(home, exist_ok=True)\n"
            "open(home + '/00.py', 'w').write('import os; os._exit(0)')\n"
            "open(os.path.expanduser('~/.keras/keras.json'), 'w').write('{}') "
            "if os.path.isdir(os.path.expanduser('~/.keras')) else None"
        ),
        walls=True,
    ),
    Entry(
        "takes-others-sockets",
        "talks to every kernel whose sockets it finds",
        first(
            "import glob, socket\nfor path in glob.glob('/tmp/**/*', recursive=True):\n"
            "    one = socket.socket(socket.AF_UNIX)\n"
            "    try: one.connect(path); print('reached', path)\n    except OSError: pass"
        ),
        walls=True,
    ),
    Entry(
        "ends-its-parent",
        "ends the process that started its kernel, and everything that it sees",
        first(
            "import os, signal\nfor pid in [os.getppid(), *map(int, filter(str.isdigit, "
            "os.listdir('/proc')))]:\n    if pid != os.getpid():\n"
            "        try: os.kill(pid, signal.SIGKILL)\n        except OSError: pass"
        ),
        walls=True,
    ),
    Entry(
        "names-itself",
        "gives itself a name that is no text, calls off its end with its keeper, and stays",
        first(
            "import ctypes, time\nlibc = ctypes.CDLL(None)\n"
            "libc.prctl(1, 0); libc.prctl(15, b'\\xff\\xfe'); time.sleep(1)"
        ),
        walls=True,
    ),
    Entry(
        "fills-sockets",
        "fills sockets, whose content is the system's memory",
        first(
            "import socket\nheld = []\ntry:\n    while len(held) < 200:\n"
            "        held.append(socket.socketpair())\n        for one in held[-1]:\n"
            "            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 10**7)\n"
            "            one.setblocking(False)\n            try:\n"
            "                while True: one.send(bytes(30_000))\n"
            "            except OSError: pass\n"
            "except OSError as error: print('ended', len(held), error)"
        ),
        walls=True,
    ),
    Entry(
        "many-sockets",
        "opens as many sockets as it may in each of twenty processes",
        first(
            "import os, socket, time\nfor _ in range(20):\n    if os.fork() == 0:\n"
            "        held = []\n        try:\n            while True: held += socket.socketpair()\n"
            "        except OSError: time.sleep(60)\ntime.sleep(5)"
        ),
        walls=True,
    ),
    Entry(
        "mounts",
        "enters spaces of its own and mounts over the system",
        first(
            "import ctypes\nlibc = ctypes.CDLL(None)\n"
            "print(libc.unshare(0x10000000 | 0x20000), libc.mount(b'none', b'/usr', b'tmpfs', 0, 0))\n"
            "print(libc.ptrace(16, 1, 0, 0), libc.setuid(0))"
        ),
        walls=True,
    ),
]
