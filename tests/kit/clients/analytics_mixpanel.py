"""Mixpanel's own Python client sends to the world what programs send. Its order is JSON on standard input; each step it has done
is a line `done NAME`, and what doesn't go as the client expects ends it with a traceback."""

import json
import sys

from mixpanel import BufferedConsumer, Consumer, Mixpanel, MixpanelException, ServiceAccountCredentials

order = json.load(sys.stdin)
url, token = order["url"], order["token"]
account = ServiceAccountCredentials(username=order["account"], secret=order["secret"], project_id=order["project"])
places = {
    "events_url": f"{url}/track",
    "people_url": f"{url}/engage",
    "groups_url": f"{url}/groups",
    "import_url": f"{url}/import",
}


def done(name):
    print(f"done {name}", flush=True)


client = Mixpanel(token, consumer=Consumer(credentials=account, retry_limit=0, **places))
client.track("ann", "deploy", {"env": "prod"})
done("track")
client.import_data(None, "bob", "deploy", order["old"], {"env": "test"})
done("import")

client.people_set("ann", {"plan": "team"})
client.people_set_once("ann", {"plan": "other", "first": "x"})
client.people_increment("ann", {"visits": 2})
client.people_union("ann", {"tags": ["a", "b"]})
client.people_unset("ann", ["$name"])
client.people_delete("dan")
done("people")
client.group_set("company", "acme", {"seats": 5})
client.group_union("company", "acme", {"tags": ["x"]})
done("groups")

many = Mixpanel(token, consumer=BufferedConsumer(max_size=50, **places))
for number in range(60):
    many.track(f"many-{number}", "bulk", {"n": number})
many._consumer.flush()
done("buffered")

try:
    Mixpanel("another", consumer=Consumer(**places)).track("ann", "deploy")
except MixpanelException as error:
    assert "token" in str(error), error
    done("refusal")
stranger = ServiceAccountCredentials(username=order["account"], secret="wrong", project_id=order["project"])
try:
    Mixpanel(token, consumer=Consumer(credentials=stranger, **places)).import_data(None, "bob", "deploy", order["old"])
except Exception as error:
    done("denied")
