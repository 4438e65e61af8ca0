"""A gateway of its own for a benchmark: no limit is in the way, everything is on loopback and on free ports."""
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / "build/release/portcullis"
UNLIMITED = {name: "1000000000" for name in (
    "RATE_LIMIT_PER_MINUTE", "RATE_LIMIT_PER_HOUR", "RATE_LIMIT_SESSION_PER_MINUTE", "RATE_LIMIT_DOMAIN_PER_MINUTE",
    "SECURITY_RATE_LIMIT_REQUESTS_PER_MINUTE", "LIMITS_IN_FLIGHT_PER_ADDRESS", "LIMITS_IN_FLIGHT_PER_SESSION",
    "LIMITS_IN_FLIGHT_PER_SITE")}
WIDE = {name: "100000" for name in (
    "STREAM_MAX", "STREAM_MAX_PER_SESSION", "STREAM_MAX_PER_ADDRESS", "SERVER_MAX_CONNECTIONS",
    "SERVER_MAX_CONNECTIONS_PER_ADDRESS", "UPSTREAM_MAX_CONNECTIONS")}
LISTENING = re.compile(r"listening on http://127\.0\.0\.1:(\d+)\n")
TICKS = os.sysconf("SC_CLK_TCK")


def environment(folder, workers):
    """What every benchmark's gateway starts with."""
    return {"PATH": os.environ["PATH"], "SERVER_HOST": "127.0.0.1", "SERVER_PORT": "0", "OPS_LISTEN": "off",
            "WORKERS": str(workers), "LOG_ACCESS": "false", "DATA_DIR": str(folder), **UNLIMITED}


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS  # user and system time


def resident_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def session_cookie(port, headers, domain):
    """Opens a session. Returns its cookie, or None and what came instead."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", "/api/v1/session/create", json.dumps({"origin_domain": domain}),
                           {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        if answer.status != 200:
            return None, f"{answer.status} {text}"
        return answer.headers["Set-Cookie"].split(";")[0], text
    finally:
        connection.close()


class Gateway:
    """Runs for the length of a `with` block."""

    def __init__(self, binary, folder, workers, **settings):
        self.process = subprocess.Popen(
            [binary, "serve"], env={**environment(folder, workers), **WIDE, **settings}, cwd=folder,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.pid = self.process.pid
        for line in self.process.stdout:
            if found := LISTENING.search(line):
                self.port = int(found[1])
                return
        sys.exit("the gateway did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(40)

    def new_session(self):
        cookie, answer = session_cookie(self.port, {"Origin": f"http://127.0.0.1:{self.port}"}, "127.0.0.1")
        return cookie or sys.exit(f"no session: {answer}")
