"""A service that speaks S3, on loopback and in this process: moto's."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from boto3.session import Session
from moto.server import ThreadedMotoServer

from countermark.platform.store.objects.location import BucketLocation

BUCKET = "countermark"

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "canary-of-the-secret-key",
    # Nothing of this machine's own configuration, and no question to a cloud that is not there.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


class S3Server:
    """The service with one bucket; `location` gives each caller a prefix of his own."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
        self._server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.address = (str(host), int(port))
        self._prefixes = 0
        self.client = Session(
            ENVIRONMENT["AWS_ACCESS_KEY_ID"], ENVIRONMENT["AWS_SECRET_ACCESS_KEY"], region_name="us-east-1"
        ).client("s3", endpoint_url=self.url)
        self.client.create_bucket(Bucket=BUCKET)

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    def location(self, endpoint: str = "") -> BucketLocation:
        """A fresh prefix of the bucket, reached through `endpoint` where that is another way to the service."""
        self._prefixes += 1
        return BucketLocation(BUCKET, f"test{self._prefixes}/", endpoint or self.url, "us-east-1")

    def keys(self, location: BucketLocation) -> dict[str, int]:
        """Everything below the prefix, and how many bytes it has."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=location.prefix)
        return {one["Key"]: one["Size"] for page in pages for one in page.get("Contents", ())}

    def stop(self) -> None:
        self._server.stop()


@contextmanager
def s3_environment() -> Iterator[None]:
    """Give this process credentials for the service, and no others."""
    with pytest.MonkeyPatch.context() as patched:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patched.delenv(name)
        for name, value in ENVIRONMENT.items():
            patched.setenv(name, value)
        yield
