// discord-interactions on express, which Discord's own guide uses for interactions by HTTP. Its order is JSON on the command line.
import { createRequire } from 'node:module'

const order = JSON.parse(process.argv[2])
const require = createRequire(order.modules + '/')
const express = require('express')
const { verifyKeyMiddleware, InteractionResponseType } = require('discord-interactions')
const app = express()
app.post('/interactions', verifyKeyMiddleware(order.public_key), (request, response) => {
  response.send({ type: InteractionResponseType.CHANNEL_MESSAGE_WITH_SOURCE, data: { content: `took ${request.body.data.name}`, allowed_mentions: { parse: [] } } })
})
const server = app.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`))
