"""Amplitude's own Python client sends to the world what programs send. Its order is JSON on standard input; each step it has done
is a line `done NAME`, and what doesn't go as the client expects ends it with a traceback."""

import json
import sys

from amplitude import Amplitude, BaseEvent, Config, EventOptions, Identify, Revenue

order = json.load(sys.stdin)
said = []


def client(key, route="/2/httpapi"):
    one = Amplitude(key, Config(server_url=order["url"] + route, flush_queue_size=1000, flush_interval_millis=60000, flush_max_retries=1))
    one.configuration.callback = lambda event, code, message=None: said.append((event.event_type, code))
    return one


def done(name):
    print(f"done {name}", flush=True)


def sent(one):
    for future in one.flush():
        if future:
            future.result()
    told = list(said)
    said.clear()
    return told


amplitude = client(order["key"])
amplitude.track(BaseEvent("deploy", user_id="annabel", event_properties={"env": "prod"}, insert_id="py-1"))
amplitude.track(BaseEvent("deploy", user_id="annabel", event_properties={"env": "prod"}, insert_id="py-1"))
assert sent(amplitude) == [("deploy", 200)] * 2, said
done("events")

amplitude.identify(Identify().set("plan", "team").add("visits", 2).set_once("first", "x"), EventOptions(user_id="annabel"))
assert sent(amplitude) == [("$identify", 200)], said
done("identify")

paid = Revenue(price=3.5, quantity=2, product_id="sku")
amplitude.revenue(paid, EventOptions(user_id="annabel"))
told = sent(amplitude)
assert [code for _, code in told] == [200], told
done("revenue")

batch = client(order["key"], "/batch")
for number in range(40):
    batch.track(BaseEvent("bulk", user_id=f"person-{number}"))
assert len(sent(batch)) == 40
done("batch")

amplitude.track(BaseEvent("deploy", user_id="bob12"))
amplitude.track(BaseEvent("deploy", user_id="bob12", event_properties={"forbidden": 1}))
told = sent(amplitude)
assert ("deploy", 400) in told, told
done("refusal")

stranger = client("another")
stranger.track(BaseEvent("deploy", user_id="annabel"))
try:
    told = sent(stranger)
except Exception as error:
    told = [("", str(error))]
assert ("deploy", 200) not in told, told
done("denied")
