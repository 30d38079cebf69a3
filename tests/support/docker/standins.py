"""Images that stand in for published ones where none can be pulled: made of what is on this machine.

Of Python's slim image they have interpreter, pip and a shell; of PostgreSQL's the programs, and an entry that does
what the published one does of it; of Fabric's the program that is on PATH, and what of a small Ubuntu is used.
"""

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from countermark.platform.store.postgres import binaries
from tests.support.docker.engine import docker

REPOSITORY = "countermark-standin"

_LEFT_OUT = {"__pycache__", "idlelib", "lib2to3", "site-packages", "test", "tests", "tkinter", "turtledemo"}
_ALSO_NEEDED = ("libstdc++.so.6", "libgcc_s.so.1", "libz.so.1", "libdl.so.2", "libpthread.so.0", "librt.so.1")
"""Libraries that wheels expect of every Linux (manylinux)."""

_ACCOUNTS = f"""\
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
somebody:x:10001:10001:somebody:/nonexistent:/usr/sbin/nologin
me:x:{os.geteuid()}:{os.getegid()}:me:/nonexistent:/usr/sbin/nologin
"""
"""PostgreSQL wants to know who runs it; its published image pretends that it does."""

_ENTRY = """\
#!/usr/local/bin/python3 -I
import os, subprocess, sys
from pathlib import Path

data = Path("/var/lib/postgresql/18/docker")
if not (data / "PG_VERSION").exists():
    data.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["initdb", "-D", data, "-U", os.environ["POSTGRES_USER"], "--auth-host=scram-sha-256",
                    "--auth-local=trust", f"--pwfile={os.environ['POSTGRES_PASSWORD_FILE']}"], check=True)
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all all scram-sha-256\\n")
    subprocess.run(["postgres", "--single", "-D", data, "postgres"], check=True, text=True,
                   input=f"CREATE DATABASE {os.environ['POSTGRES_DB']};\\n")
os.environ["PGDATA"] = str(data)
always = ["-c", "listen_addresses=*", "-c", "unix_socket_directories=/var/run/postgresql"]
os.execvp(sys.argv[1], [*sys.argv[1:], *always])
"""


class _Image:
    """The file system of an image, as a tar archive in memory."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()
        self._tar = tarfile.TarFile(fileobj=self._bytes, mode="w")
        self._names: set[str] = set()
        for name, mode in {"tmp": 0o1777, "run": 0o755, "etc": 0o755, "var/lib": 0o755}.items():
            self.folder(name, mode)

    def folder(self, name: str, mode: int = 0o755) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        self._tar.addfile(entry)

    def text(self, name: str, text: str, mode: int = 0o644) -> None:
        data = text.encode()
        entry = tarfile.TarInfo(name.lstrip("/"))
        entry.size, entry.mode = len(data), mode
        self._tar.addfile(entry, io.BytesIO(data))

    def link(self, name: str, target: str) -> None:
        entry = tarfile.TarInfo(name.lstrip("/"))
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self._tar.addfile(entry)

    def file(self, path: Path, name: str) -> None:
        """Add the file `path`, readable by all, and not the links that lead to it."""
        name = name.lstrip("/")
        if name not in self._names:
            self._names.add(name)
            with path.resolve().open("rb") as content:
                entry = self._tar.gettarinfo(fileobj=content, arcname=name)
                entry.uid = entry.gid = 0
                entry.mode = 0o755 if entry.mode & 0o100 else 0o644
                self._tar.addfile(entry, content)

    def tree(self, folder: Path, name: str, *, left_out: Iterable[str] = ()) -> None:
        """Add what is below `folder` but for whatever has one of those names in its path."""
        for root, folders, files in os.walk(folder):
            folders[:] = sorted(set(folders) - set(left_out))
            for file in sorted(files):
                path = Path(root, file)
                if path.is_file():
                    self.file(path, f"{name}/{path.relative_to(folder)}")

    def program(self, path: Path, name: str) -> None:
        """Add a program, or a library, and the libraries that it needs."""
        self.file(path, name)
        self.libraries([path])

    def libraries(self, paths: Iterable[Path]) -> None:
        for library in needed(paths):
            # Those of an interpreter that lies elsewhere come to where every program looks.
            system = library.parts[1] in ("lib", "lib64", "usr")
            self.file(library, str(library) if system else f"/usr/lib/{library.name}")

    def load(self, name: str, *changes: str) -> str:
        """Give it to the engine, unless it has the very same already, and return its tag."""
        self._tar.close()
        content = self._bytes.getvalue()
        mark = hashlib.sha256(b"\0".join([content, *map(str.encode, changes)])).hexdigest()[:16]
        tag = f"{REPOSITORY}/{name}:{mark}"
        if not docker("images", "--quiet", tag):
            arguments = [word for change in changes for word in ("--change", change)]
            docker("import", *arguments, "-", tag, stdin=content)
        return tag


def needed(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the shared libraries that programs and libraries need, the dynamic loader among them."""
    given = [str(path) for path in paths]
    for start in range(0, len(given), 50):
        listed = subprocess.run(
            ["/usr/bin/ldd", *given[start : start + 50]], capture_output=True, text=True, check=False
        )
        for found in re.finditer(r"(?:=> |^\t)(/\S+) \(0x", listed.stdout, re.MULTILINE):
            yield Path(found.group(1))


@cache
def python() -> str:
    """Return the stand-in for Python's slim image: this interpreter without packages, pip, a shell and `mkdir`."""
    image = _Image()
    _put_python(image)
    return image.load("python", "ENV PATH=/usr/local/bin:/usr/bin:/bin", "ENV LANG=C.UTF-8", 'CMD ["python3"]')


@cache
def postgres() -> str:
    """Return the stand-in for PostgreSQL's image: the programs of the wheel, and an entry in Python."""
    image = _Image()
    _put_python(image)
    programs = binaries.find({}, None, Path())
    package = programs.parent.parent
    home = f"/opt/{package.name}/{programs.parent.name}"
    for part in ("bin", "lib", "share"):
        image.tree(programs.parent / part, f"{home}/{part}")
    image.tree(package.with_name(f"{package.name}.libs"), f"/opt/{package.name}.libs")
    image.libraries(
        [programs / name for name in ("postgres", "initdb", "pg_dump", "pg_isready", "pg_restore", "psql")]
    )
    image.text("/usr/local/bin/entry", _ENTRY, 0o755)
    # Whoever runs it may write there, in the published image too.
    image.folder("var/lib/postgresql", 0o1777)
    image.folder("var/run/postgresql", 0o1777)
    return image.load(
        "postgres",
        # Clients built for the published image look there by themselves.
        f"ENV PATH={home}/bin:/usr/local/bin:/usr/bin:/bin PGHOST=/var/run/postgresql",
        'ENTRYPOINT ["/usr/local/bin/entry"]',
    )


@cache
def fabric(name: str) -> str:
    """Return the stand-in for the image of Fabric's `orderer` or `peer`."""
    image = _Image()
    image.text("etc/passwd", _ACCOUNTS)
    image.program(Path(shutil.which(name) or ""), f"/usr/local/bin/{name}")
    for tool in ("bash", "cp", "grep", "mkdir", "sed", "sh"):
        image.program(Path("/bin") / tool, f"/bin/{tool}")
    return image.load(f"fabric-{name}", "ENV PATH=/usr/local/bin:/usr/bin:/bin")


def _put_python(image: _Image) -> None:
    prefix = Path(sys.base_prefix)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = prefix / "lib" / version
    image.text("etc/passwd", _ACCOUNTS)
    image.program(prefix / "bin" / version, f"/usr/local/bin/{version}")
    for name in ("python", "python3"):
        image.link(f"/usr/local/bin/{name}", version)
    image.tree(library, f"/usr/local/lib/{version}", left_out=_LEFT_OUT)
    image.libraries(one for one in sorted((library / "lib-dynload").glob("*.so")) if "tkinter" not in one.name)
    for package in sorted((library / "site-packages").glob("pip*")):
        image.tree(package, f"/usr/local/lib/{version}/site-packages/{package.name}", left_out=["__pycache__"])
    for name in ("sh", "mkdir"):
        image.program(Path("/bin") / name, f"/bin/{name}")
    beside = next(path.parent for path in needed([Path("/bin/sh")]) if path.name.startswith("libc."))
    for name in _ALSO_NEEDED:
        found = next(
            (one for one in (beside / name, Path("/usr") / beside.relative_to("/") / name) if one.exists()), None
        )
        if found is not None:
            image.program(found, str(found))
