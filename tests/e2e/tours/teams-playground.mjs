// A person in the Microsoft 365 Agents Playground. It has no dialogs and no way to attach a file: those two steps send, through the
// playground's own route for custom activities, what Teams would send, and look at what comes back.
export default async function tour({ page, args, step, shot }) {
  const frames = [];
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => frames.push(JSON.parse(String(payload)))));
  const box = page.getByRole('textbox').first();
  const say = async (line) => {
    await box.click();
    await page.keyboard.type(line);
    await page.keyboard.press('Enter');
  };
  const card = (text) => page.locator('.ac-adaptiveCard').filter({ hasText: text }).last();
  const wait = async (what, find) => {
    for (const deadline = Date.now() + 15000; Date.now() < deadline; await page.waitForTimeout(50)) {
      const found = find();
      if (found) return found;
    }
    throw new Error(`waited in vain for ${what}; the last frame is ${JSON.stringify(frames.at(-1)).slice(0, 2000)}`);
  };
  // What the bot was sent last, as the base of another activity by the same person in the same place.
  const activity = (changes) => {
    const sent = frames.map((frame) => frame.log?.request?.body).filter((body) => body?.type === 'message' && body.recipient);
    return { ...sent.at(-1), ...changes };
  };
  const bring = (body) =>
    page.evaluate(async (body) => {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch('/_internal/v1/customActivities', { method: 'POST', headers, body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`the playground answers ${answer.status}`);
    }, body);
  // What the bot answered in the response to an invoke, as the playground's log has it.
  const answered = (id) => {
    const log = frames.map((frame) => frame.log).find((log) => log?.request?.body?.id === id && log.response);
    return log?.response?.body;
  };

  await step('help', async () => {
    await page.goto(args.page);
    await box.waitFor();
    await say('help');
    await card('What I can do').waitFor();
    await shot('help');
  });

  await step('a command', async () => {
    await say('status');
    await card('Bellhop is at your service').waitFor();
  });

  await step('a button', async () => {
    await card('What I can do').getByRole('button', { name: 'file list' }).click();
    await card('Files in').or(card('There are no files')).first().waitFor();
    await shot('button');
  });

  await step('a file', async () => {
    const attachment = {
      contentType: 'application/vnd.microsoft.teams.file.download.info',
      contentUrl: `${args.file}`,
      name: 'note.txt',
      content: { downloadUrl: args.file, uniqueId: 'note', fileType: 'txt' },
    };
    await bring(activity({ id: 'file-1', text: 'file put', attachments: [attachment] }));
    await card('Stored note.txt').waitFor();
    await shot('file');
  });

  await step('a dialog', async () => {
    await say('file info');
    const asks = card('1 more argument is needed');
    await asks.getByRole('button', { name: /Fill in file info/ }).waitFor();
    const shown = await wait('the card', () => frames.find((frame) => frame.action === 'createMessage' && JSON.stringify(frame).includes('1 more argument is needed')));
    const content = shown.message.attachments[0].content;
    const actions = content.body.flatMap((part) => part.actions ?? []).concat(content.actions ?? []);
    const button = actions.find((action) => action.title.startsWith('Fill in'));
    await bring(activity({ id: 'fetch-1', type: 'invoke', name: 'task/fetch', text: undefined, value: { data: button.data, context: { theme: 'default' } } }));
    const fetched = await wait('the dialog', () => answered('fetch-1'));
    const dialog = (typeof fetched === 'string' ? JSON.parse(fetched) : fetched).task.value.card.content;
    const inputs = [];
    const walk = (part) => {
      if (Array.isArray(part)) return part.forEach(walk);
      if (part && typeof part === 'object') {
        if (String(part.type).startsWith('Input.')) inputs.push(part);
        Object.values(part).forEach(walk);
      }
    };
    walk(dialog.body);
    const name = inputs.find((input) => /^Name/i.test(input.label ?? ''));
    const submits = dialog.actions.find((action) => action.type === 'Action.Submit');
    const data = { ...submits.data, [name.id]: 'note.txt' };
    await bring(activity({ id: 'submit-1', type: 'invoke', name: 'task/submit', text: undefined, value: { data, context: { theme: 'default' } } }));
    await card('SHA-256').waitFor();
    await shot('dialog');
  });
}
