#!/usr/bin/env python3
"""Runs the gateway and its peers side by side with the same chat request, and prints what each costs.

Everything is on loopback with one worker thread each, in front of one stub upstream. Each round drives every
contestant once, in turn, so that drift of the machine hits all alike; the figures are medians over the rounds.
See README.md beside this file for what is compared and what the figures mean.
"""
import argparse
import http.client
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import gateway  # noqa: E402: it lies in the folder above
MODSECURITY_MODULES = ("/usr/lib/nginx/modules/ngx_http_modsecurity_module.so",)
PYTHON = "/usr/bin/python3"  # the one that Debian's FastAPI belongs to

ORIGIN = "https://shop.example"
# No visitor says the same thing thousands of times, and one who does is another's work (the bot guard's).
QUESTIONS = [f"Hello, until when {verb} {what} {day}, and can I bring {whom}?"
             for verb, what in (("is", "the workshop open on"), ("may", "parcels be fetched on"), ("does", "delivery run on"),
                                ("can", "tables be booked for"), ("are", "you open on"), ("is", "parking free on"))
             for day in ("Mondays", "Wednesdays", "Saturdays", "public holidays", "the last day of May")
             for whom in ("my dog along", "three small children", "a bicycle", "my neighbours", "glass bottles back",
                          "an old receipt", "somebody else's voucher", "my own cup")]
BODIES = [json.dumps({"message": question}) for question in QUESTIONS]
BODY = BODIES[0]
HEADERS = {
    "Host": "chat.shop.example",
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Language": "en-GB,en;q=0.8",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
}


class Failure(Exception):
    """Something that keeps the comparison from running; the text is for people."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def request(port, method, path, headers=None, body=None, timeout=5.0):
    """One request; returns (status, headers, text)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


class Processes:
    """Everything that was started, and the folder it writes to. Ends and removes all of it on leaving.

    A helper process waits at a pipe and does the same where this one is killed without a chance to.
    """

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="peers-"))
        self.started = []
        read_end, write_end = os.pipe()
        self.helper = os.fork()
        if self.helper == 0:
            os.setsid()
            os.close(write_end)
            self.wait_for_death(read_end)
        os.close(read_end)
        self.to_helper = os.fdopen(write_end, "w", buffering=1)
        return self

    def wait_for_death(self, read_end):
        """In the helper: the pipe ends when its writer does; `done` says that all is tidy already."""
        try:
            with os.fdopen(read_end) as lines:
                told = lines.read().split()
            if "done" not in told:
                for pid in told:
                    self.signal_group(int(pid), signal.SIGKILL)
                shutil.rmtree(self.folder, ignore_errors=True)
        finally:
            os._exit(0)

    def __exit__(self, *_):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # a second one must not stop the tidying
        for process in self.started:
            self.signal_group(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + 5
        for process in self.started:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            self.signal_group(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.to_helper.write("done\n")
        self.to_helper.close()
        os.waitpid(self.helper, 0)

    @staticmethod
    def signal_group(leader, number):
        try:
            os.killpg(leader, number)
        except ProcessLookupError:
            pass

    def start(self, name, *command, stdin=subprocess.DEVNULL, stdout=None, **options):
        """Starts a process in a group of its own."""
        log = open(self.folder / f"{name}.err", "ab")
        with log:
            process = subprocess.Popen(
                [str(part) for part in command], stdin=stdin, stdout=stdout or log, stderr=log, start_new_session=True,
                **options)
        self.started.append(process)
        self.to_helper.write(f"{process.pid}\n")
        return process

    def errors_of(self, name):
        texts = [path.read_text(errors="replace")[-2000:] for path in self.folder.glob(f"{name}.*")
                 if path.suffix in (".err", ".log")]
        return "\n".join(text for text in texts if text)

    def fill(self, template, **values):
        """Writes a configuration from its template and returns its path."""
        text = (HERE / f"{template}.in").read_text()
        for name, value in {"WORK": self.folder, **values}.items():
            text = text.replace(f"@{name}@", str(value))
        path = self.folder / template
        path.write_text(text)
        return path


class Contestant:
    """One thing that is driven: where it listens, what its processes cost, and what was measured."""

    def __init__(self, name, port, path, processes, ready_ms, headers=None):
        self.name, self.port, self.path = name, port, path
        self.processes, self.ready_ms = processes, ready_ms
        self.headers = {**HEADERS, **(headers or {})}
        self.idle_rss_mib = self.rss_mib()
        self.rounds = []

    def pids(self):
        pids = [process.pid for process in self.processes]
        for pid in pids:
            try:
                children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
            except OSError:
                continue
            pids.extend(int(child) for child in children.split())
        return pids

    def cpu_seconds(self):
        return sum(gateway.cpu_seconds(pid) for pid in self.pids())

    def rss_mib(self):
        return sum(gateway.resident_kib(pid) for pid in self.pids()) / 1024

    def check(self):
        """The request that is going to be driven must really get an answer of the stub."""
        status, _, text = request(self.port, "POST", self.path, self.headers, BODY)
        if status != 200 or "nine to five" not in text:
            raise Failure(f"{self.name} answered {status}: {text[:300]}")

    def drive(self, script, seconds, connections):
        cpu_before = self.cpu_seconds()
        output = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script,
             f"http://127.0.0.1:{self.port}{self.path}"],
            capture_output=True, text=True, check=False).stdout
        cpu = self.cpu_seconds() - cpu_before
        total = int(find(r"(\d+) requests in", output))
        if total == 0:
            raise Failure(f"wrk drove nothing at {self.name}:\n{output}")
        socket_errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
        errors = sum(map(int, socket_errors.groups())) if socket_errors else 0
        return {
            "requests_per_second": float(find(r"Requests/sec:\s+([\d.]+)", output)),
            "cpu_us_per_request": cpu * 1e6 / total,
            "p50_ms": milliseconds(find(r"^ +50% +(\S+)", output)),
            "p99_ms": milliseconds(find(r"^ +99% +(\S+)", output)),
            "rss_mib": self.rss_mib(),
            "errors": errors + int(find(r"Non-2xx or 3xx responses: (\d+)", output)),
        }

    def result(self):
        out = {key: statistics.median(r[key] for r in self.rounds) for key in self.rounds[0]}
        out["errors"] = sum(r["errors"] for r in self.rounds)
        out["idle_rss_mib"] = self.idle_rss_mib
        out["ready_ms"] = self.ready_ms
        return out


def find(pattern, text):
    match = re.search(pattern, text, re.M)
    return match.group(1) if match else "0"


def milliseconds(text):
    match = re.fullmatch(r"([\d.]+)(us|ms|s|m)?", text)
    return float(match.group(1)) * {"us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4, None: 1}[match.group(2)]


def wait_until_ready(process, port, path, began, describe, within=30.0):
    """Milliseconds from `began` to the first answered request."""
    while time.monotonic() - began < within:
        if process.poll() is not None:
            raise Failure(f"ended with status {process.returncode} before it was ready\n{describe()}")
        try:
            request(port, "GET", path, timeout=1.0)
            return (time.monotonic() - began) * 1000
        except (OSError, http.client.HTTPException):
            time.sleep(0.002)
    raise Failure(f"not ready within {within:.0f} s\n{describe()}")


def start_listening(processes, name, port, *command, **options):
    began = time.monotonic()
    process = processes.start(name, *command, **options)
    ready = wait_until_ready(process, port, "/ready", began, lambda: processes.errors_of(name))
    return process, ready


def start_nginx(processes, name, template, **values):
    port = free_port()
    configuration = processes.fill(template, PORT=port, **values)
    process, ready = start_listening(processes, name, port, "nginx", "-e", processes.folder / f"{name}.log",
                                     "-p", processes.folder, "-c", configuration)
    return Contestant(name, port, "/", [process], ready)


def start_crs(processes, upstream):
    module = next((path for path in MODSECURITY_MODULES if os.path.exists(path)), None)
    if module is None:
        raise Failure("the ModSecurity module of nginx is missing: scripts/install-packages.sh bench")
    processes.fill("crs-rules.conf")
    return start_nginx(processes, "nginx+crs", "nginx-crs.conf", UPSTREAM=upstream, MODSECURITY_MODULE=module)


def start_haproxy(processes, upstream):
    port = free_port()
    configuration = processes.fill("haproxy.cfg", PORT=port, UPSTREAM=upstream)
    process, ready = start_listening(processes, "haproxy", port, "haproxy", "-db", "-f", configuration)
    return Contestant("haproxy", port, "/", [process], ready)


def start_redis(processes, name):
    """Returns the process and its URL; who uses it waits for it."""
    port = free_port()
    process = processes.start(name, "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "",
                              "--appendonly", "no", "--dir", processes.folder)
    return process, f"redis://127.0.0.1:{port}/0"


def start_fastapi(processes, upstream):
    port = free_port()
    began = time.monotonic()
    redis, redis_url = start_redis(processes, "redis")
    env = {"PATH": os.environ["PATH"], "PEER_UPSTREAM": f"http://127.0.0.1:{upstream}/",
           "PEER_REDIS": redis_url, "PYTHONDONTWRITEBYTECODE": "1"}
    server = processes.start("fastapi", PYTHON, "-m", "uvicorn", "fastapi_peer:app", "--host", "127.0.0.1", "--port",
                             port, "--loop", "uvloop", "--http", "httptools", "--log-level", "warning",
                             "--no-access-log", env=env, cwd=HERE)
    ready = wait_until_ready(server, port, "/", began, lambda: processes.errors_of("fastapi"))
    return Contestant("fastapi+redis", port, "/", [server, redis], ready)  # it cannot work without its Redis


def gateway_environment(processes, upstream, name):
    return {
        **gateway.environment(processes.folder / f"data-{name}", workers=1),
        "SECURITY_ENVIRONMENT": "staging",  # as production, but plain http is answered
        "ALLOWED_ORIGINS": ORIGIN, "ALLOWED_HOSTS": HEADERS["Host"],
        "N8N_WEBHOOK_URL": f"http://127.0.0.1:{upstream}/webhook/chat",
        "JWT_SECRET_KEY": secrets.token_urlsafe(48), "SESSION_SECRET_KEY": secrets.token_urlsafe(48),
    }


def guard_modes(binary, env):
    """The modes that the gateway itself says it will use; each must be `enforce`, or nothing is proven."""
    printed = subprocess.run([binary, "check-config"], env=env, capture_output=True, text=True, check=True).stdout
    modes = dict(re.findall(r"^guards\.(\w+)\.mode: (\w+)", printed, re.M))
    if not modes or set(modes.values()) != {"enforce"}:
        raise Failure(f"not every guard is on: {modes}")
    return modes


def gateway_port(processes, process, name, out_path, began):
    while True:
        if process.poll() is not None or time.monotonic() - began > 30:
            raise Failure(f"the gateway did not start\n{processes.errors_of(name)}")
        if match := gateway.LISTENING.search(out_path.read_text()):
            return int(match.group(1))
        time.sleep(0.001)


def start_gateway(processes, upstream, binary, name="gateway", further=None):
    env = {**gateway_environment(processes, upstream, name), **(further or {})}
    modes = guard_modes(binary, env)
    out_path = processes.folder / f"{name}.out"
    began = time.monotonic()
    with open(out_path, "wb") as out:
        process = processes.start(name, binary, "serve", env=env, stdout=out)
    port = gateway_port(processes, process, name, out_path, began)
    ready = wait_until_ready(process, port, "/health/live", began, lambda: processes.errors_of(name))
    contestant = Contestant(name, port, "/api/v1/chat/message", [process], ready)  # notes the idle memory

    own = {**HEADERS, "Origin": ORIGIN}
    cookie, answer = gateway.session_cookie(port, own, "shop.example")
    if cookie is None:
        raise Failure(f"the gateway made no session: {answer}")
    contestant.headers = {**own, "Cookie": cookie}
    status, _, text = request(port, "POST", contestant.path, {**contestant.headers, "Origin": "https://other.example"},
                              BODY)
    if status != 403:
        raise Failure(f"the gateway let a foreign origin pass: {status} {text}")
    return contestant, modes, {"status": status, "body": json.loads(text)}


def start_protected(processes, upstream, binary, name, guards=""):
    """The gateway before an HTTP service: the same request on a protected route for anybody, its body looked into."""
    folder = processes.folder / name
    folder.mkdir()
    config = folder / "portcullis.yaml"
    config.write_text(f"services:\n  - {{id: shop, targets: [\"http://127.0.0.1:{upstream}\"]}}\nroutes:\n  - {{path: /shop/, service: shop, "
                      f"methods: [POST], kind: anonymous, auth: none, body: {{prose: [message]}}{guards}}}\n")
    env = {**gateway_environment(processes, upstream, name), **gateway.WIDE}  # one caller has a quarter of the connections
    out_path = folder / "out"
    began = time.monotonic()
    with open(out_path, "wb") as out:
        process = processes.start(name, binary, "serve", "--config", config, env=env, stdout=out)
    port = gateway_port(processes, process, name, out_path, began)
    ready = wait_until_ready(process, port, "/health/live", began, lambda: processes.errors_of(name))
    contestant = Contestant(name, port, "/shop/question", [process], ready)
    status, _, text = request(port, "POST", contestant.path, contestant.headers, '{"a":1,"a":2}')
    if status != 400:
        raise Failure(f"the protected route does not look into bodies: {status} {text}")
    return contestant


def start_gateway_with_redis(processes, upstream, binary):
    """The gateway once more, with its state in a Redis, whose own processor time is not counted."""
    name = "gateway+redis"
    _, url = start_redis(processes, "redis-of-gateway")
    contestant, _, _ = start_gateway(processes, upstream, binary, name, {"REDIS_URL": url, "REDIS_DEADLINE": "2s"})
    _, _, text = request(contestant.port, "GET", "/health", HEADERS)
    if json.loads(text)["services"]["redis"] != "connected":
        raise Failure(f"the gateway does not use its Redis: {text}")
    return contestant


def write_script(processes, contestant):
    lines = [f'wrk.headers["{name}"] = [[{value}]]' for name, value in contestant.headers.items()]
    bodies = ", ".join(f"[[{body}]]" for body in BODIES)
    lines += [f"local bodies, ready = {{{bodies}}}, {{}}",
              "init = function()",
              '  for i, body in ipairs(bodies) do ready[i] = wrk.format("POST", nil, nil, body) end',
              "end",
              "request = function() return ready[math.random(#ready)] end"]
    path = processes.folder / f"{contestant.name}.lua"
    path.write_text("\n".join(lines) + "\n")
    return path


def compare(options, processes):
    say = lambda text: print(text, file=sys.stderr, flush=True)
    stub = start_nginx(processes, "upstream", "upstream.conf")
    contestants = [stub]
    makers = {
        "nginx": lambda: start_nginx(processes, "nginx", "nginx.conf", UPSTREAM=stub.port, BUFFERING="on"),
        "haproxy": lambda: start_haproxy(processes, stub.port),
        "nginx+crs": lambda: start_crs(processes, stub.port),
        "fastapi+redis": lambda: start_fastapi(processes, stub.port),
        "gateway+redis": lambda: start_gateway_with_redis(processes, stub.port, options.binary),
        "protected": lambda: start_protected(processes, stub.port, options.binary, "protected"),
        "no-content": lambda: start_protected(processes, stub.port, options.binary, "no-content",
                                              ', guards: {content: "off"}'),
    }
    wanted = options.only.split(",") if options.only else list(makers)
    for name in wanted:
        if name not in makers:
            raise Failure(f"{name} is no peer; there are {', '.join(makers)}")
        contestants.append(makers[name]())
    ours, modes, refusal = start_gateway(processes, stub.port, options.binary)
    contestants.append(ours)
    say("guards: " + ", ".join(f"{name} {mode}" for name, mode in modes.items()))
    say(f"a foreign origin is refused: {refusal['status']} {json.dumps(refusal['body'])}")

    scripts = {}
    for contestant in contestants:
        contestant.check()
        scripts[contestant.name] = write_script(processes, contestant)
        contestant.drive(scripts[contestant.name], 1, options.connections)  # warm-up
    for number in range(options.rounds):
        say(f"round {number + 1} of {options.rounds}")
        for contestant in contestants:
            contestant.rounds.append(
                contestant.drive(scripts[contestant.name], options.seconds, options.connections))

    results = {contestant.name: contestant.result() for contestant in contestants}
    own = results["gateway"]["cpu_us_per_request"]
    for name, result in results.items():
        if name != "gateway":
            result["gateway_ratio"] = result["cpu_us_per_request"] / own
    return {"guards": modes, "refusal": refusal, "seconds": options.seconds, "rounds": options.rounds,
            "connections": options.connections, "cores": os.cpu_count(), "results": results}


def table(report):
    columns = (("requests_per_second", "req/s", 9, 0), ("cpu_us_per_request", "CPU us/req", 11, 1),
               ("p50_ms", "p50 ms", 8, 2), ("p99_ms", "p99 ms", 8, 2), ("idle_rss_mib", "idle MiB", 9, 1),
               ("rss_mib", "MiB", 7, 1), ("ready_ms", "ready ms", 9, 0), ("errors", "errors", 7, 0))
    lines = [f"{'':14}" + "".join(f"{title:>{width}}" for _, title, width, _ in columns) + f"{'gateway is':>12}"]
    for name, result in report["results"].items():
        cells = "".join(f"{result[key]:{width}.{digits}f}" for key, _, width, digits in columns)
        ratio = f"{result['gateway_ratio']:.2f}x" if "gateway_ratio" in result else ""
        lines.append(f"{name:14}{cells}{ratio:>12}")
    lines.append("'gateway is': requests of the gateway in one CPU second, divided by those of the peer")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5, help="length of one drive (5)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds over all contestants (5)")
    parser.add_argument("--connections", type=int, default=32, help="connections of the load generator (32)")
    parser.add_argument("--only", help="comma list of peers; the stub and the gateway always run")
    parser.add_argument("--binary", default=str(gateway.BINARY), help="the gateway")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()

    missing = [tool for tool in ("wrk", "nginx", "haproxy", "redis-server") if not shutil.which(tool)]
    if missing:
        sys.exit(f"compare.py: {', '.join(missing)} not found: scripts/install-packages.sh bench")
    if not os.access(options.binary, os.X_OK):
        sys.exit(f"compare.py: {options.binary} is not there: make build")

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    try:
        with Processes() as processes:
            report = compare(options, processes)
    except Failure as failure:
        sys.exit(f"compare.py: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(report, indent=2) if options.json else table(report))
    if any(result["errors"] for result in report["results"].values()):
        sys.exit("compare.py: there were errors; the figures mean nothing")


if __name__ == "__main__":
    main()
