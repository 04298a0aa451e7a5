"""A listener's rules, stickiness and idle timeout on the real load balancer."""

import http.client
import time

import pytest

from seachange.plan.routing import Condition, FixedResponse, Forward, Listener, Redirect, Rule
from seachange.rehearsal.stage.envoy import LoadBalancer
from seachange.rehearsal.stage.envoy_config import envoy_config
from seachange.rehearsal.stage.envoy_routes import routes
from tests.rehearsal.targets import Balance, Target, ask, balance, fetch, targets, until  # noqa: F401 (fixtures)

pytestmark = pytest.mark.slow

NOT_FOUND = FixedResponse(status=404, content_type="application/json", body='{"share": "100%"}')
BOTH = Forward(groups={"blue": 1, "green": 0})


def rule(priority: int, action: FixedResponse | Redirect | Forward, *conditions: Condition) -> Rule:
    return Rule(priority=priority, conditions=conditions, action=action)


def test_one_default_forward_is_one_route() -> None:
    (route,) = routes(Listener())
    assert route["match"] == {"prefix": "/"}
    assert route["route"]["weighted_clusters"]["clusters"] == [
        {"name": "blue", "weight": 100},
        {"name": "green", "weight": 0},
    ]


def test_rules_act_in_their_order(balance: Balance) -> None:  # noqa: F811
    balancer = balance(
        listener=Listener(
            rules=(
                rule(1, FixedResponse(status=403), Condition(subject="path", values=("/admin", "/admin/*"))),
                rule(2, FixedResponse(status=418), Condition(subject="path", values=("/v?/[a]*.js",))),
                rule(3, BOTH, Condition(subject="host", values=("shop.example.com", "*.shop.example.com"))),
                rule(4, BOTH, Condition(subject="query", values=("open=y*", "sesame"))),
                rule(
                    5,
                    BOTH,
                    Condition(subject="method", values=("POST", "DELETE")),
                    Condition(subject="header", header="X-Key", values=("a*z", "b")),
                ),
                rule(6, Forward(groups={"Elsewhere": 1}), Condition(subject="path", values=("/elsewhere",))),
            ),
            default=NOT_FOUND,
        )
    )
    port = balancer.production_port
    assert fetch(port, "/admin?x=1").status == fetch(port, "/admin/users").status == 403
    assert fetch(port, "/v1/[a]b.js").status == 418
    other = fetch(port, "/administration")
    assert (other.status, other.body, other.headers["content-type"]) == (404, '{"share": "100%"}', "application/json")
    assert fetch(port, "/v12/[a]b.js").status == fetch(port, "/Admin").status == 404
    assert fetch(port, host="eu.SHOP.example.com:80").body == fetch(port, host="shop.example.com").body == "blue"
    assert fetch(port, host="workshop.example.com").status == 404
    for query, status in (
        ("open=YES", 200), ("a=1&open=y&b=2", 200), ("x=sesame", 200), ("sesame", 200), ("reopen=y", 404), ("open=no", 404)
    ):  # fmt: skip
        assert (query, fetch(port, f"/?{query}").status) == (query, status)
    assert fetch(port, method="DELETE", x_key="A to Z").body == "blue"
    assert fetch(port, "/elsewhere").status == 503


def test_conditions_of_a_rule_hold_together(balance: Balance) -> None:  # noqa: F811
    both = (
        Condition(subject="method", values=("GET",)),
        Condition(subject="header", header="X-Key", values=("a*z", "b")),
    )
    port = balance(listener=Listener(rules=(rule(1, BOTH, *both),), default=NOT_FOUND)).production_port
    assert fetch(port, x_key="A to Z").body == fetch(port, x_key="b").body == "blue"
    assert fetch(port, x_key="bb").status == fetch(port).status == 404
    assert fetch(port, method="HEAD", x_key="b").status == 404


def test_rules_that_forward_shift_with_the_default(balance: Balance) -> None:  # noqa: F811
    api = rule(1, BOTH, Condition(subject="path", values=("/api/*",)))
    balancer = balance(listener=Listener(rules=(api,)))
    balancer.weigh(100)
    assert ask(balancer.production_port, "/api/1") == ask(balancer.production_port) == "green"


@pytest.mark.parametrize(
    ("redirect", "location"),
    [
        (Redirect(status=301, protocol="https", port=443), "https://a.example.com:443/x/y?q=1"),
        (Redirect(status=302, host="b.example.com"), "http://b.example.com/x/y?q=1"),
        (Redirect(status=302, path="/new/#{path}"), "http://a.example.com/new/x/y?q=1"),
        (Redirect(status=302, path="/gone", query="because=moved"), "http://a.example.com/gone?because=moved"),
        (Redirect(status=302, path="/gone", query=""), "http://a.example.com/gone"),
    ],
)
def test_redirects(balance: Balance, redirect: Redirect, location: str) -> None:  # noqa: F811
    answer = fetch(balance(listener=Listener(default=redirect)).production_port, "/x/y?q=1", host="a.example.com")
    assert (answer.status, answer.headers["location"]) == (redirect.status, location)


STICKY = Listener(default=Forward(groups={"blue": 1, "green": 0}, sticky_s=600))


def test_a_sticky_client_outlasts_weight_0(balance: Balance) -> None:  # noqa: F811
    balancer = balance(listener=STICKY)
    port = balancer.production_port
    first = fetch(port)
    cookie = first.headers["set-cookie"]
    assert (first.body, cookie) == ("blue", "AWSALBTG=blue; Max-Age=600; Path=/")
    balancer.weigh(100)
    kept = cookie.partition(";")[0]
    assert {fetch(port, cookie=f"theme=dark; {kept}; a=b").body for _ in range(10)} == {"blue"}
    assert {fetch(port).body for _ in range(10)} == {"green"}
    assert fetch(port, cookie="XAWSALBTG=blue").body == "green"
    assert fetch(port, cookie=kept).headers["set-cookie"] == cookie


def test_a_sticky_client_of_a_group_without_targets_gets_503(balance: Balance) -> None:  # noqa: F811
    balancer = balance(listener=STICKY)
    balancer.weigh(100)
    balancer.register("blue", [])
    until(lambda: balancer.hosts("blue").total == 0)
    assert fetch(balancer.production_port, cookie="AWSALBTG=blue").status == 503
    assert fetch(balancer.production_port).body == "green"


def idle(connection: http.client.HTTPConnection, seconds: float) -> bool:
    """Whether the load balancer still answers on the connection after it was idle."""
    connection.request("GET", "/")
    connection.getresponse().read()
    time.sleep(seconds)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
        return False
    finally:
        connection.close()


def connected(balancer: LoadBalancer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", balancer.production_port, timeout=10)


def test_the_idle_timeout_is_the_templates_on_both_sides(balance: Balance, targets: tuple[Target, Target]) -> None:  # noqa: F811
    blue, _ = targets
    balancer = balance(listener=Listener(idle_timeout_s=0.6))
    assert idle(connected(balancer), 0.2)
    assert not idle(connected(balancer), 0.9)
    time.sleep(0.9)
    before = blue.connections
    opened = []
    for pause_s in (0.0, 0.1, 0.9):
        time.sleep(pause_s)
        assert fetch(balancer.production_port).status == 200
        opened.append(blue.connections - before)
    assert opened == [1, 1, 2]
    # An answer that takes longer than the timeout passes as long as bytes come.
    assert fetch(balancer.production_port, "/drip").body == "." * 6
    assert fetch(balancer.production_port, "/silent").status == 504


def test_the_algorithm_is_the_target_groups(balance: Balance) -> None:  # noqa: F811
    balancer = balance(listener=Listener(algorithm="least_outstanding_requests"))
    assert ask(balancer.production_port) == "blue"
    clusters = envoy_config(balancer._settings)["static_resources"]["clusters"]
    assert {cluster["lb_policy"] for cluster in clusters} == {"LEAST_REQUEST"}
