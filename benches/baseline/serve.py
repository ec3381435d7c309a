"""Starts the stack of this folder in a new directory: PostgreSQL, Redis and the service, on free ports. Prints one line of
JSON (url, pids) when it answers, and ends everything when its standard input is closed."""

import glob
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

TOKEN = "token-of-the-baseline-7d20"
PATIENCE = 60


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def postgres_program(name):
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}")) or [shutil.which(name)]
    if found[-1] is None:
        sys.exit(f"{name} is missing: install the package postgresql")
    return found[-1]


def wait(what, ready):
    deadline = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > deadline:
            sys.exit(f"{what} does not get ready")
        time.sleep(0.05)


def listens(port):
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def answers(url):
    try:
        urllib.request.urlopen(url + "/leaderboards/all")
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False
    return True


def main():
    directory = tempfile.mkdtemp(prefix="homeroom-baseline-", dir=sys.argv[1] if len(sys.argv) > 1 else None)
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        os.chmod(directory, 0o755)
    database, cache = os.path.join(directory, "postgres"), os.path.join(directory, "redis")
    os.mkdir(database)
    os.mkdir(cache)
    if user:
        os.chown(database, pwd.getpwnam(user).pw_uid, -1)
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "cwd": directory}
    processes = []
    try:
        initdb = [postgres_program("initdb"), "-D", database, "-U", "bench", "--auth=trust", "-E", "UTF8"]
        subprocess.run(initdb, check=True, user=user, **quiet)
        ports = [free_port() for _ in range(3)]
        postgres = [postgres_program("postgres"), "-D", database, "-p", str(ports[0]), "-c", f"unix_socket_directories={database}"]
        log = open(os.path.join(directory, "postgres.log"), "w")
        processes.append(subprocess.Popen(postgres, user=user, stderr=log, **quiet))
        redis = ["redis-server", "--port", str(ports[1]), "--dir", cache, "--bind", "127.0.0.1"]
        processes.append(subprocess.Popen(redis, **quiet))
        wait("PostgreSQL", lambda: listens(ports[0]))
        wait("Redis", lambda: listens(ports[1]))
        environment = {
            **os.environ,
            "BASELINE_TOKEN": TOKEN,
            "BASELINE_POSTGRES": f"postgresql://bench@127.0.0.1:{ports[0]}/postgres",
            "BASELINE_REDIS": f"redis://127.0.0.1:{ports[1]}",
        }
        here = os.path.dirname(os.path.abspath(__file__))
        service = [sys.executable, "-m", "uvicorn", "app:app", "--app-dir", here, "--port", str(ports[2])]
        service += ["--no-access-log", "--log-level", "warning", "--loop", "uvloop", "--http", "httptools"]
        processes.append(subprocess.Popen(service, env=environment, **quiet))
        url = f"http://127.0.0.1:{ports[2]}"
        wait("the service", lambda: answers(url))
        print(json.dumps({"url": url, "token": TOKEN, "pids": [process.pid for process in processes]}), flush=True)
        sys.stdin.read()
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGINT)
        for process in processes:
            process.wait()
        shutil.rmtree(directory)


main()
