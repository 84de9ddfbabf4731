"""Amplitude's own Python client sends to the world what programs send. Its order is JSON on standard input; each step it has done
is a line `done NAME`, and what doesn't go as the client expects ends it with a traceback."""

import json
import sys
import time

from amplitude import Amplitude, BaseEvent, Config, EventOptions, Identify, Revenue

order = json.load(sys.stdin)
said = []


def client(key, route="/2/httpapi"):
    one = Amplitude(key, Config(server_url=order["url"] + route, flush_queue_size=1000, flush_interval_millis=200, flush_max_retries=5))
    one.configuration.callback = lambda event, code, message=None: said.append((event.event_type, code))
    return one


def done(name):
    print(f"done {name}", flush=True)


def sent(one, count):
    one.flush()
    end = time.monotonic() + 30
    while len(said) < count and time.monotonic() < end:
        time.sleep(0.02)
    told = sorted(said)
    said.clear()
    return told


amplitude = client(order["key"])
amplitude.track(BaseEvent("deploy", user_id="annabel", event_properties={"env": "prod"}, insert_id="py-1"))
amplitude.track(BaseEvent("deploy", user_id="annabel", event_properties={"env": "prod"}, insert_id="py-1"))
assert sent(amplitude, 2) == [("deploy", 200)] * 2, said
done("events")

amplitude.identify(Identify().set("plan", "team").add("visits", 2).set_once("first", "x"), EventOptions(user_id="annabel"))
assert sent(amplitude, 1) == [("$identify", 200)], said
done("identify")

paid = Revenue(price=3.5, quantity=2, product_id="sku")
amplitude.revenue(paid, EventOptions(user_id="annabel"))
told = sent(amplitude, 1)
assert [code for _, code in told] == [200], told
done("revenue")

batch = client(order["key"], "/batch")
for number in range(40):
    batch.track(BaseEvent("bulk", user_id=f"person-{number}"))
assert len(sent(batch, 40)) == 40
done("batch")

amplitude.track(BaseEvent("deploy", user_id="bob12"))
amplitude.track(BaseEvent("deploy", user_id="bob12", event_properties={"forbidden": 1}))
told = sent(amplitude, 2)
assert told == [("deploy", 200), ("deploy", 400)], told
done("refusal")

stranger = client("another")
stranger.track(BaseEvent("deploy", user_id="annabel"))
stranger.flush()[0].result()
assert ("deploy", 200) not in said, said
done("denied")
for one in (amplitude, batch, stranger):
    one.shutdown()
