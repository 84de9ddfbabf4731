// An app on Slack's own framework, @slack/bolt, with its HTTP receiver: it checks the signatures of what the world delivers.
import { createRequire } from 'node:module'

const order = JSON.parse(process.argv[2])
const { App } = createRequire(order.modules + '/')('@slack/bolt')
const app = new App({ token: order.token, signingSecret: order.signing_secret, clientOptions: { slackApiUrl: order.api_url + '/' } })
const plain = (text) => ({ type: 'plain_text', text })

app.command('/bellhop', async ({ command, ack, respond, client }) => {
  await ack({ text: `bolt took ${command.text}` })
  if (command.text === 'form') {
    await client.views.open({
      trigger_id: command.trigger_id,
      view: {
        type: 'modal', callback_id: 'form', title: plain('Bolt asks'), submit: plain('Go'), blocks: [
          { type: 'input', block_id: 'name', label: plain('Name'), element: { type: 'plain_text_input', action_id: 'v' } },
          {
            type: 'input', block_id: 'what', label: plain('What'), optional: true,
            element: { type: 'external_select', action_id: 'search', min_query_length: 1 },
          },
        ],
      },
    })
  } else {
    await respond({ response_type: 'in_channel', text: 'and responded' })
  }
})
app.options('search', async ({ options, ack }) => ack({ options: [{ text: plain(`${options.value}!`), value: options.value }] }))
app.view('form', async ({ ack, view }) => {
  const name = view.state.values.name.v.value
  await ack(name === 'bad' ? { response_action: 'errors', errors: { name: 'not this one' } } : undefined)
  console.log(`submitted ${name}`)
})
app.action('press', async ({ ack, respond, action }) => {
  await ack()
  await respond({ replace_original: true, text: `pressed ${action.value}` })
})
app.shortcut('save', async ({ ack, shortcut }) => {
  await ack()
  console.log(`shortcut ${shortcut.type} ${shortcut.message?.text ?? ''}`)
})
app.event('app_mention', async ({ event, say }) => {
  await say({ thread_ts: event.ts, text: 'mentioned', blocks: [{
    type: 'actions', elements: [{ type: 'button', action_id: 'press', text: plain('Press'), value: 'it' }],
  }] })
})
app.error(async (error) => console.log(`error ${error.message}`))
const server = await app.start(0)
console.log(`ready ${server.address().port}`)
