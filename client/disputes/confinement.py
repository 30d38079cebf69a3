"""The confinement of a process that reads what a stranger has sent: no network, no other program, bounded resources.

The kernel sees to it (seccomp(2), setrlimit(2)), so it holds for a decoder that has been taken over as well, and for
its threads and children; it takes no privileges and cannot be lifted again. Files stay readable: decoders are loaded.
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


@dataclass(frozen=True)
class _Machine:
    """An architecture: its number in audit(7) and those of its system calls, by name."""

    audit: int
    calls: Mapping[str, int]


_DENIED: Final = (
    *("socket", "io_uring_setup"),
    *("execve", "execveat"),
    *("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd"),
)
"""No connection to anybody, by whatever way; no other program; no way into another process."""

_X86_64: Final = (41, 425, 59, 322, 101, 310, 311, 438)
_AARCH64: Final = (198, 425, 221, 281, 117, 270, 271, 438)

_MACHINES: Final[Mapping[str, _Machine]] = {
    "x86_64": _Machine(0xC000003E, dict(zip(_DENIED, _X86_64, strict=True)) | {"seccomp": 317}),
    "aarch64": _Machine(0xC00000B7, dict(zip(_DENIED, _AARCH64, strict=True)) | {"seccomp": 277}),
}

# linux/bpf_common.h and linux/seccomp.h.
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_NOT_LESS, _RETURN = 0x20, 0x15, 0x35, 0x06
_AT_NUMBER, _AT_ARCHITECTURE = 0, 4
_X32: Final = 0x4000_0000
"""From here on the calls of x86-64 have other numbers than those above."""
_ALLOW, _REFUSE, _KILL = 0x7FFF_0000, 0x0005_0001, 0x8000_0000
"""The second with EPERM."""

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
    machine = _MACHINES.get(platform.machine())
    if machine is None or platform.system() != "Linux":
        raise OSError(f"nothing is confined on {platform.system()} {platform.machine()}")
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
    if libc.syscall(machine.calls["seccomp"], _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program)):
        raise _failure("seccomp")


def _filter(machine: _Machine) -> Sequence[_Instruction]:
    """Return the program that the kernel runs before each call: it refuses those that are denied."""
    denied = [machine.calls[name] for name in _DENIED]
    to_end = len(denied) + 1
    return (
        _Instruction(_LOAD, 0, 0, _AT_ARCHITECTURE),
        _Instruction(_JUMP_IF_EQUAL, 0, to_end + 3, machine.audit),
        _Instruction(_LOAD, 0, 0, _AT_NUMBER),
        _Instruction(_JUMP_IF_NOT_LESS, to_end + 1, 0, _X32),
        *(_Instruction(_JUMP_IF_EQUAL, to_end - 1 - place, 0, call) for place, call in enumerate(denied)),
        _Instruction(_RETURN, 0, 0, _ALLOW),
        _Instruction(_RETURN, 0, 0, _REFUSE),
        _Instruction(_RETURN, 0, 0, _KILL),
    )


def _failure(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")
