#!/usr/bin/env python3
"""Measures gateways against the subgraphs of this folder; see README.md.

The gateway runs alone on one core, subgraphs and load on another. Gateways take turns in short
slices, so that what else the machine does hits all of them alike. CPU time is the operating
system's, over all threads of the gateway's process.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
SUBGRAPHS = "http://127.0.0.1:4200"
SCENARIOS = {
    "small": ("small.graphql", None),
    "medium": ("medium.graphql", None),
    "heavy": ("heavy.graphql", None),
    "heavy varying": (
        "heavy_varying.graphql",
        {"ids": [f"@U{n}@" for n in range(1, 7)], "upcs": [f"@P{n}@" for n in range(1, 6)]},
    ),
    "medium cold": ("medium.graphql", None),
    "heavy cold": ("heavy.graphql", None),
}
CONCORD = {
    "alone": "subgraphs: { all: { share_queries: false, batch_entities: false } }\n",
    "default": "",
    "batched": "subgraphs: { all: { batch_queries: true } }\n",
}
HEADINGS = {
    "alone": "nothing shared between requests",
    "default": "as shipped",
    "batched": "queries with other variables batched, too",
}
HIVE = """\
supergraph: {{ source: file, path: {supergraph} }}
http: {{ host: 127.0.0.1, port: {port} }}
log: {{ level: error }}
traffic_shaping: {{ all: {{ dedupe_enabled: {dedupe} }} }}
"""


class Gateway:
    """One program with one configuration."""

    def __init__(self, name, port, start):
        self.name, self.port, self.start = name, port, start
        self.process = None

    def run(self, work):
        command, environment = self.start(work, self.port)
        log = open(work / f"{self.port}.log", "w")
        self.process = subprocess.Popen(
            ["taskset", "-c", "0", *command], env={**os.environ, **environment}, stdout=log, stderr=log
        )
        for _ in range(200):
            if self.process.poll() is not None:
                sys.exit(f"{self.name} ended: {(work / f'{self.port}.log').read_text()[-2000:]}")
            try:
                self.ask(json.dumps({"query": "{ __typename }"}).encode())
                return
            except OSError:
                time.sleep(0.05)
        sys.exit(f"{self.name} does not answer")

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            self.process = None

    def ask(self, body):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def cpu(self):
        """Nanoseconds, over all threads."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir())

    def memory(self, field):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(field + ":"))
        return int(line.split()[1]) / 1024


def concord(binary, configuration):
    def start(work, port):
        supergraph = work / "supergraph.graphql"
        command = [binary, "serve", "--supergraph", supergraph, "--listen", f"127.0.0.1:{port}", "--workers", "1"]
        if configuration:
            file = work / f"concord-{port}.yaml"
            file.write_text(configuration)
            command += ["--config", file]
        return command, {}

    return start


def hive(binary, dedupe):
    def start(work, port):
        file = work / f"hive-{port}.yaml"
        supergraph = work / "supergraph.graphql"
        file.write_text(HIVE.format(supergraph=supergraph, port=port, dedupe=str(dedupe).lower()))
        return [binary], {"ROUTER_CONFIG_FILE_PATH": str(file)}

    return start


def subgraph_requests():
    with urllib.request.urlopen(f"{SUBGRAPHS}/counters") as answer:
        return sum(json.load(answer).values())


def never_seen(query):
    """Another operation with every request: root fields get other names."""
    for at, field in enumerate(["users", "topProducts"]):
        query = re.sub(rf"^(\{{ |  ){field} ", rf"\1c{at}_@C@: {field} ", query, flags=re.MULTILINE)
    return query


def plain(body, at=0):
    text = body.decode().replace("@C@", "0")
    for n in range(1, 7):
        text = text.replace(f"@U{n}@", str(at * 6 + n)).replace(f"@P{n}@", str(at * 5 + n))
    return text.encode()


def load(gateway, body_file, connections, seconds):
    before, requests = gateway.cpu(), subgraph_requests()
    output = subprocess.run(
        ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
         "-s", HERE / "load.lua", f"http://127.0.0.1:{gateway.port}/graphql"],
        env={**os.environ, "BODY": str(body_file)}, capture_output=True, text=True, check=True,
    ).stdout
    line = next(line for line in output.splitlines() if line.startswith("RESULT"))
    done, duration, p50, p99, errors = map(int, line.split()[1:])
    if errors:
        sys.exit(f"{gateway.name}: {errors} requests failed")
    return {
        "cpu": (gateway.cpu() - before) / 1000 / done,
        "rps": done / duration * 1e6,
        "p50": p50 / 1000,
        "p99": p99 / 1000,
        "requests": (subgraph_requests() - requests) / done,
    }


def measure(gateways, scenario, connections, options, work):
    query, variables = SCENARIOS[scenario]
    request = {"query": (HERE / "queries" / query).read_text()}
    if scenario.endswith("cold"):
        request["query"] = never_seen(request["query"])
    if variables:
        request["variables"] = variables
    body = json.dumps(request).encode()
    body_file = work / "body.json"
    body_file.write_bytes(body)
    answers = {}
    slices = {gateway.name: [] for gateway in gateways}
    alone = {}
    for gateway in gateways:
        gateway.run(work)
        answers[gateway.name] = gateway.ask(plain(body))
        before = subgraph_requests()
        gateway.ask(plain(body, 3))
        alone[gateway.name] = subgraph_requests() - before
        load(gateway, body_file, connections, 1)
    first = next(iter(answers.values()))
    for name, answer in answers.items():
        if answer != first or "errors" in answer:
            sys.exit(f"{name} answers {scenario} differently: {json.dumps(answer)[:400]}")
    for _ in range(options.rounds):
        for gateway in gateways:
            slices[gateway.name].append(load(gateway, body_file, connections, options.seconds))
    peaks = {}
    for gateway in gateways:
        if gateway.ask(plain(body)) != first:
            sys.exit(f"{gateway.name} answers {scenario} differently after the load")
        peaks[gateway.name] = gateway.memory("VmHWM")
        gateway.stop()
    print(f"\n{scenario}, {connections} connections, {len(json.dumps(first, separators=(',', ':')))} bytes")
    print(f"  {'':24} CPU us  ratio    req/s     p50     p99  RSS MiB  subgraph requests (alone)")
    reference = None
    for gateway in reversed(gateways):
        median = {key: statistics.median(s[key] for s in slices[gateway.name]) for key in slices[gateway.name][0]}
        reference = reference or median["cpu"]
        print(
            f"  {gateway.name:24} {median['cpu']:6.1f}  {median['cpu'] / reference:5.2f} {median['rps']:8.0f} "
            f"{median['p50']:7.2f} {median['p99']:7.2f} {peaks[gateway.name]:8.1f}  {median['requests']:.2f} ({alone[gateway.name]})"
        )
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--concord", default=HERE.parent / "target/release/concord", type=pathlib.Path)
    parser.add_argument("--subgraphs", default=HERE.parent / "target/release/bench-subgraphs", type=pathlib.Path)
    parser.add_argument("--other-concord", type=pathlib.Path, help="another build, to compare with")
    parser.add_argument("--hive", default=shutil.which("hive_router"), type=pathlib.Path, help="hive-router's binary")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS), help="comma-separated")
    parser.add_argument("--connections", default="50", help="comma-separated")
    parser.add_argument("--modes", default="alone,default", help="alone: nothing shared; default: as shipped; batched: root queries, too")
    parser.add_argument("--seconds", default=2, type=int, help="of one slice")
    parser.add_argument("--rounds", default=5, type=int)
    parser.add_argument("--latency-ms", default=0, type=int, help="of the subgraphs")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is missing (Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        supergraph = subprocess.run(
            [options.concord, "compose", "--config", HERE / "supergraph.yaml"], capture_output=True, text=True
        )
        if supergraph.returncode:
            sys.exit(supergraph.stderr)
        (work / "supergraph.graphql").write_text(supergraph.stdout)
        subgraphs = subprocess.Popen(
            ["taskset", "-c", "1", options.subgraphs, "--latency-ms", str(options.latency_ms)]
        )
        gateways = []
        try:
            for mode in options.modes.split(","):
                gateways = []
                for name, binary in [("concord", options.concord), ("concord, other", options.other_concord)]:
                    if binary:
                        start = concord(binary, CONCORD[mode])
                        gateways.append(Gateway(name, 4300 + len(gateways), start))
                if options.hive:
                    gateways.append(Gateway("hive-router", 4300 + len(gateways), hive(options.hive, mode != "alone")))
                print(f"\n== {HEADINGS[mode]}, subgraph latency {options.latency_ms} ms")
                for scenario in options.scenarios.split(","):
                    for connections in options.connections.split(","):
                        measure(gateways, scenario, int(connections), options, work)
        finally:
            for gateway in gateways:
                gateway.stop()
            subgraphs.terminate()


if __name__ == "__main__":
    main()
