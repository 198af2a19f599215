"""Values that a host takes out of a runtime, and then uses as what they seem to be."""

from tests.isolation.abuse.attempt import Attempt, grew, ran

_WRITE = "def act(*_, **__):\n    open(canary, 'w').write('changed')\n    return 0\n"

RETRIEVE = (
    Attempt(
        "a dict that lies",
        "class D(dict):\n    def items(self): return [('a', 1)]\nout = D(b=2)",
        ran,
    ),
    Attempt(
        "a number that lies",
        "class I(int):\n    __eq__ = lambda *_: True\n    __hash__ = int.__hash__\nout = I(3)",
        ran,
    ),
    Attempt(
        "a text that lies",
        "class S(str):\n    def __repr__(self): return 'other'\nout = S('x')",
        ran,
    ),
    Attempt(
        "a list that lies",
        "class L(list):\n    def __iter__(self): return iter([1])\nout = L([2])",
        ran,
    ),
    Attempt(
        "a class that lies",
        "class C:\n    __class__ = property(lambda self: dict)\n    def items(self): return []\nout = C()",
        ran,
    ),
    Attempt(
        "what reduces to a call",
        f"{_WRITE}class C:\n    def __reduce__(self): return act, ()\n    __repr__ = act\nout = C()",
        ran,
    ),
    Attempt(
        "what reduces to a program",
        "import os\nclass C:\n    def __reduce__(self): return os.system, (f'echo x > {canary}',)\n    def __repr__(self): return str(os.system(f'echo x > {canary}'))\nout = C()",
        ran,
    ),
    Attempt(
        "properties that act",
        f"{_WRITE}class C:\n    value = property(act)\n    __getattr__ = __repr__ = act\nout = C()",
        ran,
    ),
    Attempt("a function", f"{_WRITE}out = act", ran),
    Attempt("a lambda in a list", f"{_WRITE}out = [1, lambda: act()]", ran),
    Attempt("a class", f"{_WRITE}class out:\n    __init__ = act", ran),
    Attempt("a generator", f"{_WRITE}out = (act() for _ in [1])", ran),
    Attempt("an iterator", f"{_WRITE}out = iter(act, 0)", ran),
    Attempt("a method", f"{_WRITE}class C:\n    m = act\nout = C().m", ran),
    Attempt("a partial call", f"{_WRITE}import functools\nout = functools.partial(act)", ran),
    Attempt(
        "keys that act",
        f"{_WRITE}class K:\n    def __hash__(self): return act()\n    __repr__ = act\nout = {{K(): 1}}",
        ran,
    ),
    Attempt(
        "members that act",
        f"{_WRITE}class K:\n    def __eq__(self, o): act(); return False\n    __hash__ = __repr__ = act\nout = {{K(), K()}}",
        ran,
    ),
    Attempt(
        "a dict that makes what it lacks",
        f"{_WRITE}import collections\nout = collections.defaultdict(act)",
        ran,
    ),
    Attempt(
        "a dict in order",
        "import collections\nclass O(collections.OrderedDict): ...\nout = O()",
        ran,
    ),
    Attempt("a named tuple", "import collections\nout = collections.namedtuple('N', 'a')(1)", ran),
    Attempt("an enumeration", "import enum\nout = enum.IntEnum('E', 'A B').A", ran),
    Attempt(
        "a zone that acts",
        f"{_WRITE}import datetime as dt\nclass Z(dt.tzinfo):\n    utcoffset = dst = lambda *_: act() or dt.timedelta(0)\n    tzname = __repr__ = lambda *_: str(act())\nout = dt.datetime(2020, 1, 1, tzinfo=Z())",
        ran,
    ),
    Attempt(
        "a date that acts",
        f"{_WRITE}import datetime as dt\nclass D(dt.date):\n    __repr__ = act\nout = D(2020, 1, 1)",
        ran,
    ),
    Attempt(
        "a path that acts",
        "import pathlib\nclass P(type(pathlib.Path())):\n    def __repr__(self): open(canary, 'w'); return ''\nout = P('x')",
        ran,
    ),
    Attempt(
        "a decimal that acts",
        "import decimal\nclass D(decimal.Decimal):\n    def __repr__(self): open(canary, 'w'); return ''\nout = D(1)",
        ran,
    ),
    Attempt(
        "an exception that acts",
        f"{_WRITE}class E(Exception):\n    __str__ = __repr__ = act\nout = E()\nraise out",
        ran,
    ),
    Attempt(
        "an exception whose text acts",
        "class E(ValueError):\n    def __str__(self): open(canary, 'w').close(); return 'x'\n    args = property(lambda s: open(canary, 'w') and ())\nraise E",
        ran,
    ),
    Attempt(
        "an array of objects",
        f"{_WRITE}import numpy as np\nclass C:\n    __repr__ = act\nout = np.array([C()], dtype=object)",
        ran,
    ),
    Attempt(
        "an array that lies",
        f"{_WRITE}import numpy as np\nclass A(np.ndarray):\n    tolist = __repr__ = lambda *_: str(act())\nout = np.ones(2).view(A)",
        ran,
    ),
    Attempt(
        "an array of records",
        f"{_WRITE}import numpy as np\nclass C:\n    __repr__ = act\nout = np.zeros(1, dtype=[('o', 'O')])\nout['o'][0] = C()",
        ran,
    ),
    Attempt(
        "a frame of objects",
        f"{_WRITE}import pandas as pd\nclass C:\n    __repr__ = act\nout = pd.DataFrame({{'a': [C()]}})",
        ran,
    ),
    Attempt(
        "a frame that lies",
        f"{_WRITE}import pandas as pd\nclass F(pd.DataFrame):\n    to_dict = __repr__ = lambda *_: str(act())\nout = F({{'a': [1]}})",
        ran,
    ),
    Attempt(
        "a frame with notes that act",
        f"{_WRITE}import pandas as pd\nclass C:\n    __repr__ = act\nout = pd.DataFrame({{'a': [1]}})\nout.attrs = {{'x': C()}}\nout = out.attrs",
        ran,
    ),
    Attempt("a circle", "out = []\nout.append(out)", ran),
    Attempt("a circle of dicts", "out = {}\nout['a'] = {'b': out}", ran),
    Attempt("200,000 deep", "out = []\nfor _ in range(200_000): out = [out]", ran),
    Attempt(
        "200,000 deep in tuples and dicts",
        "out = ()\nfor _ in range(100_000): out = {'a': (out,)}",
        ran,
    ),
    Attempt("a billion laughs", "out = ['ha']\nfor _ in range(40): out = [out] * 10", ran),
    Attempt(
        "a billion laughs in dicts",
        "out = 'ha'\nfor _ in range(60): out = {'a': out, 'b': out}",
        ran,
    ),
    Attempt("a text that is big", "out = 'x' * (300 << 20)", grew),
    Attempt(
        "a number that is big",
        "out = [1 << (1 << 28)] * 11\nout = [each + n for n, each in enumerate(out)]",
        grew,
    ),
    Attempt("the runtime's own module", "import sys\nout = sys.modules['os'].getpid", ran),
    Attempt("a memory that is shared", "import mmap\nout = memoryview(mmap.mmap(-1, 4096))", ran),
    Attempt(
        "what is awaited",
        f"{_WRITE}class A:\n    def __await__(self): act(); yield\n    __repr__ = act\nout = A()",
        ran,
    ),
)
