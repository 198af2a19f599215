"""The worker turned against its host: its line is written to by hand, and its code replaced.

Where there is no worker, an attempt goes for the same end the plain way.
"""

from tests.isolation.abuse.attempt import Attempt, Outcome, broke, leaked, noted_hostile

_TOOLS = """
import ctypes, fcntl, gc, os, socket, struct, sys
worker = next((o for o in gc.get_objects() if type(o).__name__ == "Worker" and hasattr(o, "_line")), None)
here = "cave_agent.runtime._hosts._isolated."
if worker is None:
    PLAIN
parts = sys.modules[here + "_worker"]
cell, handle, ask = parts._cell.get(), service.handle, worker.ask
Request = parts.Request
def raw(data, *fds): socket.send_fds(worker._line, [data], list(fds))
def frame(body, *fds): raw(struct.pack("=IH", len(body), len(fds)), *fds); worker._line.setblocking(True); worker._line.sendall(body); worker._line.setblocking(False)
def tell(*message): worker._line.setblocking(True); worker._tell(*message); worker._line.setblocking(False)
ok = {"error": None, "stdout": "", "hints": [], "meant": "", "changes": [], "pictures": [], "dropped": 0, "meanwhile": []}
"""
HANG = "sum(range(10**13))"
END = "os._exit(3)"
FILL = "kept = bytearray(600 << 20)"


def tampered(otherwise: str, code: str) -> str:
    return _TOOLS.replace("PLAIN", otherwise) + code


def broken(code: str) -> str:
    return tampered(END, code)


def _asking(what: str, *, args: str = "()", of: str = "handle", plain: str = "service._key") -> str:
    return tampered(
        f"print({plain})\n    raise SystemExit", f"print(ask(Request({of}, {what!r}, {args})))"
    )


def stale(seen: Outcome) -> bool:
    """An answer came to who did not ask for it, or there is no host any more."""
    return "of the first" in seen.text


TAMPER = (
    Attempt("a private attribute", _asking("._key"), leaked),
    Attempt("all attributes", _asking(".__dict__"), leaked),
    Attempt("a call of getattribute", _asking(".__getattribute__()", args="('_key',)"), leaked),
    Attempt("a format of the host's", _asking(".__format__()", args="('{0._key}',)"), leaked),
    Attempt("a path of attributes", _asking(".add.__self__._key"), leaked),
    Attempt("a private attribute in other letters", _asking("._\uff4bey"), leaked),
    Attempt("a request of its own", _asking("eval", args="('self._key',)"), leaked),
    Attempt("the index of an object", _asking("[]", args="('_key',)"), leaked),
    Attempt("what is called as what it is not", _asking("()"), leaked),
    Attempt(
        "the closure of a function",
        _asking(
            ".__closure__",
            of="note.handle",
            plain="note.__closure__[0].cell_contents.secret if hasattr(note.__closure__[0].cell_contents, 'secret') else service._key",
        ),
        leaked,
    ),
    Attempt(
        "any handle",
        tampered(
            "print(service._key)\n    raise SystemExit",
            "for n in (-1, 10**6, True, 0.0, 2**70, '0', None):\n    for what in ('._key', '.__dict__', '.secret', '.noted'):\n        try: print(ask(Request(n, what)))\n        except Exception as e: print(e)",
        ),
        leaked,
    ),
    Attempt(
        "an answer of the host's as a class",
        tampered(
            "print(vars(type(service)), service._key)\n    raise SystemExit",
            "for what in ('.mro()', '.__class__', '.__reduce_ex__()'):\n    try: print(ask(Request(handle, what, (4,))))\n    except Exception as e: print(e)",
        ),
        leaked,
    ),
    Attempt(
        "a subclass as an argument",
        "class Text(str):\n    __eq__ = lambda *_: True\n    __hash__ = str.__hash__\nnote(Text('x'))",
        noted_hostile,
    ),
    Attempt("a class as an argument", "class Own: ...\nnote(Own)", noted_hostile),
    Attempt("a function as an argument", "note(lambda: 1)", noted_hostile),
    Attempt(
        "a subclass that seems plain",
        tampered(
            "note(type('T', (str,), {})('x'))\n    raise SystemExit",
            "class Text(str): ...\nText.__module__ = 'cave_agent.x'\nnote(Text('x'))",
        ),
        noted_hostile,
    ),
    Attempt(
        "a writer without scruples",
        tampered(
            "note(lambda: 1)\n    raise SystemExit",
            "import pickle\nworker._ledger._taken_apart = lambda v: ('reduce', (os.system, ('x',))) if v is os else ('object', 1)\nnote(os)",
        ),
        noted_hostile,
    ),
    Attempt(
        "a kind that there is not",
        broken("worker._ledger._taken_apart = lambda v: ('eval', '1')\nnote(os)"),
        broke,
    ),
    Attempt("a message that is none", broken("frame(b'\\0\\0\\0\\0i\\1\\1')"), broke),
    Attempt("a message that is short", broken("tell('done')"), broke),
    Attempt("a request that is short", broken("tell('ask')"), broke),
    Attempt("a request that is no request", broken("tell('ask', 1, 1, 5)"), broke),
    Attempt(
        "a request with arguments that are none",
        broken(
            "tell('ask', 1, cell, (handle, 5, 7, 8))\ntell('ask', 2, cell, (handle, '.add()', 3, [4]))"
        ),
        broke,
    ),
    Attempt("a request that is not hashable", broken("tell('never_mind', [1])"), broke),
    Attempt("a reply that is short", broken("tell('done', cell)\nwhile True: pass"), broke),
    Attempt(
        "a reply without a result", broken("tell('done', cell, {}, [])\nwhile True: pass"), broke
    ),
    Attempt(
        "a reply with a result that is none",
        broken("tell('done', cell, 5, [])\nwhile True: pass"),
        broke,
    ),
    Attempt(
        "a reply with names that are none",
        broken("tell('done', cell, ok, 7)\nwhile True: pass"),
        broke,
    ),
    Attempt(
        "a reply with names that cannot be compared",
        broken("tell('done', cell, ok, [1, 'a', None])\nwhile True: pass"),
        broke,
        then="x = 2\nimport os\nos._exit(1)",
    ),
    Attempt(
        "a hint that there is not",
        broken("tell('done', cell, {**ok, 'hints': ['x']}, [])\nwhile True: pass"),
        broke,
    ),
    Attempt(
        "an error that is none",
        broken("tell('done', cell, {**ok, 'error': 5}, [])\nwhile True: pass"),
        broke,
    ),
    Attempt(
        "an error with arguments that are none",
        broken(
            "tell('done', cell, {**ok, 'error': ('builtins', 'ExceptionGroup', (1,), 'x')}, [])\nwhile True: pass"
        ),
        broke,
    ),
    Attempt(
        "an error that ends the host",
        broken(
            "tell('done', cell, {**ok, 'error': ('builtins', 'KeyboardInterrupt', (), 'x')}, [])\nwhile True: pass"
        ),
        broke,
    ),
    Attempt(
        "an error that is a module's name",
        broken(
            "tell('done', cell, {**ok, 'error': ('cave_agent.errors', 'annotations', (), 'x')}, [])\nwhile True: pass"
        ),
        broke,
    ),
    Attempt(
        "a reply before the question",
        broken("for n in range(cell + 1, cell + 20): tell('did', n, None)"),
        broke,
    ),
    Attempt(
        "a result before the cell",
        broken("for n in range(cell + 1, cell + 20): tell('done', n, 1, [])"),
        broke,
    ),
    Attempt(
        "a refusal of what was not asked",
        broken("for n in range(cell + 1, cell + 20): tell('failed', n, None)"),
        broke,
    ),
    Attempt("a line that is closed", broken("os.close(3)"), broke),
    Attempt("a line that is another", broken("r, w = os.pipe()\nos.dup2(r, 3)"), broke),
    Attempt("a line that is shut", broken("worker._line.shutdown(socket.SHUT_WR)"), broke),
    Attempt("noise", broken("raw(os.urandom(1000))"), broke),
    Attempt("a length without end", broken("raw(struct.pack('=IH', 2**32 - 1, 0))"), broke),
    Attempt("a frame that does not end", broken("raw(struct.pack('=IH', 1000, 0) + b'x')"), broke),
    Attempt(
        "descriptors that nobody asked for",
        broken("for _ in range(9): raw(b'', *[0] * 8) if 0 else raw(b'x', *[0] * 8)"),
        broke,
    ),
    Attempt(
        "a descriptor that is no memory",
        broken("r, w = os.pipe()\nframe(struct.pack('<IQQ', 1, 0, 5) + b'B\\0', r)"),
        broke,
    ),
    Attempt(
        "memory that can change",
        broken(
            "m = os.memfd_create('x', 2)\nos.ftruncate(m, 4096)\nframe(struct.pack('<IQQ', 1, 0, 5) + b'B\\0', m)"
        ),
        broke,
    ),
    Attempt(
        "memory in big pages",
        broken(
            "m = os.memfd_create('x', 6)\nos.ftruncate(m, 1 << 21)\nfcntl.fcntl(m, 1033, 15)\nframe(struct.pack('<IQQ', 1, 0, 1 << 21) + b'X\\x09bytearrayB\\0', m)"
        ),
        broke,
    ),
    Attempt(
        "memory that is smaller",
        broken(
            "m = os.memfd_create('x', 2)\nfcntl.fcntl(m, 1033, 15)\nframe(struct.pack('<IQQ', 1, 0, 1 << 40) + b'B\\0', m)"
        ),
        broke,
    ),
    Attempt(
        "a picture that is none",
        broken(
            "tell('done', cell, {**ok, 'pictures': [5], 'changes': ['x'], 'meanwhile': [b'']}, [])\nwhile True: pass"
        ),
        broke,
    ),
)
