"""Posts three messages as fast as Slack's own client goes, which waits as long as it is told to."""

import json
import sys

from slack_sdk import WebClient
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

order = json.load(sys.stdin)
client = WebClient(order["token"], base_url=order["api_url"] + "/", retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=2)])
for n in range(3):
    client.chat_postMessage(channel=order["slow"], text=str(n))
print("done slow", flush=True)
