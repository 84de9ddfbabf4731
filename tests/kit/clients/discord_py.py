"""discord.py as a second bot: it logs in over a compressed stream, sees what others say, answers a command and a button, and stays.
Its order is JSON on the command line; what it does and hears is a line each."""

import io
import json
import logging
import sys

import discord
import discord.gateway
import discord.http
import yarl
from discord import app_commands

order = json.loads(sys.argv[1])
discord.http.Route.BASE = order["api"]
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(order["gateway"])
logging.basicConfig(level=logging.ERROR, stream=sys.stdout)


def say(*words):
    print(*words, flush=True)


class Press(discord.ui.View):
    @discord.ui.button(label="Press", custom_id="press")
    async def press(self, interaction, _):
        await interaction.response.edit_message(content=f"pressed by {interaction.user.name}", view=None)


class Ask(discord.ui.Modal, title="Python asks"):
    name = discord.ui.Label(text="Name", component=discord.ui.TextInput())

    async def on_submit(self, interaction):
        await interaction.response.send_message(f"form {self.name.component.value}")


intents = discord.Intents.none()
intents.guilds = intents.guild_messages = intents.guild_reactions = intents.message_content = intents.dm_messages = True


class Bot(discord.Client):
    def __init__(self):
        super().__init__(intents=intents, chunk_guilds_at_startup=False)
        self.tree = app_commands.CommandTree(self)

    async def on_message(self, message):
        if message.author != self.user:
            parts = [message.content, *(embed.title for embed in message.embeds), *(file.filename for file in message.attachments)]
            say("heard", message.author.name, "|".join(part for part in parts if part))

    async def on_resumed(self):
        say("resumed")

    async def on_raw_reaction_add(self, reaction):
        say("reaction", reaction.emoji.name)

    async def on_ready(self):
        guild = self.get_guild(int(order["guild"]))
        self.tree.copy_global_to(guild=guild)
        await self.tree.sync(guild=guild)
        channel = guild.get_channel(int(order["channel"]))
        embed = discord.Embed(title="A card", description="*it*").add_field(name="one", value="1")
        posted = await channel.send("from python", embed=embed, file=discord.File(io.BytesIO(b"its bytes"), "p.txt", description="a note"))
        assert await posted.attachments[0].read() == b"its bytes"
        await posted.edit(content="changed by python")
        await posted.add_reaction("\N{WHITE HEAVY CHECK MARK}")
        history = [message.content async for message in channel.history(limit=10)]
        role = await guild.create_role(name="pythons")
        member = await guild.fetch_member(int(order["person"]))
        await member.add_roles(role)
        try:
            await member.add_roles(discord.Object(int(order["chief"])))
        except discord.Forbidden as error:
            refused = error.code
        try:
            await channel.send("x" * 2001)
        except discord.HTTPException as error:
            long = [error.code, "content" in str(error)]
        say("ready", json.dumps({"history": history, "refused": refused, "long": long}))


bot = Bot()


@bot.tree.command(name="py", description="What is tried")
@app_commands.describe(text="What", who="Whom")
async def py(interaction: discord.Interaction, text: str, who: discord.Member | None = None):
    if text == "form":
        return await interaction.response.send_modal(Ask())
    await interaction.response.defer(thinking=True)
    await interaction.followup.send(f"took {text} {who.name if who else 'nobody'}", view=Press())


bot.run(order["token"], log_handler=None)
