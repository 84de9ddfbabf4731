// discord-interactions on express, as Discord's own guide has it: the signature is verified, and the command is promised an answer.
// Run with BELLHOP_PEERS naming the folder that holds node_modules; prints where it listens.
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.env.BELLHOP_PEERS, "package.json"));
const express = require("express");
const { verifyKeyMiddleware, InteractionResponseType } = require("discord-interactions");
const [key] = process.argv.slice(2);

const app = express();
app.post("/chat/work", verifyKeyMiddleware(key), (_, response) => {
  response.send({ type: InteractionResponseType.DEFERRED_CHANNEL_MESSAGE_WITH_SOURCE });
});
const server = app.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
