"""Secrets of the host: in its environment, its memory, its objects and its home."""

from tests.isolation.abuse.attempt import Attempt, leaked

_ENVIRONMENTS = """
import os
for pid in [*os.listdir("/proc"), victim, "self"]:
    try:
        print(open(f"/proc/{pid}/environ").read())
    except OSError:
        pass
"""
_MEMORY = """
import re, os
def search(pid):
    with open(f"/proc/{pid}/mem", "rb", 0) as memory, open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            if not re.match(r"\\S+ rw", line) or "[v" in line: continue
            start, end = (int(each, 16) for each in line.split()[0].split("-"))
            if end - start > 1 << 28: continue
            memory.seek(start)
            try:
                data = memory.read(end - start)
            except OSError:
                continue
            print({m for m in re.findall(rb"canary-[0-9a-f]{24}", data)})
"""

SECRETS = (
    Attempt("the environment", "import os\nprint(os.environ)", leaked),
    Attempt(
        "the environment in C",
        "import ctypes\nget = ctypes.CDLL(None).getenv\nget.restype = ctypes.c_char_p\nprint(get(b'ABUSE_API_KEY'))",
        leaked,
    ),
    Attempt("the environments of processes", _ENVIRONMENTS, leaked),
    Attempt("the environment of one", "print(open(f'/proc/{victim}/environ').read())", leaked),
    Attempt("the memory of the host", f"{_MEMORY}search(host_pid)", leaked),
    Attempt("the memory of this process", f"{_MEMORY}search('self')", leaked),
    Attempt(
        "the memory of all",
        f"{_MEMORY}for pid in [*filter(str.isdigit, os.listdir('/proc'))][-30:]:\n    try: search(pid)\n    except OSError: pass",
        leaked,
    ),
    Attempt(
        "the memory at an address",
        "import ctypes\nprint(ctypes.string_at(key_address, 100))",
        leaked,
    ),
    Attempt(
        "the memory by a call",
        """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
room = ctypes.create_string_buffer(100)
mine = (ctypes.c_size_t * 2)(ctypes.addressof(room), 100)
theirs = (ctypes.c_size_t * 2)(key_address, 100)
libc.process_vm_readv(host_pid, mine, 1, theirs, 1, 0)
print(room.raw)
""",
        leaked,
    ),
    Attempt("a key of ssh", "print(open(home + '/.ssh/id_ed25519').read())", leaked),
    Attempt(
        "a key of ssh, by name",
        "import os\nprint(open(os.path.expanduser('~/.ssh/id_ed25519')).read())",
        leaked,
    ),
    Attempt("a netrc", "import netrc\nprint(netrc.netrc().hosts)", leaked),
    Attempt("a private attribute", "print(service._key)", leaked),
    Attempt("a private attribute by getattr", "print(getattr(service, '_' + 'key'))", leaked),
    Attempt("object's own getattribute", "print(object.__getattribute__(service, '_key'))", leaked),
    Attempt("the attributes of an object", "print(vars(service))", leaked),
    Attempt(
        "the state of an object", "print(service.__getstate__(), service.__reduce_ex__(2))", leaked
    ),
    Attempt("the self of a method", "print(service.add.__self__._key)", leaked),
    Attempt("the globals of a method", "print(service.add.__func__.__globals__['VAULT'])", leaked),
    Attempt(
        "the globals of a function",
        "print(note.__globals__, note.__wrapped__ if hasattr(note, '__wrapped__') else '')\nprint([c.cell_contents.secret for c in note.__closure__ if hasattr(c.cell_contents, 'secret')])",
        leaked,
    ),
    Attempt(
        "the closure of a function",
        "print([getattr(c.cell_contents, 'secret', '') for c in note.__closure__])",
        leaked,
    ),
    Attempt(
        "inspect",
        "import inspect\nprint(inspect.getclosurevars(note).nonlocals['traps'].secret)",
        leaked,
    ),
    Attempt(
        "the class of an object",
        "print(vars(type(service)), service.__class__.__init__.__globals__['VAULT'])",
        leaked,
    ),
    Attempt(
        "a copy",
        "import copy\nprint(copy.copy(service)._key if not hasattr(service, 'lock_') else '')",
        leaked,
    ),
    Attempt(
        "the globals of a generator",
        "rows = service.rows()\nprint(rows.gi_frame.f_globals['VAULT'])",
        leaked,
    ),
    Attempt(
        "the names in a generator",
        "rows = service.rows()\nnext(iter(rows))\nprint(rows.gi_frame.f_locals['self']._key)",
        leaked,
    ),
    Attempt(
        "what a generator knows",
        "rows = service.rows()\nit = iter(rows)\nnext(it)\nprint(rows.gi_frame.f_locals['key'])",
        leaked,
    ),
    Attempt(
        "the globals of an asynchronous generator",
        "rows = service.stream()\nprint(rows.ag_frame.f_globals['VAULT'])",
        leaked,
    ),
    Attempt(
        "all frames that a generator leads to",
        """
frame = service.rows().gi_frame
for name in ("f_globals", "f_builtins", "f_locals"):
    try:
        print(getattr(frame, name))
    except Exception as error:
        print(error)
""",
        leaked,
    ),
)
