"""Slack's own Python client for Socket Mode. It acknowledges what comes and says so, a line each, until its input ends."""

import json
import sys
import threading

from slack_sdk import WebClient
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse

order = json.loads(sys.argv[1])
web = WebClient(order["token"], base_url=order["api_url"] + "/")
client = SocketModeClient(app_token=order["app_token"], web_client=web, trace_enabled=False)


def heard(client, request):
    payload = None
    if request.type == "slash_commands":
        payload = {"text": "python took " + request.payload["text"]}
    client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload=payload))
    kind = request.payload.get("event", {}).get("type") or request.payload.get("type") or "command"
    print(f"heard {request.type} {kind} {request.retry_attempt or 0}", flush=True)


client.socket_mode_request_listeners.append(heard)
client.connect()
print("ready", flush=True)
# Runs until it is ended.
threading.Event().wait()
