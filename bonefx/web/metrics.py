"""Figures of the running app for Prometheus, at an address of their own; they name no film.

Only counts, times and shares are kept, and of each film that was read its answer among the last
WINDOW: whether films of today look to the model as its validation films did.
"""

from __future__ import annotations

import bisect
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from bonefx.models.evaluation import read_model_evaluation
from bonefx.models.registry import LoadedModel
from bonefx.process.address import address_errors
from bonefx.reading.reader import Reader
from bonefx.records import Radiograph, Reading, Verdict

WINDOW = 500  # films of the drift
FEWEST = 50  # films below which no drift is told
READING_BUCKETS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
REQUEST_BUCKETS_S = (0.01, 0.05, 0.1, 0.5, 1, 5, 30)
ROUTES = (  # others are counted together, since anybody may ask for any path
    "/", "/login", "/config", "/gradio_api/upload", "/gradio_api/queue", "/gradio_api/call",
    "/gradio_api/mcp",
)  # fmt: skip


class DriftWatch:
    """The last films of a model: how many have a probability at or above each operating point."""

    def __init__(self, thresholds: Sequence[float], expected: Sequence[float]) -> None:
        """Watch a model.

        Args:
            thresholds: Probabilities of the operating points, (P,), increasing.
            expected: Shares of validation films at or above each of them, (P,).
        """
        self.thresholds, self.expected = tuple(thresholds), tuple(expected)
        self._passed: deque[int] = deque(maxlen=WINDOW)
        self._seen: OrderedDict[int, None] = OrderedDict()

    def add(self, reading: Reading) -> None:
        """Count a film, once however often it is read."""
        if reading.probability is None or reading.outside_scope is not None:
            return
        film = hash((reading.radiograph_sha256, reading.edit))
        if film in self._seen:
            return
        self._seen[film] = None
        if len(self._seen) > WINDOW:
            self._seen.popitem(last=False)
        self._passed.append(bisect.bisect_right(self.thresholds, reading.probability))

    @property
    def films(self) -> int:
        """Number of films that are watched now."""
        return len(self._passed)

    def share(self, place: int) -> float:
        """Return the share of the films at or above one of the thresholds; 0 without films."""
        passed = tuple(self._passed)  # another thread may add to it meanwhile
        return sum(one > place for one in passed) / max(1, len(passed))

    def drift(self) -> float:
        """Return the largest difference of a share from validation; NaN for FEWEST films or less.

        It is the statistic of the two-sample Kolmogorov-Smirnov test at these thresholds.
        """
        if self.films < FEWEST:
            return float("nan")
        differences = (abs(self.share(place) - share) for place, share in enumerate(self.expected))
        return max(differences, default=float("nan"))


def watch_of(model: LoadedModel) -> DriftWatch | None:
    """Return a watch of a model; None if its folder has no such figures of validation films."""
    evaluation = read_model_evaluation(model)
    if evaluation is None or "val" not in evaluation.splits:
        return None
    split = evaluation.splits["val"]
    thresholds, expected = [], []
    for point in sorted(split.points, key=lambda point: point.threshold):
        if point.sensitivity is None or point.specificity is None:
            return None
        called = point.sensitivity.value * split.fractured
        called += (1 - point.specificity.value) * (split.n - split.fractured)
        thresholds.append(point.threshold)
        expected.append(called / split.n)
    return DriftWatch(thresholds, expected)


class ServiceMetrics:
    """The metrics of one app, in a registry of its own.

    Attributes:
        registry: Of prometheus_client.
    """

    def __init__(self) -> None:
        import prometheus_client as prometheus

        self.registry = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=self.registry)
        self._gauge = prometheus.Gauge
        self._readings = prometheus.Counter(
            "bonefx_readings", "Answers of models", ("model", "verdict"), registry=self.registry
        )
        self._refusals = prometheus.Counter(
            "bonefx_refusals", "Films out of scope, by reason", ("model", "reason"),
            registry=self.registry,
        )  # fmt: skip
        self._reading_s = prometheus.Histogram(
            "bonefx_reading_seconds", "Time of a model for a film", ("model",),
            registry=self.registry, buckets=READING_BUCKETS_S,
        )  # fmt: skip
        self._request_s = prometheus.Histogram(
            "bonefx_request_seconds", "Time of an HTTP request", ("route", "status"),
            registry=self.registry, buckets=REQUEST_BUCKETS_S,
        )  # fmt: skip
        self._watches: dict[str, DriftWatch] = {}

    def watch(self, models: Sequence[LoadedModel]) -> None:
        """Export the shares of films at or above the models' operating points, and their drift."""
        share = self._gauge(
            "bonefx_films_at_or_above_point", f"Share of the last {WINDOW} films of a model",
            ("model", "threshold"), registry=self.registry,
        )  # fmt: skip
        expected = self._gauge(
            "bonefx_validation_films_at_or_above_point", "Share of the validation films of a model",
            ("model", "threshold"), registry=self.registry,
        )  # fmt: skip
        drift = self._gauge(
            "bonefx_drift", "Largest difference of these shares; NaN for few films", ("model",),
            registry=self.registry,
        )  # fmt: skip
        for model in models:
            watch = watch_of(model)
            if watch is None:
                continue
            self._watches[model.name] = watch
            drift.labels(model.name).set_function(watch.drift)
            for place, threshold in enumerate(watch.thresholds):
                labels = (model.name, f"{threshold:.4f}")
                share.labels(*labels).set_function(partial(watch.share, place))
                expected.labels(*labels).set(watch.expected[place])

    def watch_queue(self, waiting: Callable[[], int]) -> None:
        """Export how many requests wait to be read.

        Args:
            waiting: Returns their number.
        """
        self._gauge(
            "bonefx_requests_waiting", "Requests that wait to be read", registry=self.registry
        ).set_function(waiting)

    def add_reading(self, reading: Reading) -> None:
        """Count an answer of a model."""
        self._readings.labels(reading.model, reading.verdict.value).inc()
        self._reading_s.labels(reading.model).observe(reading.elapsed_s)
        if reading.verdict is Verdict.OUT_OF_SCOPE and reading.reason is not None:
            self._refusals.labels(reading.model, reading.reason.code.value).inc()
        if watch := self._watches.get(reading.model):
            watch.add(reading)

    def add_request(self, path: str, status: int, elapsed_s: float) -> None:
        """Count an HTTP request.

        Args:
            path: Its path, which is counted by the route that it belongs to.
            status: Of the answer.
            elapsed_s: Until the answer ended, seconds.
        """
        below = (route for route in ROUTES if route != "/" and path.startswith(route))
        route = "/" if path == "/" else next(below, "other")
        self._request_s.labels(route, str(status)).observe(elapsed_s)

    @contextmanager
    def served(self, address: tuple[str, int]) -> Iterator[None]:
        """Answer Prometheus at an address until the end of the block.

        Args:
            address: Host and port.

        Raises:
            SettingsError: The address cannot be used.
        """
        from prometheus_client import start_http_server

        host, port = address
        with address_errors(host, port):
            server, thread = start_http_server(port, host, registry=self.registry)
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class MeasuredReader(Reader):
    """A reader whose answers are counted."""

    def __init__(self, models: Sequence[LoadedModel], metrics: ServiceMetrics) -> None:
        """See Reader."""
        super().__init__(models)
        self._metrics = metrics
        metrics.watch(models)

    def read_batch(self, radiographs: Sequence[Radiograph], **options: Any) -> list[Reading]:
        """Read films and count the answers; see Reader.read_batch."""
        readings = super().read_batch(radiographs, **options)
        for reading in readings:
            self._metrics.add_reading(reading)
        return readings
