#!/usr/bin/env python3
"""Memory over many schema reloads under load: `python3 bench/reloads.py [--reloads 500]`.

A gateway watches a supergraph file that changes again and again while clients ask. Its resident
memory after all reloads must not be more than a quarter above what it was after the first fifth.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
PORT, SUBGRAPHS = 4390, 4290
GATEWAY = f"http://127.0.0.1:{PORT}"


def get(path):
    with urllib.request.urlopen(GATEWAY + path, timeout=10) as answer:
        return answer.read().decode()


def ask(query):
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(GATEWAY + "/graphql", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def resident(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    release = HERE.parent / "target/release"
    parser.add_argument("--concord", default=release / "concord", type=pathlib.Path)
    parser.add_argument("--subgraphs", default=release / "bench-subgraphs", type=pathlib.Path)
    parser.add_argument("--reloads", default=500, type=int)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        composed = subprocess.run(
            [options.concord, "compose", "--config", HERE / "supergraph.yaml"], capture_output=True, text=True, check=True
        ).stdout.replace(":4200/", f":{SUBGRAPHS}/")
        supergraph, configuration = work / "supergraph.graphql", work / "concord.yaml"
        supergraph.write_text(composed)
        configuration.write_text("supergraph: { poll_interval: 5ms }\nlog: { filter: error }\n")
        subgraphs = subprocess.Popen([options.subgraphs, "--listen", f"127.0.0.1:{SUBGRAPHS}"])
        gateway = subprocess.Popen(
            [options.concord, "serve", "--supergraph", supergraph, "--listen", f"127.0.0.1:{PORT}",
             "--config", configuration, "--workers", "2"], stderr=subprocess.DEVNULL)
        stop, failures, asked = threading.Event(), [], [0]

        def client():
            queries = [(HERE / "queries" / f"{name}.graphql").read_text() for name in ("small", "medium", "heavy")]
            while not stop.is_set():
                for query in queries:
                    answer = ask(query)
                    asked[0] += 1
                    if "errors" in answer:
                        failures.append(answer["errors"])

        try:
            for _ in range(200):
                try:
                    get("/health")
                    break
                except OSError:
                    time.sleep(0.05)
            clients = [threading.Thread(target=client, daemon=True) for _ in range(4)]
            for thread in clients:
                thread.start()
            after = {}
            for number in range(1, options.reloads + 1):
                new = work / "new.graphql"
                new.write_text(f"{composed}\n# version {number}\n")
                new.rename(supergraph)
                until = time.time() + 30
                while f"concord_schema_reloads_total {number}\n" not in get("/metrics"):
                    if time.time() > until:
                        sys.exit(f"reload {number} did not happen")
                    time.sleep(0.002)
                if number in (options.reloads // 5, options.reloads):
                    after[number] = resident(gateway)
            stop.set()
            for thread in clients:
                thread.join(20)
            early, late = after[options.reloads // 5], after[options.reloads]
            print(f"{asked[0]} requests, {len(failures)} failed; {early:.1f} MiB after {options.reloads // 5} "
                  f"reloads, {late:.1f} MiB after {options.reloads}")
            if failures or late > early * 1.25:
                sys.exit(f"failed: {failures[:1]}")
        finally:
            stop.set()
            gateway.terminate()
            subgraphs.terminate()


if __name__ == "__main__":
    main()
