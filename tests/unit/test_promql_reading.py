"""Which metrics a query uses is seen without a Prometheus."""

import pytest

from dashboards.checking.promql import Selector, filled, selectors, variables


@pytest.mark.parametrize(
    ("expr", "metrics"),
    [
        ("up", ["up"]),
        ("max by (up) (a) / on (b) group_left (c) d", ["a", "d"]),
        ("sum(a) by (b) unless ignoring (c) d", ["a", "d"]),
        ('a{b="c(d)",e=~"f|g"} or 0 * h', ["a", "h"]),
        ("time() - min(max by (p) (a offset 5m))", ["a"]),
        ("topk(2, max_over_time((a - b)[1h:1m] @ end()))", ["a", "b"]),
        ("histogram_quantile(0.95, sum by (le) (rate(a_bucket[5m])))", ["a_bucket"]),
        ("count(a == 1) or vector(0)", ["a"]),
        ("a > bool Inf and b != NaN", ["a", "b"]),
    ],
)
def test_the_metrics_of_a_query_are_found(expr: str, metrics: list[str]) -> None:
    assert [one.metric for one in selectors(expr)] == metrics


def test_a_selector_knows_its_range_and_the_function_around_it() -> None:
    found = list(selectors('sum by (a) (rate(b_total{c="d"}[$__rate_interval])) + e'))
    assert found == [
        Selector("b_total", 'b_total{c="d"}', "$__rate_interval", "rate"),
        Selector("e", "e", None, None),
    ]


@pytest.mark.parametrize("broken", ["sum(a", "a)", 'a{b="c"', "by (", "a[5m", ""])
def test_a_broken_query_is_read_as_far_as_it_goes(broken: str) -> None:
    assert [one.metric for one in selectors(broken)] == (["a"] if "a" in broken else [])


def test_variables_of_grafana_itself_are_none_to_choose() -> None:
    text = "rate(a{b=~\"${c}\",d='$e'}[$__rate_interval]) ${__field.labels.f} ${g:queryparam}"
    assert variables(text) == {"c", "e", "g"}


def test_only_known_variables_are_filled_in() -> None:
    assert filled("$a ${b} ${c:raw} $ab [$__range]", {"a": "1", "c": "3", "__range": "60s"}) == (
        "1 ${b} 3 $ab [60s]"
    )
