"""When the certificates end that this process has read."""

from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from prometheus_client import Gauge

from countermark.gateway.metrics.registry import Metrics
from countermark.protocol.errors import ErrorCode, MarketError


def watch(metrics: Metrics, files: Mapping[str, Path]) -> None:
    """Show until when the certificates in ``files`` hold, by their names; those that are in use, not newer ones.

    Raises:
        MarketError: MALFORMED_REQUEST; a file holds no certificate.
    """
    gauge = Gauge(
        "countermark_certificate_expiry_timestamp_seconds",
        "Until when a certificate holds that this process uses, seconds since the epoch",
        ["certificate"],
        registry=metrics.registry,
    )
    for name, path in files.items():
        try:
            parsed = x509.load_pem_x509_certificate(path.read_bytes())
        except (OSError, ValueError) as error:
            raise MarketError(ErrorCode.MALFORMED_REQUEST, f"{path} is no certificate") from error
        gauge.labels(name).set(parsed.not_valid_after_utc.timestamp())
