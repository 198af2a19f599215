"""Files outside: read, changed or told about, by all ways that there are to them."""

from tests.isolation.abuse.attempt import Attempt, changed, claimed, leaked

_CALL = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"

FILE = (
    Attempt("open", "print(open(secret_file).read())", leaked),
    Attempt("os.open", "import os\nprint(os.read(os.open(secret_file, os.O_RDONLY), 100))", leaked),
    Attempt(
        "open in C",
        f"{_CALL}fd = libc.open(secret_file.encode(), 0)\nprint(os.read(fd, 100))",
        leaked,
    ),
    Attempt(
        "the call itself",
        f"{_CALL}print(os.read(libc.syscall(2, secret_file.encode(), 0), 100))",
        leaked,
    ),
    Attempt(
        "openat2",
        f"{_CALL}how = (ctypes.c_uint64 * 3)()\n"
        "print(os.read(libc.syscall(437, -100, secret_file.encode(), how, 24), 100))",
        leaked,
    ),
    Attempt(
        "io_uring",
        f"{_CALL}ring = libc.syscall(425, 8, (ctypes.c_char * 120)())\nprint(done if ring >= 0 else '')",
        claimed,
    ),
    Attempt(
        "a handle of a file",
        f"{_CALL}handle = ctypes.create_string_buffer(144)\n"
        "ctypes.cast(handle, ctypes.POINTER(ctypes.c_uint))[0] = 128\nmount = ctypes.c_int()\n"
        "libc.syscall(303, -100, secret_file.encode(), handle, ctypes.byref(mount), 0)\n"
        "fd = os.open(os.path.dirname(secret_file), 0)\n"
        "print(os.read(libc.syscall(304, fd, handle, 0), 100))",
        leaked,
    ),
    Attempt(
        "the root of a process",
        "import os\nfor p in os.listdir('/proc'):\n    try:\n"
        "        print(open(f'/proc/{p}/root{secret_file}').read())\n    except OSError: pass",
        leaked,
    ),
    Attempt(
        "the root of the parent",
        "import os\nprint(open(f'/proc/{os.getppid()}/root{secret_file}').read())",
        leaked,
    ),
    Attempt(
        "the folder of a process",
        "import os\nfor p in os.listdir('/proc'):\n    try:\n"
        "        print(open(f'/proc/{p}/cwd/../../../../../../..{secret_file}').read())\n    except OSError: pass",
        leaked,
    ),
    Attempt("up from here", "print(open('../' * 20 + secret_file[1:]).read())", leaked),
    Attempt(
        "up from any descriptor",
        "import os\nfor fd in range(256):\n    try:\n"
        "        print(os.read(os.open('../' * 20 + secret_file[1:], 0, dir_fd=fd), 99))\n    except OSError: pass\n"
        "fd = os.open('/', os.O_PATH)\nprint(os.read(os.open('../' * 9 + secret_file[1:], 0, dir_fd=fd), 99))",
        leaked,
    ),
    Attempt(
        "a link to it",
        "import os, tempfile\np = tempfile.mkdtemp()\nos.symlink(secret_file, p + '/l')\nprint(open(p + '/l').read())",
        leaked,
    ),
    Attempt(
        "a hard link to it",
        "import os\nos.link(secret_file, folder + '/mnt/l')\nprint(open(folder + '/mnt/l').read())",
        leaked,
    ),
    Attempt(
        "a copy",
        "import shutil, tempfile\nprint(open(shutil.copy(secret_file, tempfile.mkdtemp())).read())",
        leaked,
    ),
    Attempt(
        "sendfile",
        "import os\nr = os.memfd_create('x')\nos.sendfile(r, os.open(secret_file, 0), 0, 99)\nprint(os.pread(r, 99, 0))",
        leaked,
    ),
    Attempt(
        "a mapping",
        "import mmap, os\nprint(mmap.mmap(os.open(secret_file, 0), 0, prot=1)[:])",
        leaked,
    ),
    Attempt(
        "a memory map of numpy",
        "import numpy as np\nprint(bytes(np.memmap(secret_file, mode='r')))",
        leaked,
    ),
    Attempt(
        "its size", "import os\nprint(done if os.stat(secret_file).st_size == 32 else '')", claimed
    ),
    Attempt(
        "whether it exists",
        "import os\nprint(done if os.access(secret_file, os.F_OK) else '')",
        claimed,
    ),
    Attempt(
        "a list of its folder",
        "import os\nprint(done if 'secret.txt' in os.listdir(folder) else '')",
        claimed,
    ),
    Attempt(
        "inotify",
        f"{_CALL}fd = libc.inotify_init()\nprint(done if libc.inotify_add_watch(fd, canary.encode(), 0xfff) > 0 else '')",
        claimed,
    ),
    Attempt(
        "sqlite attaches it",
        "import sqlite3\nsqlite3.connect(':memory:').execute('attach ? as x', (database,)).connection.executescript('create table x.t (a)')",
        changed,
    ),
    Attempt(
        "sqlite opens it",
        "import sqlite3\nsqlite3.connect(database).executescript('create table t (a)')",
        changed,
    ),
    Attempt(
        "sqlite's own file",
        "import sqlite3\nsqlite3.connect(f'file:{database}?vfs=unix-none', uri=True).executescript('vacuum; create table t (a)')",
        changed,
    ),
    Attempt("open to write", "open(canary, 'w').write('changed')", changed),
    Attempt("open to append", "open(canary, 'a').write('changed')", changed),
    Attempt("a new file", "open(folder + '/new', 'w').close()", changed),
    Attempt("truncate", "import os\nos.truncate(canary, 0)", changed),
    Attempt(
        "emptied when opened to read",
        f"{_CALL}libc.open(canary.encode(), os.O_RDONLY | os.O_TRUNC)",
        changed,
    ),
    Attempt("unlink", "import os\nos.unlink(canary)", changed),
    Attempt("rename", "import os\nos.rename(canary, folder + '/other')", changed),
    Attempt("chmod", "import os\nos.chmod(canary, 0o777)", changed),
    Attempt("fchmodat2", f"{_CALL}libc.syscall(452, -100, canary.encode(), 0o777, 0)", changed),
    Attempt("chown", "import os\nos.chown(canary, 1, 1)", changed),
    Attempt("utime", "import os\nos.utime(canary, (1, 1))", changed),
    Attempt("attributes", "import os\nos.setxattr(canary, 'user.x', b'1')", changed),
    Attempt("a pipe among files", "import os\nos.mkfifo(folder + '/pipe')", changed),
    Attempt(
        "a device among files",
        "import os, stat\nos.mknod(folder + '/null', stat.S_IFCHR | 0o666, os.makedev(1, 3))",
        changed,
    ),
    Attempt("writing what is only to be read", "open(shared_file, 'w').write('changed')", changed),
    Attempt(
        "emptying what is only to be read",
        f"{_CALL}libc.open(shared_file.encode(), os.O_RDONLY | os.O_TRUNC)\nlibc.truncate(shared_file.encode(), 0)",
        changed,
    ),
    Attempt(
        "rights of what is only to be read", "import os\nos.chmod(shared_file, 0o777)", changed
    ),
    Attempt(
        "times of what is only to be read", "import os\nos.utime(shared_file, (1, 1))", changed
    ),
    Attempt(
        "attributes of what is only to be read",
        "import os\nos.setxattr(shared_file, 'user.x', b'1')",
        changed,
    ),
    Attempt(
        "mapping what is only to be read",
        "import mmap, os\nm = mmap.mmap(os.open(shared_file, os.O_RDWR), 0)\nm[:2] = b'xx'\nm.flush()",
        changed,
    ),
    Attempt(
        "writing by the list of descriptors",
        "import os\nfd = os.open(shared_file, os.O_RDONLY)\nopen(f'/proc/self/fd/{fd}', 'w').write('changed')",
        changed,
    ),
    Attempt("rights of a device", "import os\nos.chmod('/dev/full', 0o660)", changed),
    Attempt(
        "a setting of the system",
        "import os\nopen('/proc/sys/kernel/printk_ratelimit_burst', 'w').write('11')",
        changed,
    ),
)
