"""Take rights and resources from a decoding process, as far as its platform allows.

| what | Linux | macOS | Windows |
| --- | --- | --- | --- |
| heap | limited | not limited | not limited |
| processor time of one file | limited | limited | time on the clock only |
| core files, size and number of files | limited | limited | not limited |
| network, other programs, other processes' memory | refused (x86-64, ARM 64) | open | open |
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import struct
import sys
from pathlib import Path

from bonefx.films.decoding.limits import DecodingLimits

LINUX = sys.platform == "linux"
MAX_OPEN_FILES = 64
DIE_WITH_PARENT, SET_DUMPABLE, NO_NEW_PRIVILEGES, SET_SECCOMP = 1, 4, 38, 22  # of prctl
SECCOMP_FILTER = 2
# Instructions of the classic Berkeley packet filter, and the answers of a seccomp filter
LOAD, JUMP_IF_EQUAL, JUMP_IF_NOT_LESS, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER_AT, ARCHITECTURE_AT = 0, 4  # in the data that the kernel gives to a filter
ALLOW, REFUSE = 0x7FFF0000, 0x00050001  # the second with the error EPERM
FOREIGN_CALLS = 0x40000000  # first number of the x32 calls, which would pass by other numbers
REFUSED_CALLS = {  # numbers by machine: its name for the kernel, then the calls
    "x86_64": (0xC000003E, {
        "socket": 41, "execve": 59, "ptrace": 101, "process_vm_readv": 310,
        "process_vm_writev": 311, "bpf": 321, "execveat": 322, "io_uring_setup": 425,
        "pidfd_getfd": 438,
    }),
    "aarch64": (0xC00000B7, {
        "socket": 198, "execve": 221, "ptrace": 117, "process_vm_readv": 270,
        "process_vm_writev": 271, "bpf": 280, "execveat": 281, "io_uring_setup": 425,
        "pidfd_getfd": 438,
    }),
}  # fmt: skip


def confine(limits: DecodingLimits) -> None:
    """Limit this process and its children for good; call it before any file is opened.

    What a platform lacks is left out.
    """
    _limit_resources(limits)
    if LINUX:
        with contextlib.suppress(OSError):  # the kernel ends this process first, not the server
            Path("/proc/self/oom_score_adj").write_text("1000")
        hide_memory()
        with contextlib.suppress(OSError):  # a kernel without seccomp, or a container without it
            _refuse_calls()


def hide_memory() -> None:
    """Keep other programs of the same user from this process's memory and environment.

    On Linux only, where the root user may read them in any case. Nor does the process leave a core
    file, which would hold the films in it.
    """
    if LINUX:
        _prctl(SET_DUMPABLE, 0)


def _limit_resources(limits: DecodingLimits) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_DATA, limits.memory_bytes),
    ):
        with contextlib.suppress(ValueError, OSError):  # the limit is lower already
            resource.setrlimit(kind, (most, most))


def limit_processor_time(seconds: float) -> None:
    """Let the kernel end this process after some more processor time; not on Windows."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def die_with(parent: int) -> None:
    """End this process when its parent ends.

    Args:
        parent: Process id of the parent, which may have ended already.
    """
    _prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _refuse_calls() -> None:
    """Refuse the system calls of REFUSED_CALLS, for this process and its children.

    Source:
        Linux, Documentation/userspace-api/seccomp_filter.rst.
    """
    machine = platform.machine()
    if machine not in REFUSED_CALLS:
        return
    name, calls = REFUSED_CALLS[machine]
    checks = len(calls) + 1
    program = [(LOAD, 0, 0, ARCHITECTURE_AT), (JUMP_IF_EQUAL, 0, checks + 2, name)]
    program += [(LOAD, 0, 0, NUMBER_AT), (JUMP_IF_NOT_LESS, checks, 0, FOREIGN_CALLS)]
    program += [
        (JUMP_IF_EQUAL, checks - 1 - place, 0, number)
        for place, number in enumerate(calls.values())
    ]
    program += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
    instructions = b"".join(struct.pack("=HBBI", *line) for line in program)
    held = ctypes.create_string_buffer(instructions, len(instructions))
    whole = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(held)))
    _prctl(NO_NEW_PRIVILEGES, 1)
    _prctl(SET_SECCOMP, SECCOMP_FILTER, ctypes.addressof(whole))


def _prctl(option: int, *values: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    padded = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if library.prctl(option, *padded) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
