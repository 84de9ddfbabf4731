// A bot by Microsoft's own SDK for JavaScript (@microsoft/agents-hosting), behind express: the oracle for the Teams world of the test
// kit, and the one that the benchmark compares with. What the SDK asks of login.botframework.com and login.microsoftonline.com goes to
// the world. Its order comes as JSON in the first argument: { modules, url, app_id, secret, tenant }.
import http from 'node:http'
import https from 'node:https'
import { createRequire } from 'node:module'

const order = JSON.parse(process.argv[2])
const require = createRequire(`${order.modules}/`)
const world = new URL(order.url)

// The vendor's hosts, as paths of the world.
const moved = address => {
  const url = new URL(address)
  if (url.hostname === 'login.botframework.com') return `${order.url}/openid${url.pathname}`
  if (url.hostname === 'login.microsoftonline.com') return `${order.url}/login${url.pathname}`
  return undefined
}
const plain = globalThis.fetch
globalThis.fetch = async (address, options) => {
  const text = String(address?.url ?? address)
  if (/^https:\/\/login\.microsoftonline\.com\/.*\/\.well-known\/openid-configuration/.test(text)) {
    const base = `https://login.microsoftonline.com/${order.tenant}`
    return new Response(JSON.stringify({
      token_endpoint: `${base}/oauth2/v2.0/token`, authorization_endpoint: `${base}/oauth2/v2.0/authorize`, issuer: `${base}/v2.0`,
      end_session_endpoint: `${base}/oauth2/v2.0/logout`, jwks_uri: `${base}/discovery/v2.0/keys`,
    }), { headers: { 'content-type': 'application/json' } })
  }
  return plain(moved(text) ?? address, options)
}
const request = https.request
https.request = (options, ...rest) => {
  if (options?.hostname === 'login.botframework.com' || options?.host === 'login.botframework.com') {
    const more = { ...options, protocol: 'http:', hostname: world.hostname, host: world.hostname, port: world.port, agent: undefined, path: `/openid${options.path}` }
    return http.request(more, ...rest)
  }
  return request(options, ...rest)
}

const { CloudAdapter, authorizeJWT, getAuthConfigWithDefaults } = require('@microsoft/agents-hosting')
const { Activity } = require('@microsoft/agents-activity')
const express = require('express')

const config = getAuthConfigWithDefaults({ clientId: order.app_id, clientSecret: order.secret, tenantId: order.tenant })
const adapter = new CloudAdapter(config)
adapter.onTurnError = async (_context, error) => console.log(`error ${error.stack}`)

const card = text => ({
  type: 'message',
  attachments: [{
    contentType: 'application/vnd.microsoft.card.adaptive',
    content: {
      type: 'AdaptiveCard', version: '1.5', body: [{ type: 'TextBlock', text }],
      actions: [{ type: 'Action.Execute', title: 'Press', verb: 'press', data: { n: 1 } }],
    },
  }],
})

let sent
const turn = async context => {
  const activity = context.activity
  if (activity.type === 'invoke') {
    const said = { statusCode: 200, type: 'application/vnd.microsoft.activity.message', value: `pressed ${activity.value?.action?.data?.n}` }
    await context.sendActivity(Activity.fromObject({ type: 'invokeResponse', value: { status: 200, body: said } }))
    return
  }
  if (activity.type !== 'message') return
  const said = (activity.removeRecipientMention?.() ?? activity.text ?? '').replace(/<at>.*?<\/at>/g, '').replaceAll('&nbsp;', ' ').trim()
  const [word, ...rest] = said.split(' ')
  if (word === 'quiet') return
  if (word === 'echo') sent = await context.sendActivity(Activity.fromObject({ type: 'message', text: rest.join(' ') }))
  if (word === 'card') await context.sendActivity(Activity.fromObject(card(rest.join(' '))))
  if (word === 'change') await context.updateActivity(Activity.fromObject({ type: 'message', id: sent.id, text: rest.join(' ') }))
  if (word === 'remove') await context.deleteActivity(sent.id)
}

const server = express()
server.use(express.json())
server.post('/api/messages', authorizeJWT(config), async (incoming, outgoing) => adapter.process(incoming, outgoing, turn))
const listener = server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${listener.address().port}`))
