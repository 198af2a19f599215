"""What is printed: it must not reach the host's terminal, nor break who reads it."""

from tests.isolation.abuse.attempt import Attempt, Outcome, broke, shown


def escapes(seen: Outcome) -> bool:
    """The host got a text that steers a terminal."""
    return "\x1b]0;" in seen.text or "\x1b[2J" in seen.text


OUTPUT = (
    Attempt("descriptor 1", "import os\nos.write(1, b'FORGED')", shown),
    Attempt("descriptor 2", "import os\nos.write(2, b'FORGED')", shown),
    Attempt(
        "all that is open",
        "import os\nfor fd in os.listdir('/proc/self/fd'):\n    try:\n        if not os.readlink(f'/proc/self/fd/{fd}').startswith('pipe:'): os.write(int(fd), b'FORGED')\n    except OSError: pass",
        shown,
    ),
    Attempt(
        "the first standard output",
        "import sys\nprint('FORGED', file=sys.__stdout__, flush=True)",
        shown,
    ),
    Attempt(
        "the first standard error",
        "import sys\nprint('FORGED', file=sys.__stderr__, flush=True)",
        shown,
    ),
    Attempt(
        "C's standard output",
        "import ctypes\nc = ctypes.CDLL(None)\nc.printf(b'FORGED')\nc.fflush(None)",
        shown,
    ),
    Attempt(
        "a fault's traceback",
        "import faulthandler\ndef FORGED(): faulthandler.dump_traceback(2)\nFORGED()",
        shown,
    ),
    Attempt("descriptors as files", "open('/proc/self/fd/1', 'w').write('FORGED')", shown),
    Attempt(
        "descriptors of the host", "open(f'/proc/{host_pid}/fd/1', 'w').write('FORGED')", shown
    ),
    Attempt(
        "what cannot be raised",
        "import sys\nclass FORGED:\n    def __del__(self): sys.__stderr__.write('FORGED'); sys.__stderr__.flush()\nFORGED()",
        shown,
    ),
    Attempt("escapes to a terminal", "print('\\x1b[2J\\x1b]0;title\\x07')", escapes),
    Attempt(
        "half a letter",
        "import sys\nprint('\\ud800')\nsys.__stdout__.buffer.write('FORGED\\ud800'.encode('utf-8', 'surrogatepass'))\nsys.__stdout__.flush()",
        shown,
    ),
    Attempt(
        "an error whose text does not end",
        "class Own(Exception):\n    def __str__(self):\n        while True:\n            try:\n                while True: pass\n            except BaseException: pass\nraise Own",
        broke,
    ),
)
