"""More than a cell may use: memory, threads, descriptors, room, and time after its time is over."""

from tests.isolation.abuse.attempt import Attempt, claimed, grew, hung

_GB = "size = 1 << 30\n"

RESOURCE = (
    Attempt("one big object", f"{_GB}x = bytearray(size)\nprint(done)", claimed, seconds=4),
    Attempt(
        "an array",
        f"{_GB}import numpy as np\nx = np.ones(size // 8)\nprint(done)",
        claimed,
        seconds=5,
    ),
    Attempt(
        "many small objects",
        "x = []\nfor i in range(900): x.append(bytes(1 << 20))\nprint(done)",
        claimed,
        seconds=5,
    ),
    Attempt(
        "shared memory without a name",
        f"{_GB}import mmap\nx = mmap.mmap(-1, size)\nfor at in range(0, size, 4096): x[at] = 1\nprint(done)",
        claimed,
        seconds=5,
    ),
    Attempt(
        "files in memory",
        "import os\nx = [os.memfd_create('x') for _ in range(20)]\nfor fd in x: os.write(fd, bytes(50_000_000))\n"
        "print(done if sum(os.fstat(fd).st_blocks * 512 for fd in x) > 900_000_000 else '')",
        claimed,
        seconds=5,
    ),
    Attempt(
        "pipes that are full",
        "import os, fcntl\nfor _ in range(100):\n    r, w = os.pipe()\n    fcntl.fcntl(w, 1031, 1 << 20)\n    os.write(w, bytes(1 << 20))\nprint(done)",
        claimed,
    ),
    Attempt(
        "a folder in memory that is full",
        "import os, tempfile\nfor place in (tempfile.gettempdir(), '/dev/shm'):\n    for i in range(8):\n"
        "        with open(f'{place}/abuse{i}', 'wb') as f: f.write(bytes(20_000_000)); os.unlink(f.name); globals()[f'{place}{i}'] = os.dup(f.fileno())\nprint(done)",
        claimed,
        seconds=4,
    ),
    Attempt(
        "a file that is too big",
        "import tempfile\nf = tempfile.TemporaryFile()\nfor _ in range(20): f.write(bytes(10_000_000))\nf.flush()\nprint(done)",
        claimed,
    ),
    Attempt(
        "processes without end",
        "import os\nn = 0\nfor _ in range(30):\n    pid = os.fork()\n    if pid == 0: os._exit(0)\n    n += 1\nprint(done if n == 30 else '')",
        claimed,
    ),
    Attempt(
        "threads without end",
        "import threading\nthreading.stack_size(1 << 15)\ngo = threading.Event()\nstarted = 0\ntry:\n"
        "    for _ in range(3000): threading.Thread(target=go.wait, daemon=True).start(); started += 1\nfinally:\n    go.set()\n    print(done if started == 3000 else '')",
        claimed,
        seconds=5,
    ),
    Attempt(
        "descriptors",
        "import os\nx = [os.open('/dev/null', 0) for _ in range(1000)]\nprint(done)",
        claimed,
    ),
    Attempt(
        "output without end",
        "x = 'y' * (1 << 20)\nfor _ in range(400): print(x)\nprint(done)\nx = bytearray(600 << 20)",
        grew,
    ),
    Attempt("one big text", "print('x' * (300 << 20))", grew),
    Attempt("a loop in C", "sum(range(10**12))", hung),
    Attempt("a search that does not end", "import itertools\n-1 in itertools.count()", hung),
    Attempt("a maximum of what does not end", "import itertools\nmax(itertools.repeat(1))", hung),
    Attempt(
        "a loop in an iterator",
        "import itertools, collections\ncollections.deque(itertools.repeat(1), maxlen=0)",
        hung,
    ),
    Attempt(
        "signals that are held up",
        "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\nimport ctypes\nctypes.PyDLL(None).sleep(100)",
        hung,
    ),
    Attempt(
        "a lock for ever",
        "import ctypes\nm = ctypes.create_string_buffer(64)\nlock = ctypes.PyDLL(None).pthread_mutex_lock\nlock(m)\nlock(m)",
        hung,
    ),
    Attempt(
        "recursion",
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()\n",
        grew,
        seconds=2,
    ),
    Attempt("the end of the process", "import os\nos._exit(0)", hung),
    Attempt("a crash", "import ctypes\nctypes.string_at(0)", hung),
    Attempt("an abort", "import os\nos.abort()", hung),
    Attempt(
        "the end of the loop",
        "import asyncio\nasyncio.get_running_loop().stop()\nawait asyncio.sleep(1)",
        hung,
    ),
    Attempt(
        "handles without end",
        "kept = [service.cursor() for _ in range(300)]\ndel kept[1:]\nmore = 300",
        grew,
        seconds=2,
    ),
)
