"""<base>/metrics, in the text format of Prometheus."""

from django.http import HttpResponse
from django.utils.translation import override
from drf_spectacular.utils import extend_schema
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from rest_framework.decorators import api_view, permission_classes

from cpa_usage.auth.sessions import Scraping
from cpa_usage.monitoring.requests import REGISTRY
from usage.metrics.counters import usage_families
from usage.metrics.state import state_families
from usage.query.snapshots import snapshot


class _Stored(Collector):
    """What the database holds, read when it is asked for: counters go on where they were after a restart."""

    def collect(self):
        yield from state_families()  # of the primary: a replica may show the drain a minute late
        with snapshot():
            yield from usage_families()


@extend_schema(exclude=True)
@api_view(["GET", "HEAD"])
@permission_classes([Scraping])
def metrics(request):
    """The metrics of what is stored, and of the durations of this process's requests."""
    with override("en"):
        body = generate_latest(_Stored()) + generate_latest(REGISTRY)
    return HttpResponse(body, content_type=CONTENT_TYPE_PLAIN_0_0_4)
