// discord.js as a second bot: it logs in, sees what others say, answers commands, forms and buttons, and stays. Its order is JSON on
// the command line; what it does and hears is a line each.
import { createRequire } from 'node:module'

const order = JSON.parse(process.argv[2])
const {
  Client, Events, GatewayIntentBits, Partials, EmbedBuilder, ActionRowBuilder, ButtonBuilder, ButtonStyle, ModalBuilder, LabelBuilder,
  TextInputBuilder, TextInputStyle, StringSelectMenuBuilder, SlashCommandBuilder, ContextMenuCommandBuilder, ApplicationCommandType,
  MessageFlags, AttachmentBuilder, PermissionFlagsBits, ChannelType,
} = createRequire(order.modules + '/')('discord.js')
const say = (...words) => console.log(words.join(' '))
process.on('unhandledRejection', (error) => { say('error', error.stack); process.exit(1) })

const { Guilds, GuildMessages, GuildMessageReactions, DirectMessages, MessageContent } = GatewayIntentBits
const client = new Client({
  intents: [Guilds, GuildMessages, GuildMessageReactions, DirectMessages, MessageContent],
  partials: [Partials.Channel, Partials.Message, Partials.Reaction],
  rest: { api: order.api, retries: 0 },
})
client.on(Events.Error, (error) => say('error', error.stack))
client.on(Events.Warn, (warning) => say('warning', warning))
client.on(Events.ShardResume, (_, replayed) => say('resumed', replayed))
client.on(Events.MessageCreate, (message) => {
  const parts = [message.content, ...message.embeds.map((embed) => embed.title), ...message.attachments.map((file) => file.name)]
  if (message.author.id !== client.user.id) say('heard', message.author.username, parts.filter(Boolean).join('|'))
})
client.on(Events.MessageUpdate, (_, message) => say('changed', message.content))
client.on(Events.MessageDelete, (message) => say('deleted', message.id))
client.on(Events.MessageReactionAdd, (reaction, user) => say('reaction', reaction.emoji.name, user.id))
client.on(Events.ThreadCreate, (thread) => say('thread', thread.name))
client.on(Events.ChannelCreate, (channel) => say('channel', channel.name))

client.on(Events.InteractionCreate, async (interaction) => {
  if (interaction.isAutocomplete()) {
    const typed = interaction.options.getFocused()
    return interaction.respond([{ name: `${typed} one`, value: `${typed}1` }, { name: `${typed} two`, value: `${typed}2` }])
  }
  if (interaction.isMessageContextMenuCommand()) {
    return interaction.reply({ content: `looked at ${interaction.targetMessage.content}`, flags: MessageFlags.Ephemeral })
  }
  if (interaction.isModalSubmit()) {
    const [name, kind] = [interaction.fields.getTextInputValue('name'), interaction.fields.getStringSelectValues('kind')[0]]
    return interaction.reply(`form ${name} ${kind}`)
  }
  if (interaction.isButton()) return interaction.update({ content: `pressed by ${interaction.user.username}`, components: [] })
  if (!interaction.isChatInputCommand()) return
  const command = interaction.options.getSubcommand()
  if (command === 'now') {
    const file = interaction.options.getAttachment('file')
    const bytes = file ? await (await fetch(file.url)).text() : ''
    return interaction.reply(`took ${interaction.options.getString('text')} ${bytes}`.trim())
  }
  if (command === 'later') {
    await interaction.deferReply({ flags: MessageFlags.Ephemeral })
    await interaction.editReply({ content: 'later', files: [new AttachmentBuilder(Buffer.from('from node'), { name: 'n.txt', description: 'a note' })] })
    const row = new ActionRowBuilder().addComponents(new ButtonBuilder().setCustomId('p').setLabel('Press').setStyle(ButtonStyle.Primary))
    return interaction.followUp({ content: 'and after', components: [row] })
  }
  const text = new TextInputBuilder().setCustomId('name').setStyle(TextInputStyle.Short).setMaxLength(10)
  const select = new StringSelectMenuBuilder().setCustomId('kind').addOptions({ label: 'Small', value: 's' }, { label: 'Large', value: 'l' })
  return interaction.showModal(new ModalBuilder().setCustomId('form').setTitle('A form').addLabelComponents(
    new LabelBuilder().setLabel('Name').setTextInputComponent(text), new LabelBuilder().setLabel('Kind').setStringSelectMenuComponent(select)))
})

client.once(Events.ClientReady, async () => {
  const guild = client.guilds.cache.get(order.guild)
  await guild.commands.set([
    new SlashCommandBuilder().setName('js').setDescription('What is tried')
      .addSubcommand((sub) => sub.setName('now').setDescription('At once')
        .addStringOption((option) => option.setName('text').setDescription('What').setRequired(true).setAutocomplete(true))
        .addAttachmentOption((option) => option.setName('file').setDescription('A file')))
      .addSubcommand((sub) => sub.setName('later').setDescription('Later'))
      .addSubcommand((sub) => sub.setName('form').setDescription('A form')),
    new ContextMenuCommandBuilder().setName('Look at it').setType(ApplicationCommandType.Message),
  ])
  const channel = guild.channels.cache.get(order.channel)
  const embed = new EmbedBuilder().setTitle('A card').setDescription('**bold** [here](https://x.example)').addFields({ name: 'one', value: '1' })
  const posted = await channel.send({ content: 'from node', embeds: [embed], nonce: 'js-1', enforceNonce: true })
  const again = await channel.send({ content: 'from node', nonce: 'js-1', enforceNonce: true })
  if (again.id !== posted.id) throw new Error('the nonce made no difference')
  await posted.edit('changed by node')
  await posted.react('✅')
  const thread = await posted.startThread({ name: 'about it' })
  await thread.send('in the thread')
  const webhook = await channel.createWebhook({ name: 'hook' })
  await webhook.send({ content: 'by the hook', username: 'Hook' })
  const history = await channel.messages.fetch({ limit: 10 })
  const room = await guild.channels.create({
    name: 'Node Room', type: ChannelType.GuildText, topic: 'rooms',
    permissionOverwrites: [{ id: guild.id, deny: [PermissionFlagsBits.ViewChannel] }, { id: client.user.id, allow: [PermissionFlagsBits.ViewChannel] }],
  })
  const invite = await channel.createInvite({ maxAge: 60 })
  const refused = await channel.send({ content: 'x'.repeat(2001) }).catch((error) => error.code)
  const nowhere = await client.channels.fetch('1').catch((error) => error.code)
  // As many as a bucket holds and some more: it waits as long as it is told.
  if (order.many) await Promise.all(Array.from({ length: 7 }, (_, n) => thread.send(`many ${n}`)))
  say('ready', JSON.stringify({ history: history.size, room: room.name, invite: invite.code, refused, nowhere, ping: client.ws.ping }))
})
await client.login(order.token)
