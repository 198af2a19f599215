"""Python's own ways around rules that read code: each reads the secret, or changes a file."""

from tests.isolation.abuse.attempt import Attempt, changed, leaked

_NUMBERS = "co = compile('open(secret_file).read()', 'c', 'eval')\n"

AST = (
    Attempt(
        "a subclass of a base",
        """
files = [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == "_IOBase"][0]
raw = [c for c in files.__subclasses__() if c.__name__ == "_RawIOBase"][0]
print([c for c in raw.__subclasses__() if c.__name__ == "FileIO"][0](secret_file).read())
""",
        leaked,
    ),
    Attempt(
        "globals of a wrapper",
        """
wrap = [c for c in object.__subclasses__() if c.__name__ == "_wrap_close"][0]
opened = wrap.__init__.__globals__["open"](secret_file, 0)
print(wrap.__init__.__globals__["read"](opened, 100))
""",
        leaked,
    ),
    Attempt(
        "getattr of builtins",
        "print(getattr(print.__self__, 'op' + 'en')(secret_file).read())",
        leaked,
    ),
    Attempt(
        "vars of builtins", "print(vars(print.__self__)['nepo'[::-1]](secret_file).read())", leaked
    ),
    Attempt("the self of a builtin", "print(print.__self__.open(secret_file).read())", leaked),
    Attempt("eval", "print(eval('open(secret_file).read()'))", leaked),
    Attempt("exec", "exec('print(open(secret_file).read())')", leaked),
    Attempt(
        "exec as decorator",
        "@exec\n@lambda _: 'print(open(secret_file).read())'\nclass _: ...",
        leaked,
    ),
    Attempt(
        "a name in other letters",
        "print(\U0001d4ee\U0001d4ff\U0001d4ea\U0001d4f5('\uff4fpen(secret_file).read()'))",
        leaked,
    ),
    Attempt("compile", f"{_NUMBERS}print(eval(co))", leaked),
    Attempt(
        "a function of code",
        f"{_NUMBERS}print(type(lambda: 0)(co, globals())())",
        leaked,
    ),
    Attempt(
        "code that is replaced",
        "def f(): return pen(secret_file).read()\n"
        "f.__code__ = f.__code__.replace(co_names=('open', *f.__code__.co_names[1:]))\nprint(f())",
        leaked,
    ),
    Attempt(
        "marshalled code",
        f"{_NUMBERS}import marshal\nprint(type(lambda: 0)(marshal.loads(marshal.dumps(co)), globals())())",
        leaked,
    ),
    Attempt(
        "an unpickled call",
        "import pickle\nprint(pickle.loads(b'cbuiltins\\neval\\n(V__import__(\"io\").FileIO('"
        " + repr(secret_file).encode() + b').read()\\ntR.'))",
        leaked,
    ),
    Attempt("a format of attributes", "print('{0._key}'.format(service))", leaked),
    Attempt("a format map", "print('{s._key}'.format_map({'s': service}))", leaked),
    Attempt(
        "a format of globals",
        "print('{0.add.__func__.__globals__[VAULT]}'.format(service))",
        leaked,
    ),
    Attempt(
        "the import of a computed name",
        "print(__import__('i' + 'o').FileIO(secret_file).read())",
        leaked,
    ),
    Attempt(
        "importlib",
        "import importlib\nprint(importlib.import_module('io').FileIO(secret_file).read())",
        leaked,
    ),
    Attempt(
        "the globals of a loader",
        "import json\nprint(json.__spec__.loader.__init__.__globals__['_io'].FileIO(secret_file).read())",
        leaked,
    ),
    Attempt(
        "a table of modules",
        "import sys\nprint(sys.modules['i' + 'o'].open(secret_file).read())",
        leaked,
    ),
    Attempt(
        "a module of another one",
        "import shutil\nprint(shutil.os.popen('cat ' + secret_file).read())",
        leaked,
    ),
    Attempt(
        "a module of a library", "import json\nprint(json.codecs.open(secret_file).read())", leaked
    ),
    Attempt(
        "operator",
        "import operator\nprint(operator.attrgetter('__self__.open')(print)(secret_file).read())",
        leaked,
    ),
    Attempt(
        "ctypes that runs Python",
        """
import ctypes
code = "import builtins; got = open(%r).read(); builtins.print(got)" % secret_file
ctypes.pythonapi.PyRun_SimpleString(code.encode())
import sys
print(sys.modules["__main__"].got)
""",
        leaked,
    ),
    Attempt(
        "frames of the host",
        """
import sys
frame = sys._getframe()
while frame:
    for each in list(frame.f_locals.values()):
        if type(each).__name__ == "Traps":
            print(each.secret)
    frame = frame.f_back
""",
        leaked,
    ),
    Attempt(
        "frames of a traceback",
        """
try:
    1 / 0
except ZeroDivisionError as error:
    frame = error.__traceback__.tb_frame
while frame:
    print([each.secret for each in list(frame.f_locals.values()) if hasattr(each, "secret")])
    frame = frame.f_back
""",
        leaked,
    ),
    Attempt(
        "frames of a generator",
        """
def look():
    frame = own.gi_frame.f_back
    while frame:
        yield [each.secret for each in list(frame.f_locals.values()) if hasattr(each, "secret")]
        frame = frame.f_back
own = look()
for each in own: print(each)
""",
        leaked,
    ),
    Attempt(
        "the collector's objects",
        """
import gc
for each in gc.get_objects():
    if type(each).__name__ == "Service": print(each._key)
""",
        leaked,
    ),
    Attempt(
        "who refers to a class",
        "import gc\nprint([getattr(r, '_key', r.get('_key') if type(r) is dict else 0)"
        " for r in gc.get_referrers(type(service)) + gc.get_referents(service)])",
        leaked,
    ),
    Attempt(
        "a class that is matched",
        "match service:\n    case object(_key=k):\n        print(k)",
        leaked,
    ),
    Attempt("linecache", "import linecache\nprint(linecache.getlines(secret_file))", leaked),
    Attempt("fileinput", "import fileinput\nprint(*fileinput.input(secret_file))", leaked),
    Attempt("pathlib", "import pathlib\nprint(pathlib.Path(secret_file).read_text())", leaked),
    Attempt("tokenize", "import tokenize\nprint(tokenize.open(secret_file).read())", leaked),
    Attempt("numpy", "import numpy as np\nprint(np.fromfile(secret_file, 'u1').tobytes())", leaked),
    Attempt("pandas", "import pandas as pd\nprint(pd.read_csv(secret_file).columns)", leaked),
    Attempt(
        "a program run as a file",
        "import runpy\ntry:\n    runpy.run_path(secret_file)\nexcept Exception:\n    import traceback; traceback.print_exc()",
        leaked,
    ),
    Attempt(
        "logging",
        "import logging\nlogging.FileHandler(canary).emit(logging.makeLogRecord({'msg': 'changed'}))",
        changed,
    ),
    Attempt(
        "the data of a loader", "import json\nprint(json.__loader__.get_data(secret_file))", leaked
    ),
)
