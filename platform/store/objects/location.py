"""Where an object store is: a folder, or `s3://bucket/prefix?endpoint=…&region=…`."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from countermark.protocol.errors import ErrorCode, MarketError

_SCHEME = "s3"
_SOME_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_PREFIX = re.compile(r"([A-Za-z0-9_.-]+/)*", re.ASCII)
_REGION = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class BucketLocation:
    """A bucket of a service that speaks S3, and a prefix in it, "" or ending with a slash."""

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    """The service's URL; None for Amazon's own, or what `AWS_ENDPOINT_URL` names."""
    region: str | None = None
    """None for what the machine's AWS configuration says."""


def parse_location(text: str) -> Path | BucketLocation:
    """Return the folder or the bucket that `text` names.

    Raises:
        MarketError: MALFORMED_REQUEST, without a word of `text`: a password may stand in it.
    """
    if not _SOME_SCHEME.match(text):
        return Path(text)
    try:
        url = urlsplit(text)
        options = dict(pairs := parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query)))
    except ValueError:
        raise _malformed("it is no URL") from None
    if url.scheme != _SCHEME:
        raise _malformed("a folder or s3://bucket/prefix is expected")
    if "@" in url.netloc:
        raise _malformed("credentials come from the environment, never from the URL")
    if url.fragment or len(pairs) != len(options) or not options.keys() <= {"endpoint", "region"}:
        raise _malformed("the parameters are endpoint and region, once each")
    prefix = f"{path}/" if (path := url.path.strip("/")) else ""
    region, endpoint = options.get("region"), options.get("endpoint")
    if not _BUCKET.fullmatch(url.netloc) or not _PREFIX.fullmatch(prefix):
        raise _malformed("bucket or prefix has a name that stores do not take")
    if region is not None and not _REGION.fullmatch(region):
        raise _malformed("the region has no such name")
    if endpoint is not None and not _is_endpoint(endpoint):
        raise _malformed("the endpoint is https://host:port, or http://")
    return BucketLocation(url.netloc, prefix, endpoint, region)


def _is_endpoint(text: str) -> bool:
    try:
        url = urlsplit(text)
        url.port  # noqa: B018  # raises where it is none
    except ValueError:
        return False
    simple = url.path in ("", "/") and not url.query and not url.fragment and "@" not in url.netloc
    return url.scheme in ("https", "http") and bool(url.hostname) and simple


def _malformed(detail: str) -> MarketError:
    return MarketError(ErrorCode.MALFORMED_REQUEST, f"the object store's URL is malformed: {detail}")
