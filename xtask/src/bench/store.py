"""A file of sessions in YAML that is read whole, changed, and written where it is, without a lock.

store.py write FILE LOGIN ME FROM TO | read FILE | show FILE, each as the program bench_store does it.
"""

import json
import sys
import threading

import yaml

way, path = sys.argv[1:3]


def load():
    """Like the readers that are out there: what cannot be understood counts as nothing."""
    try:
        with open(path) as file:
            document = yaml.safe_load(file)
    except (OSError, yaml.YAMLError):
        return {}
    return document if isinstance(document, dict) else {}


def users(document):
    return {user["login"]: user["session_token"] for user in document.get("users") or []}


def save(login, token):
    document = load()
    entries = document.setdefault("users", [])
    for user in entries:
        if user["login"] == login:
            user["session_token"] = token
            break
    else:
        entries.append({"login": login, "session_token": token})
    with open(path, "w") as file:
        yaml.safe_dump(document, file, default_flow_style=False)


def write(login, me, first, last):
    print("ready", flush=True)
    sys.stdin.readline()
    seen = {}
    for number in range(first, last + 1):
        found = users(load()).get(login)
        who, _, said = (found or "").rpartition("-")
        said = int(said) if found else 0
        if number > first and (not found or said < seen.get(who, 0) or (who != me and said == seen.get(who, 0))):
            print("lost", flush=True)
        seen[who] = said
        save(login, f"{me}-{number}")
        seen[me] = number
        print(number, flush=True)


def read():
    print("ready", flush=True)
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), over.set())).start()
    reads = torn = before = 0
    while not over.is_set():
        reads += 1
        count = len(users(load()))
        torn += count == 0 or count < before
        before = count
    print(reads, torn)


if way == "write":
    write(sys.argv[3], sys.argv[4], int(sys.argv[5]), int(sys.argv[6]))
elif way == "read":
    read()
else:
    print(json.dumps(users(load())))
