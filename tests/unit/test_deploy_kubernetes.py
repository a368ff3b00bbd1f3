"""The manifests in deploy/kubernetes/: pods that may do nothing but their work, and reach their services alone."""

from pathlib import Path
from typing import Any

import yaml

KUBERNETES = Path(__file__).parents[2] / "deploy" / "kubernetes"
OURS = {"app.kubernetes.io/part-of": "backfill"}


def documents() -> list[dict[str, Any]]:
    return [one for path in sorted(KUBERNETES.glob("*.yaml")) for one in yaml.safe_load_all(path.read_text())]


def pods() -> dict[str, dict[str, Any]]:
    """The template of each kind of pod, by the name that its pods carry."""
    templates = [one["spec"]["template"] for one in documents() if "template" in one["spec"]]
    return {one["metadata"]["labels"]["app.kubernetes.io/name"]: one for one in templates}


def policies() -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one["spec"] for one in documents() if one["kind"] == "NetworkPolicy"}


def test_a_pod_may_do_no_more_than_its_work() -> None:
    assert pods().keys() == {"backfill-worker", "backfill-metrics", "backfill-queue"}
    for name, pod in pods().items():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert "memory" in container["resources"]["limits"], name


def test_every_pod_is_under_the_policies_which_begin_with_nothing() -> None:
    for name, pod in pods().items():
        assert OURS.items() <= pod["metadata"]["labels"].items(), name
    for name, policy in policies().items():
        assert policy["podSelector"] == {"matchLabels": OURS}, name
    nothing = policies()["backfill-nothing"]
    assert set(nothing["policyTypes"]) == {"Ingress", "Egress"}
    assert nothing.keys() == {"podSelector", "policyTypes"}


def test_pods_reach_their_services_and_names_only() -> None:
    rules = [rule for policy in policies().values() for rule in policy.get("egress", ())]
    reached = {}
    for rule in rules:
        (to,) = rule["to"]
        (who,) = to["podSelector"]["matchLabels"].values()
        reached[who] = {(port["protocol"], port["port"]) for port in rule["ports"]}
    assert reached == {
        "postgresql": {("TCP", 5432)},
        "rabbitmq": {("TCP", 5672), ("TCP", 5671)},
        "kube-dns": {("UDP", 53), ("TCP", 53)},
    }


def test_nobody_reaches_a_pod_but_the_scraper_at_its_metrics() -> None:
    (rule,) = [rule for policy in policies().values() for rule in policy.get("ingress", ())]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    assert rule["ports"] == [{"protocol": "TCP", "port": "metrics"}]
    for name, pod in pods().items():
        (container,) = pod["spec"]["containers"]
        opened = [port["name"] for port in container.get("ports", ())]
        assert opened == ([] if name == "backfill-queue" else ["metrics"]), name
