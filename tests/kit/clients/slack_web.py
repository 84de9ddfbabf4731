"""Slack's own Python client, slack_sdk, does with the world what programs do with Slack. Its order is JSON on standard input;
each step it has done is a line `done NAME`, and what doesn't go as the client expects ends it with a traceback."""

import json
import sys

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.models.blocks import ActionsBlock, ButtonElement, HeaderBlock, MarkdownTextObject, SectionBlock
from slack_sdk.models.views import View

order = json.load(sys.stdin)
client = WebClient(order["token"], base_url=order["api_url"] + "/")
channel = order["channel"]


def done(name):
    print(f"done {name}", flush=True)


def refused(code, call, **args):
    try:
        call(**args)
    except SlackApiError as error:
        assert error.response["error"] == code, error
        return error.response
    raise AssertionError(f"{code} was expected")


who = client.auth_test()
assert who["user_id"].startswith("U") and "chat:write" in who.headers["x-oauth-scopes"]
done("auth")

blocks = [
    HeaderBlock(text="A header"),
    SectionBlock(text=MarkdownTextObject(text="*bold* & <https://x.example|x>"), fields=["one", "two"]),
    ActionsBlock(elements=[ButtonElement(text="Press", action_id="press", value="v", style="primary")]),
]
metadata = {"event_type": "delivery", "event_payload": {"key": "py-1"}}
posted = client.chat_postMessage(channel=channel, text="A header", blocks=blocks, metadata=metadata)
assert posted["message"]["blocks"][0]["type"] == "header" and posted["message"]["bot_id"]
client.chat_postMessage(channel=channel, text="in thread", thread_ts=posted["ts"])
replies = client.conversations_replies(channel=channel, ts=posted["ts"])
assert [message["text"] for message in replies["messages"]] == ["A header", "in thread"]
done("post")

client.chat_update(channel=channel, ts=posted["ts"], text="changed", blocks=[SectionBlock(text="changed")])
history = client.conversations_history(channel=channel, include_all_metadata=True, limit=5)
assert history["messages"][0]["text"] == "changed" and history["messages"][0]["metadata"] == metadata
assert client.chat_getPermalink(channel=channel, message_ts=posted["ts"])["permalink"].startswith("https://")
done("update")

client.chat_postEphemeral(channel=channel, user=order["user"], text="for you only")
refused("user_not_in_channel", client.chat_postEphemeral, channel=channel, user=order["outsider"], text="x")
gone = client.chat_postMessage(channel=channel, text="gone soon")
client.chat_delete(channel=channel, ts=gone["ts"])
refused("message_not_found", client.chat_delete, channel=channel, ts=gone["ts"])
answer = refused("invalid_blocks", client.chat_postMessage, channel=channel, text="x", blocks=[{"type": "nothing"}])
assert "unsupported type" in answer["response_metadata"]["messages"][0]
done("refusals")

names = [found["name"] for page in client.conversations_list(limit=2, types="public_channel,private_channel") for found in page["channels"]]
assert "ops" in names and "vault" in names and "hidden" not in names and len(names) == len(set(names)), names
people = [person["name"] for page in client.users_list(limit=2) for person in page["members"]]
assert {"ann", "bob", "slackbot", "bellhop"} <= set(people), people
assert client.users_info(user=order["user"])["user"]["tz"] == "Europe/Berlin"
assert client.users_lookupByEmail(email="ann@acme.example")["user"]["id"] == order["user"]
done("lists")

made = client.conversations_create(name="made-by-python")["channel"]
refused("name_taken", client.conversations_create, name="made-by-python")
refused("invalid_name_specials", client.conversations_create, name="Not Good")
client.conversations_setTopic(channel=made["id"], topic="a topic")
client.conversations_setPurpose(channel=made["id"], purpose="a purpose")
client.conversations_invite(channel=made["id"], users=[order["user"]])
assert order["user"] in client.conversations_members(channel=made["id"])["members"]
assert client.conversations_info(channel=made["id"])["channel"]["topic"]["value"] == "a topic"
client.conversations_rename(channel=made["id"], name="renamed-by-python")
client.conversations_archive(channel=made["id"])
refused("is_archived", client.chat_postMessage, channel=made["id"], text="x")
opened = client.conversations_open(users=order["user"])
client.chat_postMessage(channel=opened["channel"]["id"], text="to you")
done("channels")

later = client.chat_scheduleMessage(channel=channel, text="later", post_at=order["now"] + 3600)
listed = client.chat_scheduledMessages_list(channel=channel)["scheduled_messages"]
assert [message["id"] for message in listed] == [later["scheduled_message_id"]]
client.chat_deleteScheduledMessage(channel=channel, scheduled_message_id=later["scheduled_message_id"])
refused("time_in_past", client.chat_scheduleMessage, channel=channel, text="x", post_at=order["now"] - 10)
done("scheduled")

files = client.files_upload_v2(
    channel=channel,
    initial_comment="two files",
    file_uploads=[
        {"content": "from python", "filename": "a.txt", "title": "A"},
        {"content": b"\x00\x01\x02", "filename": "b.bin", "title": "B"},
    ],
)
assert len(files["files"]) == 2
known = client.files_info(file=files["files"][0]["id"])["file"]
assert known["size"] == 11 and channel in known["channels"] and known["shares"]["public"][channel][0]["ts"]
client.files_delete(file=files["files"][1]["id"])
done("files")

home = View(type="home", blocks=[SectionBlock(text="home")])
client.views_publish(user_id=order["user"], view=home)
refused("invalid_trigger_id", client.views_open, trigger_id="1.2.3", view=View(type="modal", title="T", blocks=[SectionBlock(text="x")]))
done("views")
