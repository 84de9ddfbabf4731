// Slack's own client for Node.js, @slack/web-api. Its order is JSON on standard input; each step it has done is a line.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import assert from 'node:assert/strict'

const order = JSON.parse(readFileSync(0, 'utf8'))
const { WebClient, ErrorCode } = createRequire(order.modules + '/')('@slack/web-api')
const options = { slackApiUrl: order.api_url + '/', retryConfig: { retries: 0 } }
const client = new WebClient(order.token, options)
const done = (name) => console.log(`done ${name}`)
const refused = async (code, call) => {
  const error = await call().then(() => assert.fail(`${code} was expected`), (error) => error)
  assert.equal(error.code, ErrorCode.PlatformError)
  assert.equal(error.data.error, code)
  return error.data
}

const who = await client.auth.test()
assert.ok(who.response_metadata.scopes.includes('chat:write'))
done('auth')

const channel = order.channel
const blocks = [{ type: 'section', text: { type: 'mrkdwn', text: '*hello*' } }]
const metadata = { event_type: 'delivery', event_payload: { key: 'js-1' } }
const posted = await client.chat.postMessage({ channel, text: 'hello', blocks, metadata })
await client.chat.update({ channel, ts: posted.ts, text: 'changed', blocks })
const history = await client.conversations.history({ channel, include_all_metadata: true })
assert.deepEqual(history.messages[0].metadata, metadata)
await refused('channel_not_found', () => client.chat.postMessage({ channel: 'C0NOWHERE', text: 'x' }))
await refused('msg_too_long', () => client.chat.update({ channel, ts: posted.ts, text: 'x'.repeat(4001) }))
done('post')

const names = []
for await (const page of client.paginate('conversations.list', { limit: 2 })) names.push(...page.channels.map((one) => one.name))
assert.ok(names.includes('general') && names.includes('ops'))
done('lists')

await client.filesUploadV2({ channel_id: channel, file: Buffer.from('from node'), filename: 'n.txt', initial_comment: 'a file' })
done('files')

await client.views.publish({ user_id: order.user, view: { type: 'home', blocks } })
done('views')

const granted = await new WebClient(undefined, options).oauth.v2.access({
  client_id: order.client_id, client_secret: order.client_secret, code: order.code, redirect_uri: order.redirect_uri,
})
assert.equal(granted.team.id, who.team_id)
assert.equal((await new WebClient(granted.access_token, options).auth.test()).user_id, who.user_id)
done('oauth')
const more = await new WebClient(undefined, options).oauth.v2.access({
  client_id: order.client_id, client_secret: order.client_secret, grant_type: 'refresh_token', refresh_token: granted.refresh_token,
})
assert.notEqual(more.access_token, granted.access_token)
done('refresh')
