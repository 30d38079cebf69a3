"""Figures as Prometheus reads them from a process's text."""

from dataclasses import dataclass
from typing import Self

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True)
class Scraped:
    """The samples of one scrape, by name and labels."""

    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    @classmethod
    def of(cls, text: str | bytes) -> Self:
        families = text_string_to_metric_families(text if isinstance(text, str) else text.decode())
        return cls(
            {
                (sample.name, frozenset(sample.labels.items())): sample.value
                for family in families
                for sample in family.samples
            }
        )

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.samples}

    def __call__(self, name: str, **labels: str) -> float:
        """The value of a figure of ours; its name is given without `countermark_`."""
        return self.samples[f"countermark_{name}", frozenset(labels.items())]

    def has(self, name: str, **labels: str) -> bool:
        return (f"countermark_{name}", frozenset(labels.items())) in self.samples
