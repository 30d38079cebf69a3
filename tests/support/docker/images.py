"""The project's images, built from their Dockerfiles on a stand-in for the published base."""

from dataclasses import dataclass
from pathlib import Path

from tests.support.docker import standins, wheels
from tests.support.docker.engine import docker
from tests.support.docker.files import BASE, FOLDER, IMAGES, ROOT


@dataclass(frozen=True)
class Images:
    """Tags of the images of one run."""

    mark: str

    def tag(self, image: str) -> str:
        return f"countermark-test/{image}:{self.mark}"

    def build(self, folder: Path) -> None:
        """Build all of them; `folder` is for the wheels and for pip's configuration, a secret of the builds."""
        wheels.fetch(folder)
        with wheels.served(folder) as configuration:
            secret = folder / "pip.conf"
            secret.write_text(configuration)
            for image in IMAGES:
                docker(
                    *("build", "--network", "host", "--secret", f"id=pip,src={secret}"),
                    *("--build-arg", f"{BASE}={standins.python()}", "--file", str(FOLDER / f"{image}.Dockerfile")),
                    *("--tag", self.tag(image), str(ROOT)),
                )

    def remove(self) -> None:
        """Remove them; the stand-ins and the layers that a next build needs stay with the engine."""
        docker("image", "rm", "--force", *(self.tag(image) for image in IMAGES))
