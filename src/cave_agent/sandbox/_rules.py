"""What a confined process may not ask of the kernel."""

import errno
from collections.abc import Iterator

from cave_agent.sandbox._filter import ALLOW, Relation, Rule, Test, refuse

_REFUSED = [
    "execve",
    "execveat",
    "fork",
    "vfork",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "process_mrelease",
    "kcmp",
    "pidfd_open",
    "pidfd_getfd",
    "pidfd_send_signal",
    "kill",
    "tkill",
    "tgkill",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "move_mount",
    "open_tree",
    "open_tree_attr",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "statmount",
    "listmount",
    "unshare",
    "setns",
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setgroups",
    "setfsuid",
    "setfsgid",
    "capset",
    "mknod",
    "mknodat",
    "setsid",
    "setpgid",
    "personality",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "swapon",
    "swapoff",
    "acct",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "keyctl",
    "add_key",
    "request_key",
    "iopl",
    "ioperm",
    "modify_ldt",
    "lookup_dcookie",
    "nfsservctl",
    "uselib",
    "sysfs",
    "ustat",
    "quotactl",
    "quotactl_fd",
    "syslog",
    "settimeofday",
    "clock_settime",
    "adjtimex",
    "clock_adjtime",
    "sethostname",
    "setdomainname",
    "vhangup",
    "name_to_handle_at",
    "open_by_handle_at",
    "fanotify_init",
    "fanotify_mark",
    "setpriority",
    "ioprio_set",
    "migrate_pages",
    "move_pages",
    "mbind",
    "set_mempolicy",
    "set_mempolicy_home_node",
    "bind",
    "listen",
    "accept",
    "accept4",
    "connect",
    "msgget",
    "semget",
    "shmget",
    "mq_open",
    "memfd_secret",
    "vmsplice",
]
# What tells of a file's owner, rights or times, which Landlock leaves alone.
_ATTRIBUTES = [
    "chmod",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "fchown",
    "lchown",
    "fchownat",
    "utime",
    "utimes",
    "utimensat",
    "futimesat",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "setxattrat",
    "removexattr",
    "lremovexattr",
    "fremovexattr",
    "removexattrat",
    "inotify_init",
    "inotify_init1",
]
_OF_ONE_PROCESS = (
    "prlimit64",
    "sched_setaffinity",
    "sched_setscheduler",
    "sched_setparam",
    "sched_setattr",
)
# What starting processes and ending them takes.
_OF_PROCESSES = (
    *("execve", "execveat", "fork", "vfork", "setsid", "setpgid"),
    *("kill", "tkill", "tgkill", "pidfd_open", "pidfd_send_signal"),
)
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_INTERNET, _STREAM, _TCP = (2, 10), 1, 6  # AF_INET and AF_INET6, SOCK_STREAM, IPPROTO_TCP
_KIND_OF_SOCKET = 0xF  # of a type, without SOCK_NONBLOCK and SOCK_CLOEXEC
_AF_UNIX = 1
_CLONE_THREAD = 0x10000
# F_SETOWN, F_SETSIG and F_SETOWN_EX have the kernel send any signal to any process of the user.
_FCNTLS = (8, 10, 15)
_IOCTLS = (0x5412, 0x541C, 0x8901, 0x8902)  # TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP
_PRCTLS = (1, 4, 35, 36)  # PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_MM, PR_SET_CHILD_SUBREAPER
_ACCESS = 0x3  # of the flags of open, those that tell of reading and writing
_TRUNCATE = 0x200


def rules(
    *, jailed: bool, guards_truncation: bool, connects: bool = False, forks: bool = False
) -> Iterator[Rule]:
    """What is refused, and what of that may be done after all comes before.

    Args:
        jailed: Whether no file can be seen that is not the process's own or mounted read-only.
        guards_truncation: Whether Landlock keeps files from being emptied: from ABI 3 on.
        connects: Whether it may use TCP, in a network of its own.
        forks: Whether it may start other processes, all in a namespace of their own.
    """
    yield from _for_processes() if forks else _against_processes()
    yield Rule("clone3", refuse(errno.ENOSYS))  # so that libc takes clone, which can be judged
    if connects:
        yield from _for_tcp()
    yield Rule("socketpair", ALLOW, (Test(0, Relation.EQUAL, _AF_UNIX),))
    yield Rule("socketpair", refuse(errno.EACCES))
    yield Rule("socket", refuse(errno.EACCES))
    for name in (*_REFUSED, *(() if jailed else _ATTRIBUTES)):
        yield Rule(name, refuse())
    for name in _OF_ONE_PROCESS:  # 0 is the process itself
        yield Rule(name, refuse(), (Test(0, Relation.DIFFERENT, 0),))
    for name, argument, values in (
        ("fcntl", 1, _FCNTLS),
        ("ioctl", 1, _IOCTLS),
        ("prctl", 0, _PRCTLS),
    ):
        for value in values:
            yield Rule(name, refuse(), (Test(argument, Relation.EQUAL, value),))
    if not guards_truncation and not jailed:
        yield from _against_truncation()


def _against_processes() -> Iterator[Rule]:
    yield Rule("clone", ALLOW, (Test(0, Relation.ANY_BIT, _CLONE_THREAD),))
    yield Rule("clone", refuse())


def _for_processes() -> Iterator[Rule]:
    """Whatever is in reach of a signal is the process's own."""
    yield Rule("clone", refuse(), (Test(0, Relation.ANY_BIT, _NEW_NAMESPACES),))
    for name in _OF_PROCESSES:
        yield Rule(name, ALLOW)


def _for_tcp() -> Iterator[Rule]:
    for family in _INTERNET:
        of_tcp = (
            Test(0, Relation.EQUAL, family),
            Test(1, Relation.EQUAL, _STREAM, mask=_KIND_OF_SOCKET),
        )
        for protocol in (0, _TCP):
            yield Rule("socket", ALLOW, (*of_tcp, Test(2, Relation.EQUAL, protocol)))
    yield Rule("connect", ALLOW)


def _against_truncation() -> Iterator[Rule]:
    yield Rule("truncate", refuse())
    yield Rule("openat2", refuse(errno.ENOSYS))  # its flags are in memory, which no rule can read
    for name, argument in (("open", 1), ("openat", 2)):
        tests = (
            Test(argument, Relation.ANY_BIT, _TRUNCATE),
            Test(argument, Relation.EQUAL, 0, mask=_ACCESS),
        )
        yield Rule(name, refuse(), tests)
