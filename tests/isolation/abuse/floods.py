"""The worker turned against its host, once more: it tells too much, or nothing."""

from tests.isolation.abuse.attempt import Attempt, broke, grew, hung
from tests.isolation.abuse.tampering import END, FILL, HANG, stale, tampered

FLOODS = (
    Attempt(
        "replies that nobody waits for",
        tampered(FILL, "for n in range(600): tell('x', -n, bytes(1 << 20))"),
        grew,
        seconds=3,
    ),
    Attempt(
        "a message of small values",
        tampered(
            FILL,
            "n = 4_000_000\nframe(bytes(4) + b'U\\3s\\1xi\\1\\0L' + bytes([n & 127 | 128, n >> 7 & 127 | 128, n >> 14 & 127 | 128, n >> 21]) + b'L\\0' * n)",
        ),
        grew,
    ),
    Attempt(
        "memory that is told many times",
        tampered(
            FILL,
            "m = os.memfd_create('x', 2)\nos.ftruncate(m, 60_000_000)\nfcntl.fcntl(m, 1033, 15)\n"
            "frame(struct.pack('<IQQ', 1, 0, 60_000_000) + b'U\\3s\\1xi\\1\\0L\\x0a' + b'X\\x09bytearrayB\\0' * 10, m)",
        ),
        grew,
    ),
    Attempt(
        "messages without end",
        tampered(
            HANG,
            "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\nworker._line.setblocking(True)\n"
            "size = len(bytes(4) + b'U\\2s\\nnever_mindi\\4\\1\\0\\0\\0')\nblock = (struct.pack('=IH', size, 0) + bytes(4) + b'U\\2s\\nnever_mindi\\4\\1\\0\\0\\0') * 4000\n"
            "while True:\n    try: worker._line.sendall(block)\n    except BaseException: pass",
        ),
        hung,
    ),
    Attempt(
        "answers that nobody reads",
        tampered(
            HANG,
            "worker._line.setblocking(True)\nfor n in range(1000, 1100): worker._tell('ask', n, cell, (give.handle, '()', (1 << 20,), {}))\n"
            "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\nsum(range(10**13))",
        ),
        hung,
    ),
    Attempt(
        "a value that is never told",
        tampered(HANG, "out = 1\nworker._dispatch['get'] = lambda *_: None"),
        hung,
    ),
    Attempt(
        "a question that is never answered",
        tampered(
            HANG,
            "worker._dispatch['look'] = worker._dispatch['get'] = worker._dispatch['put'] = lambda *_: None\nout = 1",
        ),
        hung,
    ),
    Attempt(
        "a thread that keeps the lock",
        tampered(
            HANG,
            "import threading\nout = 1\nclass Never:\n    def __call__(self, *_): ctypes.PyDLL(None).sleep(1000)\nworker._dispatch['get'] = Never()",
        ),
        hung,
    ),
    Attempt(
        "numbers that collide, told apart",
        tampered(
            HANG,
            "worker._tell('x', 0, [])\nn = 60_000\n"
            "items = b''.join(b'i\\x0a' + (k * (2**61 - 1)).to_bytes(10, 'little') for k in range(n))\n"
            "frame(bytes(4) + b'U\\3s\\1xi\\1\\0S' + bytes([n & 127 | 128, n >> 7 & 127 | 128, n >> 14]) + items)",
        ),
        hung,
    ),
    Attempt(
        "a text for a number",
        tampered(
            HANG,
            "frame(bytes(4) + b'U\\3s\\1xi\\1\\0X\\x08fractionU\\2' + b''.join(b'i' + bytes([n & 127 | 128, n >> 7 & 127 | 128, n >> 14]) + os.urandom(n - 1) + b'\\1' for n in (300_000, 299_999)))",
        ),
        hung,
    ),
    Attempt(
        "iterators without end",
        tampered(
            FILL,
            "for n in range(700):\n    worker._tell('ask', 10**6 + n, cell, (handle, '.cursor()', (), {}))\n    while 10**6 + n not in worker._answers:\n"
            "        import select\n        select.select([worker._line], [], [])\n        worker._receiver.read()\n        while worker._receiver.ready:\n            m = worker._message()\n            worker._dispatch[m[0]](*m[1:])",
        ),
        grew,
        seconds=3,
    ),
    Attempt(
        "tasks without end",
        tampered(
            HANG,
            "for n in range(10**6, 10**6 + 3000): worker._tell('ask', n, cell, (first.handle, '()', (), {}))\nout = 1",
        ),
        broke,
    ),
    Attempt(
        "an answer to another's question",
        "import asyncio, os\nasking = asyncio.ensure_future(first())\nawait asyncio.sleep(0)\nos._exit(1)",
        stale,
        then="print(await second())",
    ),
    Attempt(
        "a handle that there is not",
        tampered(END, "worker._ledger._taken_apart = lambda v: ('handle', 10**6)\nout = [os]"),
        broke,
    ),
)
