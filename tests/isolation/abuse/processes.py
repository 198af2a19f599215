"""Other processes: none may be started, ended, read or set, nor may this one change what it is."""

from tests.isolation.abuse.attempt import Attempt, changed, claimed, touched

_CALL = "import ctypes, os, signal\nlibc = ctypes.CDLL(None, use_errno=True)\n"
_CHILD = "if pid == 0: os._exit(7)\nif pid > 0 and os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7: print(done)"
_PYTHON = "import sys\ncommand = [sys.executable, '-ISc', 'import sys; print(sys.argv[1])', done]\n"
_HAS_MOVED = "print(done if os.readlink('/proc/self/ns/{0}') != before else '')"

PROCESS = (
    Attempt("fork", f"import os\npid = os.fork()\n{_CHILD}", claimed),
    Attempt("forkpty", f"import os\npid, _ = os.forkpty()\n{_CHILD}", claimed),
    Attempt("fork in C", f"{_CALL}pid = ctypes.PyDLL(None).fork()\n{_CHILD}", claimed),
    Attempt("fork by its number", f"{_CALL}pid = libc.syscall(57)\n{_CHILD}", claimed),
    Attempt(
        "clone", f"{_CALL}pid = ctypes.PyDLL(None).syscall(56, 17, 0, 0, 0, 0)\n{_CHILD}", claimed
    ),
    Attempt(
        "clone3",
        f"{_CALL}args = (ctypes.c_uint64 * 11)()\nargs[4] = 17\npid = ctypes.PyDLL(None).syscall(435, args, 88)\n{_CHILD}",
        claimed,
    ),
    Attempt(
        "a program",
        f"{_PYTHON}import subprocess\nprint(subprocess.run(command, capture_output=True, text=True).stdout)",
        claimed,
    ),
    Attempt(
        "a program without vfork",
        f"{_PYTHON}import subprocess\nsubprocess._USE_VFORK = subprocess._USE_POSIX_SPAWN = False\n"
        "print(subprocess.check_output(command, text=True, preexec_fn=int))",
        claimed,
    ),
    Attempt(
        "posix_spawn",
        f"{_PYTHON}import os\nr, w = os.pipe()\nos.posix_spawn(sys.executable, command, {{}}, file_actions=[(os.POSIX_SPAWN_DUP2, w, 1)])\nprint(os.read(r, 99))",
        claimed,
    ),
    Attempt("a shell", "import os\nos.system(f'echo x > {canary}')", changed),
    Attempt("a shell that is read", "import os\nprint(os.popen('echo ' + done).read())", claimed),
    Attempt(
        "a shell of asyncio",
        "import asyncio\np = await asyncio.create_subprocess_shell(f'echo x > {canary}')\nawait p.wait()",
        changed,
    ),
    Attempt(
        "another program instead",
        "import os\nos.execv('/bin/sh', ['sh', '-c', f'echo x > {canary}'])",
        changed,
    ),
    Attempt(
        "a program in memory",
        f"{_CALL}fd = os.memfd_create('p', 0)\nos.write(fd, b'#!/bin/sh\\necho x > ' + canary.encode())\nos.execve(fd, ['p'], {{}})",
        changed,
    ),
    Attempt(
        "execveat",
        f"{_CALL}arguments = (ctypes.c_char_p * 4)(b'sh', b'-c', f'echo x > {{canary}}'.encode(), None)\nlibc.syscall(322, -100, b'/bin/sh', arguments, None, 0)",
        changed,
    ),
    Attempt(
        "multiprocessing",
        "import multiprocessing as m\np = m.get_context('fork').Process(target=open, args=(canary, 'w'))\np.start()\np.join()",
        changed,
    ),
    Attempt(
        "a pool",
        "from concurrent.futures import ProcessPoolExecutor as P\nwith P(1) as p: print(done if p.submit(int, 1).result() == 1 else '')",
        claimed,
    ),
    Attempt("kill", "import os\nos.kill(victim, 9)", touched),
    Attempt("kill the host", "import os\nos.kill(host_pid, 9)", touched),
    Attempt("kill the parent", "import os\nos.kill(os.getppid(), 9)\nprint(done)", claimed),
    Attempt("kill the group", "import os\nos.killpg(0, 9)\nprint(done)", claimed),
    Attempt(
        "kill a thread",
        f"{_CALL}libc.syscall(234, victim, victim, 9)\nlibc.syscall(200, victim, 9)",
        touched,
    ),
    Attempt("queue a signal", f"{_CALL}libc.sigqueue(victim, 9, None)", touched),
    Attempt(
        "a descriptor of a process",
        "import os, signal\nsignal.pidfd_send_signal(os.pidfd_open(victim), 9)",
        touched,
    ),
    Attempt(
        "a descriptor from procfs",
        "import os, signal\nsignal.pidfd_send_signal(os.open(f'/proc/{victim}', os.O_DIRECTORY), 9)",
        touched,
    ),
    Attempt(
        "a descriptor of another process",
        f"{_CALL}fd = libc.syscall(438, os.pidfd_open(victim), 0, 0)\nprint(done if fd > 0 else '')",
        claimed,
    ),
    Attempt(
        "a signal for a descriptor's sake",
        f"{_CALL}import fcntl\nr, w = os.pipe()\nfcntl.fcntl(r, 8, victim)\nfcntl.fcntl(r, 10, 9)\n"
        "fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC)\nos.write(w, b'x')",
        touched,
    ),
    Attempt(
        "a signal for an owner's sake",
        f"{_CALL}import fcntl, struct\nr, w = os.pipe()\nfcntl.fcntl(r, 15, struct.pack('ii', 1, victim))\n"
        "fcntl.fcntl(r, 10, 9)\nfcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC)\nos.write(w, b'x')",
        touched,
    ),
    Attempt(
        "a signal for a socket's sake",
        f"{_CALL}import fcntl, socket, struct\na, b = socket.socketpair()\nfcntl.ioctl(a, 0x8901, struct.pack('i', victim))\n"
        "fcntl.fcntl(a, 10, 9)\nfcntl.fcntl(a, fcntl.F_SETFL, os.O_ASYNC)\nb.send(b'x')",
        touched,
    ),
    Attempt(
        "ptrace",
        f"{_CALL}libc.ptrace(16, victim, None, None)\nfor _ in range(10**6):\n    if os.waitpid(victim, os.WNOHANG | 0x40000000)[0]: break",
        touched,
    ),
    Attempt(
        "writing the host's memory",
        f"{_CALL}text = ctypes.create_string_buffer(b'changed')\nmine = (ctypes.c_size_t * 2)(ctypes.addressof(text), 7)\n"
        "theirs = (ctypes.c_size_t * 2)(board, 7)\nlibc.process_vm_writev(host_pid, mine, 1, theirs, 1, 0)",
        changed,
    ),
    Attempt(
        "writing the host's memory as a file",
        "with open(f'/proc/{host_pid}/mem', 'r+b', 0) as m:\n    m.seek(board)\n    m.write(b'changed')",
        changed,
    ),
    Attempt(
        "limits",
        "import resource\nresource.prlimit(victim, resource.RLIMIT_NOFILE, (9, 9))",
        touched,
    ),
    Attempt("priority", "import os\nos.setpriority(os.PRIO_PROCESS, victim, 15)", touched),
    Attempt(
        "priority of all of the user's",
        "import os\nprint(os.getpriority(os.PRIO_PROCESS, victim))\nos.setpriority(os.PRIO_PGRP, os.getpgid(victim), 15)",
        touched,
    ),
    Attempt("affinity", "import os\nos.sched_setaffinity(victim, {1})", touched),
    Attempt(
        "scheduling",
        "import os\nos.sched_setscheduler(victim, os.SCHED_BATCH, os.sched_param(0))",
        touched,
    ),
    Attempt(
        "a session",
        "import os\nos.setsid() if os.getpid() != os.getsid(0) else os.fork() or os.setsid()\nprint(done if os.getsid(0) == os.getpid() else '')",
        claimed,
    ),
    Attempt(
        "a group",
        f"{_CALL}print(done if libc.setpgid(0, 0) == 0 or ctypes.get_errno() == 1 and os.getsid(0) == os.getpid() == host_pid else '')",
        claimed,
    ),
    Attempt(
        "a user namespace",
        f"{_CALL}before = os.readlink('/proc/self/ns/user')\nlibc.unshare(0x10000000)\nlibc.unshare(0x04000000)\n"
        "print(done if os.readlink('/proc/self/ns/user') != before or os.readlink('/proc/self/ns/uts') != os.readlink('/proc/self/ns/uts_') else '')".replace(
            "os.readlink('/proc/self/ns/uts_')", "uts"
        ).replace(
            "libc.unshare(0x10000000)",
            "uts = os.readlink('/proc/self/ns/uts')\nlibc.unshare(0x10000000)",
        ),
        claimed,
    ),
    Attempt(
        "a namespace of mounts",
        f"{_CALL}before = os.readlink('/proc/self/ns/mnt')\nlibc.unshare(0x20000)\n{_HAS_MOVED.format('mnt')}",
        claimed,
    ),
    Attempt(
        "the namespace of another",
        f"{_CALL}before = os.readlink('/proc/self/ns/uts')\nlibc.unshare(0x04000000)\n"
        f"libc.setns(os.open(f'/proc/{{victim}}/ns/uts', 0), 0)\nprint(done if os.path.exists(f'/proc/{{victim}}/ns/uts') else '')",
        claimed,
    ),
    Attempt(
        "mount", f"{_CALL}libc.mount(b'x', (folder + '/mnt').encode(), b'tmpfs', 0, None)", changed
    ),
    Attempt(
        "a mount by steps",
        f"{_CALL}fd = libc.syscall(430, b'tmpfs', 0)\nprint(done if fd >= 0 else '')",
        claimed,
    ),
    Attempt(
        "a tree of mounts",
        f"{_CALL}fd = libc.syscall(428, -100, b'/', 0)\nprint(done if fd >= 0 else '')",
        claimed,
    ),
    Attempt("chroot", f"{_CALL}print(done if libc.chroot(b'/proc') == 0 else '')", claimed),
    Attempt("another user", "import os\nos.setresuid(65534, 65534, 65534)\nprint(done)", claimed),
    Attempt("another group", "import os\nos.setgid(65534)\nos.setgroups([])\nprint(done)", claimed),
    Attempt(
        "capabilities",
        f"{_CALL}lines = open('/proc/self/status').read().split('\\n')\nprint(done if any(l.startswith('CapEff') and int(l.split()[1], 16) for l in lines) else '')",
        claimed,
    ),
    Attempt(
        "a personality", f"{_CALL}print(done if libc.personality(0x0040000) >= 0 else '')", claimed
    ),
    Attempt(
        "bpf",
        f"{_CALL}print(done if libc.syscall(321, 0, (ctypes.c_uint32 * 32)(2, 4, 4, 1), 128) >= 0 else '')",
        claimed,
    ),
    Attempt(
        "perf",
        f"{_CALL}a = (ctypes.c_uint32 * 32)(1, 128)\nprint(done if libc.syscall(298, a, 0, -1, -1, 0) >= 0 else '')",
        claimed,
    ),
    Attempt("userfaultfd", f"{_CALL}print(done if libc.syscall(323, 1) >= 0 else '')", claimed),
    Attempt(
        "keys of the kernel",
        f"{_CALL}print(done if libc.syscall(248, b'user', b'abuse', b'x', 1, -1) >= 0 else '')",
        claimed,
    ),
    Attempt(
        "shared memory of System V",
        f"{_CALL}i = libc.shmget(0, 4096, 0o1600)\nprint(done if i >= 0 else '')\nlibc.shmctl(i, 0, None)",
        claimed,
    ),
    Attempt(
        "a queue of messages",
        f"{_CALL}i = libc.msgget(0, 0o1600)\nprint(done if i >= 0 else '')\nlibc.msgctl(i, 0, None)",
        claimed,
    ),
    Attempt("survive the parent", f"{_CALL}print(done if libc.prctl(1, 0) == 0 else '')", claimed),
    Attempt("be the reaper", f"{_CALL}print(done if libc.prctl(36, 1) == 0 else '')", claimed),
    Attempt("a core of one's own", f"{_CALL}print(done if libc.prctl(4, 1) == 0 else '')", claimed),
)
