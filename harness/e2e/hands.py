"""What an operator does by hand in a running environment: statements, runs, ways in, and a server that hangs."""

from __future__ import annotations

import base64
import contextlib
import re
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3

from harness.cluster import Cluster, Object
from harness.engines.kind.docker import Docker
from harness.errors import UserError
from harness.process import run

SQL = 'MYSQL_PWD="$MARIADB_ROOT_PASSWORD" mariadb --user=root --batch --skip-column-names --execute "$1"'
CYPHER = 'NEO4J_USERNAME="${NEO4J_AUTH%%/*}" NEO4J_PASSWORD="${NEO4J_AUTH#*/}" cypher-shell --format plain "$1"'
FORWARDED = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ")


@dataclass(frozen=True)
class Answer:
    """What an HTTP server says: status, and text."""

    status: int
    text: str


class Hands:
    """One environment on a cluster, with kubectl; nothing here is what Argo CD would undo.

    Args:
        cluster: its API.
        kubectl: the program.
        namespace: of the environment.
    """

    def __init__(self, cluster: Cluster, kubectl: Path, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.start = [str(kubectl), f"--kubeconfig={cluster.kubeconfig}", f"--namespace={namespace}"]

    # ------------------------------------------------------------------- inside

    def execute(self, pod: str, container: str, *words: str, seconds: float = 60.0) -> str:
        """Return what a command in a container prints.

        Raises:
            ProcessError: it fails.
        """
        return run(*self.start, "exec", pod, f"--container={container}", "--", *words, timeout=seconds).stdout

    def sql(self, statement: str) -> list[str]:
        """Return the words of a statement's rows, as root in MariaDB's own pod."""
        return self.execute("mariadb-0", "mariadb", "sh", "-c", SQL, "client", statement).split()

    def cypher(self, statement: str) -> list[str]:
        """Return the lines of a query's answer without its head, as the administrator in Neo4j's own pod."""
        return self.execute("neo4j-0", "neo4j", "bash", "-c", CYPHER, "client", statement).splitlines()[1:]

    def secret(self, name: str, key: str) -> str:
        """Return a value of a Secret."""
        return base64.b64decode(self.cluster.get("Secret", name, self.namespace)["data"][key]).decode()

    # --------------------------------------------------------------------- pods

    def pods(self, component: str | None = None) -> list[Object]:
        """Return the serving pods, of one component or all, without those that are going."""
        labels = "indigo-paas/role=server" + (f",app.kubernetes.io/name={component}" if component else "")
        found = self.cluster.list("Pod", self.namespace, labels=labels)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def ready(self, component: str) -> bool:
        """Return whether a component has pods, and each says that it is ready."""
        pods = self.pods(component)
        return bool(pods) and all(
            any(item["type"] == "Ready" and item["status"] == "True" for item in pod["status"].get("conditions", ()))
            for pod in pods
        )

    def answers(self, docker: Docker, component: str) -> bool:
        """Return whether each pod of a component answers now what its readiness probe asks over HTTP, in its time.

        It is asked from its node, as the kubelet does, which lets several answers fail before it says so.
        """
        pods = self.pods(component)
        return bool(pods) and all(200 <= self._probed(docker, pod) < 400 for pod in pods)

    @staticmethod
    def _probed(docker: Docker, pod: Object) -> int:
        """Return the HTTP status that the readiness probe gets; 0: none in time."""
        container = next(one for one in pod["spec"]["containers"] if "httpGet" in one.get("readinessProbe", {}))
        probe = container["readinessProbe"]
        get, ports = probe["httpGet"], {port["name"]: port["containerPort"] for port in container["ports"]}
        url = f"http://{pod['status']['podIP']}:{ports.get(get['port'], get['port'])}{get.get('path', '/')}"
        headers = [
            word for one in get.get("httpHeaders", ()) for word in ("--header", f"{one['name']}: {one['value']}")
        ]
        words = ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", *headers]
        words += ["--max-time", str(probe.get("timeoutSeconds", 1)), url]
        return int(docker.ask("exec", pod["spec"]["nodeName"], "sh", "-c", 'curl "$@" || true', "probe", *words))

    def logs(self, component: str) -> str:
        """Return what the serving pods of a component have written."""
        texts = []
        for pod in self.pods(component):
            name = pod["metadata"]["name"]
            texts.append(self.log_of(name, f"--container={component}"))
        return "".join(texts)

    def log_of(self, *target: str) -> str:
        """Return what `kubectl logs` prints of a target; an option `--namespace` wins over this environment's."""
        return run(*self.start, "logs", *target, timeout=60).stdout

    def run_now(self, cronjob: str, seconds: float = 120.0) -> str:
        """Run a CronJob once, now; return the name of its Job.

        Raises:
            AssertionError: it failed, or did not end in time; with its log.
        """
        template = self.cluster.get("CronJob", cronjob, self.namespace)["spec"]["jobTemplate"]
        name = f"{cronjob[:40]}-{int(time.time())}"
        head = {"name": name, "namespace": self.namespace, "labels": template["metadata"].get("labels", {})}
        self.cluster.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": head, "spec": template["spec"]})
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status = self.cluster.get("Job", name, self.namespace).get("status", {})
            if status.get("succeeded"):
                return name
            if any(item["type"] == "Failed" and item["status"] == "True" for item in status.get("conditions", ())):
                break
            time.sleep(0.3)
        said = run(*self.start, "logs", f"job/{name}", "--all-containers", check=False, timeout=60).stdout
        raise AssertionError(f"the run {name} did not succeed in {seconds:g} s:\n{said}")

    @contextlib.contextmanager
    def hanging(self, docker: Docker, component: str) -> Iterator[None]:
        """Freeze the containers of a component for a while: it accepts no word any more, and nothing says why."""
        frozen = []
        for pod in self.pods(component):
            for status in pod["status"]["containerStatuses"]:
                node, task = pod["spec"]["nodeName"], status["containerID"].removeprefix("containerd://")
                docker.ask("exec", node, "ctr", "--namespace=k8s.io", "tasks", "pause", task)
                frozen.append((node, task))
        try:
            yield
        finally:
            for node, task in frozen:
                docker.ask("exec", node, "ctr", "--namespace=k8s.io", "tasks", "resume", task)

    # -------------------------------------------------------------------- ways in

    @contextlib.contextmanager
    def door(self, service: str, port: int) -> Iterator[Door]:
        """Open a way to a Service from this machine, through the kubelet and past NetworkPolicies."""
        with self._forwarded(service, port) as address:
            yield Door(f"http://{address}")

    @contextlib.contextmanager
    def gate(self, service: str, namespace: str, authority: str) -> Iterator[Gate]:
        """Open the way that users take: to the gateway's port for TLS, which is believed with this authority (PEM)."""
        with self._forwarded(service, 443, f"--namespace={namespace}") as address:
            yield Gate(address, authority)

    @contextlib.contextmanager
    def _forwarded(self, service: str, port: int, *options: str) -> Iterator[str]:
        command = [*self.start, *options, "port-forward", f"service/{service}", f":{port}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as forwarding:
            assert forwarding.stdout
            said = forwarding.stdout.readline()
            found = FORWARDED.search(said)
            try:
                if not found:
                    raise UserError(f"no way to {service}: {said.strip() or 'kubectl said nothing'}")
                yield f"127.0.0.1:{found[1]}"
            finally:
                forwarding.terminate()


@dataclass(frozen=True)
class Gate:
    """A gateway at an address, behind which there are hosts."""

    address: str
    authority: str

    def door(self, url: str) -> Door:
        """Return the way to a public URL: its name is asked for in TLS and in the request, no DNS is."""
        parts = urlsplit(url)
        return Door(f"https://{self.address}{parts.path}", host=parts.hostname or "", authority=self.authority)


class Door:
    """An HTTP server behind a base URL; nothing is raised for a status.

    Args:
        url: where it is.
        host: name that it is asked by, where that is not in the URL.
        authority: of its certificate (PEM), instead of those that this machine trusts.
    """

    def __init__(self, url: str, *, host: str = "", authority: str = "") -> None:
        self.url, self.host = url, host
        options: dict[str, Any] = {}
        if url.startswith("https:"):
            options["ssl_context"] = ssl.create_default_context(cadata=authority or None)
        if host:
            options |= {"server_hostname": host, "assert_hostname": host}
        timeout = urllib3.Timeout(connect=5.0, read=30.0)
        self.pool = urllib3.PoolManager(retries=False, timeout=timeout, **options)

    def ask(
        self,
        path: str,
        *,
        token: str = "",
        form: Sequence[tuple[str, str]] = (),
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """GET a path, or POST a form or a JSON body to it."""
        sent = {**({"Host": self.host} if self.host else {}), **(headers or {})}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        url = self.url + path
        if form:
            answer = self.pool.request("POST", url, fields=list(form), encode_multipart=False, headers=sent)
        elif body is not None:
            answer = self.pool.request("POST", url, json=dict(body), headers=sent)
        else:
            answer = self.pool.request("GET", url, headers=sent)
        return Answer(answer.status, answer.data.decode(errors="replace"))
