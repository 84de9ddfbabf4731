// Slack's official framework with its HTTP receiver, answering one command. Run with BELLHOP_PEERS naming the folder that holds
// node_modules; prints where it listens. With `respond` it also posts the answer to the command's response address, as Bellhop does.
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.env.BELLHOP_PEERS, "package.json"));
const { App, HTTPReceiver, LogLevel } = require("@slack/bolt");
const [secret, slackApiUrl, answer] = process.argv.slice(2);

const receiver = new HTTPReceiver({ signingSecret: secret, endpoints: "/chat/work", logLevel: LogLevel.ERROR });
const app = new App({
  receiver,
  logLevel: LogLevel.ERROR,
  clientOptions: { slackApiUrl },
  // What the bot was told about itself, so that nothing is asked of Slack for each request.
  authorize: async () => ({ botToken: "xoxb-bench", botId: "B0BENCH", botUserId: "U0BENCH" }),
});
app.command("/bellhop", async ({ ack, respond }) => {
  await ack();
  if (answer === "respond") await respond({ response_type: "ephemeral", text: "Bellhop is well." });
});
const server = await app.start({ port: 0, host: "127.0.0.1" });
console.log(`listening on http://127.0.0.1:${server.address().port}`);
