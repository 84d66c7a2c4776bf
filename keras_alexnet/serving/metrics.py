"""What a server counts, in the form that Prometheus reads."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

# Of batches: they are filled up to powers of 2, and counted as they came.
_PICTURES = (1, 2, 4, 8, 16, 32, 64, 128)
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The figures of one server, apart from those of others in the process.

    Attributes:
        requests: By endpoint, which is the form of a route and never a path, and
            status.
        request_seconds: By endpoint, from the headers to the last byte.
        batch_pictures: Of each batch, without what it is filled up with.
        queue_pictures: Places that are taken.
        decode_seconds, wait_seconds, inference_seconds: Of a picture, of a picture from
            its decoding to its row, and of a batch.
        model: 1, labelled with what is served.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self.requests = Counter(
            "alexnet_requests", "Requests.", ("endpoint", "status"), registry=own
        )
        self.request_seconds = Histogram(
            "alexnet_request_duration_seconds",
            "Of a request.",
            ("endpoint",),
            buckets=_SECONDS,
            registry=own,
        )
        self.batch_pictures = Histogram(
            "alexnet_batch_pictures", "In a batch.", buckets=_PICTURES, registry=own
        )
        self.queue_pictures = Gauge(
            "alexnet_queue_pictures", "Being decoded or waiting.", registry=own
        )
        self.decode_seconds = self._seconds("decode", "Of a picture.")
        self.wait_seconds = self._seconds("wait", "Of a picture, until its answer.")
        self.inference_seconds = self._seconds("inference", "Of a batch.")
        self.model = Gauge(
            "alexnet_model_info",
            "What is served.",
            ("preset", "version", "runtime"),
            registry=own,
        )

    def _seconds(self, stage: str, text: str) -> Histogram:
        name = f"alexnet_{stage}_seconds"
        return Histogram(name, text, buckets=_SECONDS, registry=self.registry)

    def show_model(self, preset: str, version: str, runtime: str) -> None:
        """Say what is served, and no longer what was."""
        self.model.clear()
        self.model.labels(preset, version, runtime).set(1)

    def page(self) -> bytes:
        """Return all of it as text, of the type `CONTENT_TYPE`."""
        return generate_latest(self.registry)
