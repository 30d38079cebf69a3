"""The confinement of a process that reads what a stranger has sent: nothing leaves it but what it may write anyway.

It gets no connection, starts neither program nor process, signals nobody, opens no file for writing but such as have
no name, and changes no name; its time, memory and files are bounded. The kernel sees to it (seccomp(2),
setrlimit(2)), so it holds for a decoder that has been taken over as well, and for its threads; it takes no privileges
and cannot be lifted again. Files stay readable: decoders are loaded from there.
"""

import ctypes
import os
import platform
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Limits", "confine"]


@dataclass(frozen=True)
class Limits:
    """Seconds of processor time, bytes of memory, bytes of a file that is written; each of a process."""

    cpu_s: int
    memory: int
    file: int


_CALLS: Final[Mapping[str, tuple[int, int]]] = {
    # To others on the network, or on this machine.
    "socket": (41, 198),
    "io_uring_setup": (425, 425),
    # Another program, another process, another's memory or signals.
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, -1),
    "vfork": (58, -1),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    # Names of files, and what is behind them; whose flags cannot be looked at.
    "creat": (85, -1),
    "openat2": (437, 437),
    "rename": (82, -1),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "unlink": (87, -1),
    "unlinkat": (263, 35),
    "link": (86, -1),
    "linkat": (265, 37),
    "symlink": (88, -1),
    "symlinkat": (266, 36),
    "mkdir": (83, -1),
    "mkdirat": (258, 34),
    "rmdir": (84, -1),
    "mknod": (133, -1),
    "mknodat": (259, 33),
    "truncate": (76, 45),
    "chmod": (90, -1),
    "fchmodat": (268, 53),
    "chown": (92, -1),
    "lchown": (94, -1),
    "fchownat": (260, 54),
    # The kernel itself.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "keyctl": (250, 219),
}
"""Calls that are refused, by their numbers on x86-64 and AArch64; -1 where there is none."""

_OPEN, _OPENAT, _CLONE, _CLONE3, _SECCOMP = (2, -1), (257, 56), (56, 220), (435, 435), (317, 277)
"""Calls that go by their flags, one that cannot be looked into, and the one that confines."""

_AUDIT: Final = (0xC000003E, 0xC00000B7)
"""The architectures in audit(7)."""

_MACHINES: Final = ("x86_64", "aarch64")

# linux/bpf_common.h and linux/seccomp.h.
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_NOT_LESS, _JUMP_IF_ANY, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_AT_NUMBER, _AT_ARCHITECTURE = 0, 4
_X32: Final = 0x4000_0000
"""From here on the calls of x86-64 have other numbers than those above."""
_ALLOW, _REFUSE, _UNKNOWN, _KILL = 0x7FFF_0000, 0x0005_0001, 0x0005_0026, 0x8000_0000
"""The second with EPERM, the third with ENOSYS, at which libraries fall back on what can be looked into."""

# fcntl.h and sched.h, alike on both.
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NAMELESS: Final = 0o20000000
_THREAD: Final = 0x0001_0000

_PR_SET_NO_NEW_PRIVS: Final = 38
_SET_MODE_FILTER, _ALL_THREADS = 1, 1


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def confine(limits: Limits) -> None:
    """Confine this process, its threads and its children, for good.

    Raises:
        OSError: This system cannot.
    """
    if platform.system() != "Linux" or platform.machine() not in _MACHINES:
        raise OSError(f"nothing is confined on {platform.system()} {platform.machine()}")
    machine = _MACHINES.index(platform.machine())
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file, limits.file))
    # What lies in memory is plaintext, and a core file would keep it.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise _failure("no_new_privs")
    instructions = _filter(machine)
    program = _Program(len(instructions), (_Instruction * len(instructions))(*instructions))
    libc.syscall.argtypes = (ctypes.c_long, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_void_p)
    if libc.syscall(_SECCOMP[machine], _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program)):
        raise _failure("seccomp")


def _filter(machine: int) -> Sequence[_Instruction]:
    """Return the program that the kernel runs before each call."""
    return (
        _Instruction(_LOAD, 0, 0, _AT_ARCHITECTURE),
        *_unless(_JUMP_IF_EQUAL, _AUDIT[machine], _KILL),
        _Instruction(_LOAD, 0, 0, _AT_NUMBER),
        *_where(_JUMP_IF_NOT_LESS, _X32, _KILL),
        *(one for calls in _CALLS.values() if calls[machine] >= 0 for one in _where(_JUMP_IF_EQUAL, calls[machine])),
        *_where(_JUMP_IF_EQUAL, _CLONE3[machine], _UNKNOWN),
        *_by_flags(_OPEN[machine], argument=1, freeing=_NAMELESS, refused=_WRITING),
        *_by_flags(_OPENAT[machine], argument=2, freeing=_NAMELESS, refused=_WRITING),
        *_by_flags(_CLONE[machine], argument=0, freeing=_THREAD),
        _Instruction(_RETURN, 0, 0, _ALLOW),
    )


def _where(jump: int, value: int, answer: int = _REFUSE) -> tuple[_Instruction, ...]:
    """Answer where ``jump`` would be taken, and go on elsewhere."""
    return _Instruction(jump, 0, 1, value), _Instruction(_RETURN, 0, 0, answer)


def _unless(jump: int, value: int, answer: int) -> tuple[_Instruction, ...]:
    return _Instruction(jump, 1, 0, value), _Instruction(_RETURN, 0, 0, answer)


def _by_flags(call: int, *, argument: int, freeing: int, refused: int | None = None) -> tuple[_Instruction, ...]:
    """Judge a call by the flags in one of its arguments: those that free it, then those for which it is refused.

    Without the latter, it is refused whatever else its flags are.
    """
    if call < 0:
        return ()
    refusing = _where(_JUMP_IF_ANY, refused) if refused is not None else (_Instruction(_RETURN, 0, 0, _REFUSE),)
    judged = (
        # The lower half of the argument: flags are an int.
        _Instruction(_LOAD, 0, 0, 16 + 8 * argument),
        *_where(_JUMP_IF_ANY, freeing, _ALLOW),
        *refusing,
        _Instruction(_RETURN, 0, 0, _ALLOW),
    )
    return _Instruction(_JUMP_IF_EQUAL, 0, len(judged), call), *judged


def _failure(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")
