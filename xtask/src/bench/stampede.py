"""Processes of Tiled's own client that want one session at the same moment.

stampede.py use|start URL PROCESSES THREADS [USER]

`use` has connected with the stored session; `start` connects after the word, as a program that starts, and signs in where
the session is over, with the password on the first line of standard input. It says `ready`, waits for a line, reads
once with each thread, and prints as JSON how many reads failed and why, and how often a person was asked.
"""

import collections
import json
import os
import sys
import threading
import time

import tiled.client.context

way, url, processes, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
password = sys.stdin.readline().rstrip("\n") if way == "start" else None
asked = 0


def person():
    global asked
    asked += 1
    time.sleep(1)
    return password


tiled.client.context.username_input = lambda: sys.argv[5]
tiled.client.context.password_input = person


def work(say_ready, wait):
    context, _ = tiled.client.context.Context.from_any_uri(url)
    if way == "use":
        assert context.use_cached_tokens(), "not signed in"
    say_ready()
    wait()
    # As tiled.client.from_uri does it.
    if way == "start" and not context.use_cached_tokens():
        context.authenticate()
    failures = collections.Counter()

    def read():
        try:
            context.http_client.get(str(context.api_uri) + "metadata/").raise_for_status()
        except Exception as error:
            failures[type(error).__name__] += 1

    readers = [threading.Thread(target=read) for _ in range(threads)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    return failures


ready, tell_ready = os.pipe()
go, let_go = os.pipe()
heard, say = os.pipe()
# Forked, so that each need not load all of it anew: the machine would have too little memory.
for _ in range(processes):
    if os.fork() == 0:
        os.close(let_go)
        # What it says to a person is for nobody here.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        told = []

        def say_ready():
            told.append(os.write(tell_ready, b"r"))

        try:
            failures = work(say_ready, lambda: os.read(go, 1))
        except BaseException as error:
            failures = {type(error).__name__: threads}
            if not told:
                say_ready()
        os.write(say, json.dumps([failures, asked]).encode() + b"\n")
        os._exit(0)
os.close(say)
waiting = processes
while waiting:
    waiting -= len(os.read(ready, waiting))
print("ready", flush=True)
sys.stdin.readline()
os.close(let_go)
why, prompts = collections.Counter(), 0
for line in os.fdopen(heard):
    failures, count = json.loads(line)
    why.update(failures)
    prompts += count
print(json.dumps({"failed": sum(why.values()), "asked": prompts, "why": why}))
