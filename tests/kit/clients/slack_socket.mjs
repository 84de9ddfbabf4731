// Slack's own client for Socket Mode, @slack/socket-mode. It acknowledges what comes and says so, a line each, until it is ended.
import { createRequire } from 'node:module'

const order = JSON.parse(process.argv[2])
const { SocketModeClient } = createRequire(order.modules + '/')('@slack/socket-mode')
const client = new SocketModeClient({ appToken: order.app_token, clientOptions: { slackApiUrl: order.api_url + '/' } })
const heard = async (type, { ack, body, retry_num: attempt }) => {
  await ack(type === 'slash_commands' ? { text: `node took ${body.text}` } : undefined)
  console.log(`heard ${type} ${body.event?.type ?? body.type ?? 'command'} ${attempt ?? 0}`)
}
for (const type of ['slash_commands', 'interactive']) client.on(type, (event) => heard(type, event))
for (const name of ['app_mention', 'message']) client.on(name, (event) => heard('events_api', event))
for (const state of ['connected', 'reconnecting', 'disconnected']) client.on(state, () => console.log(`state ${state}`))
await client.start()
console.log('ready')
