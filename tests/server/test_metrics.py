"""The registry, read back with Prometheus' own parser."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from manifold.server.metrics import Registry
from manifold.server.process_metrics import MAX_RESOURCES, RequestMetrics, add_process


def samples(registry):
    found = {}
    for family in text_string_to_metric_families(registry.text().decode()):
        for sample in family.samples:
            found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_counters_and_gauges():
    registry = Registry()
    counter = registry.counter("things_total", "Things.", ("kind",)).child("a")
    counter.increase()
    counter.increase(2)
    gauge = registry.gauge("level", "A level.").child()
    gauge.set(5)
    gauge.set(4)
    assert samples(registry) == {("things_total", (("kind", "a"),)): 3, ("level", ()): 4}


@given(st.lists(st.floats(0, 100), max_size=50))
def test_histogram(values):
    registry = Registry()
    histogram = registry.histogram("seconds", "Time.", (0.1, 1, 10)).child()
    for value in values:
        histogram.observe(value)
    found = samples(registry)
    for bound in ("0.1", "1", "10"):
        assert found["seconds_bucket", (("le", bound),)] == sum(value <= float(bound) for value in values)
    assert found["seconds_bucket", (("le", "+Inf"),)] == found["seconds_count", ()] == len(values)
    assert found["seconds_sum", ()] == pytest.approx(sum(values))


@given(st.text())
def test_any_label_value_survives(text):
    registry = Registry()
    registry.counter("x_total", 'A "quoted"\nhelp \\ text', ("label",)).child(text).increase()
    assert registry.text().count(b"\n") == 3
    found = samples(registry)
    assert list(found) == [("x_total", (("label", text),))]


def test_series_are_bounded():
    registry = Registry()
    family = registry.counter("x_total", "X.", ("a", "b"), limit=3)
    for number in range(10):
        family.child(str(number), "b").increase()
    found = samples(registry)
    assert len(found) == 4
    assert found["x_total", (("a", "other"), ("b", "other"))] == 7


def test_a_name_is_there_once():
    registry = Registry()
    registry.counter("x_total", "X.")
    with pytest.raises(ValueError, match="x_total"):
        registry.gauge("x_total", "X.")


def test_a_wrong_number_of_labels_is_refused():
    with pytest.raises(ValueError, match="x_total"):
        Registry().counter("x_total", "X.", ("a",)).child("b", "c")


def test_request_metrics():
    registry = Registry()
    requests = RequestMetrics(registry)
    key = ("get", "", "v1", "configmaps", "")
    labels = {"verb": "get", "group": "", "version": "v1", "resource": "configmaps", "subresource": ""}
    requests.observe(key, 200, 0.004)
    requests.observe(key, 200, 0.2)
    requests.observe(key, 404, 0.004)
    requests.observe(("watch", "", "v1", "configmaps", ""), 200, 3600)
    found = samples(registry)
    assert found["apiserver_request_total", tuple(sorted({**labels, "code": "200"}.items()))] == 2
    assert found["apiserver_request_total", tuple(sorted({**labels, "code": "404"}.items()))] == 1
    assert found["apiserver_request_duration_seconds_count", tuple(sorted(labels.items()))] == 3
    assert found["apiserver_request_duration_seconds_bucket", tuple(sorted({**labels, "le": "0.005"}.items()))] == 2
    watch = tuple(sorted({**labels, "verb": "watch"}.items()))
    assert ("apiserver_request_duration_seconds_count", watch) not in found
    assert found["apiserver_request_total", tuple(sorted({**dict(watch), "code": "200"}.items()))] == 1


def test_request_metrics_are_bounded_whatever_clients_name():
    registry = Registry()
    requests = RequestMetrics(registry)
    for number in range(MAX_RESOURCES * 3):
        requests.observe(("get", f"group-{number}", "v1", "things", ""), 200, 0.1)
    found = samples(registry)
    counts = [value for (name, _), value in found.items() if name == "apiserver_request_duration_seconds_count"]
    assert len(counts) == MAX_RESOURCES + 1
    assert sum(counts) == MAX_RESOURCES * 3
    totals = [value for (name, _), value in found.items() if name == "apiserver_request_total"]
    assert len(totals) == MAX_RESOURCES + 1
    assert sum(totals) == MAX_RESOURCES * 3


def test_process_metrics():
    registry = Registry()
    add_process(registry, lambda: 7)(0.002)
    found = samples(registry)
    assert found["manifold_connections", ()] == 7
    assert found["manifold_loop_lag_seconds_count", ()] == 1
    for name in ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"):
        assert found[name, ()] > 0
