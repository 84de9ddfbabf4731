// From figures to a watch, and from the watch to an alert that comes and goes.
export default async function tour({ page, args, step, shot }) {
  const box = page.getByRole('textbox', { name: /^Message/ }).first();
  const log = page.getByRole('log').first();
  const say = async (line) => {
    await box.fill(line);
    await box.press('Enter');
  };
  // What is typed before the new page is there goes to the old one.
  const go = async (channel) => {
    await page.getByRole('link', { name: channel }).first().click();
    await page.waitForURL(`**/c/${channel}*`);
    await page.getByRole('heading', { name: `#${channel}` }).first().waitFor();
    await page.waitForLoadState();
  };
  const card = (text) => log.locator('article').filter({ hasText: text }).last();
  const drawn = () => page.waitForFunction(() => [...document.querySelectorAll('article img')].every((img) => img.complete && img.naturalWidth > 0));

  const HOUR = 3600 * 1000;
  const now = Math.floor(Date.now() / HOUR) * HOUR;
  const event = (name, at, n) => ({ event: name, distinct_id: `p${n}`, time: new Date(at).toISOString(), insert_id: `${name}-${at}-${n}`, properties: { country: n % 2 ? 'DE' : 'FR' } });
  const post = async (events) => {
    for (let at = 0; at < events.length; at += 1000) {
      const sent = await page.request.post(`${args.url}/v1/events`, {
        headers: { authorization: `Bearer ${args.key}` },
        data: events.slice(at, at + 1000),
      });
      if (sent.status() !== 200) throw new Error(`events were answered ${sent.status()}: ${await sent.text()}`);
    }
  };

  await step('events come in', async () => {
    const events = [];
    // Signups for 130 days, fewer at weekends, and three days on which something was broken.
    for (let back = 1; back <= 130; back += 1) {
      const at = now - back * 24 * HOUR;
      const weekend = [0, 6].includes(new Date(at).getUTCDay());
      const usual = (weekend ? 9 : 22) + (back % 5);
      const count = [12, 41, 42].includes(back) ? 4 : usual;
      for (let n = 0; n < count; n += 1) events.push(event('signups', at, n));
    }
    // Orders for four days by the hour; for the last three hours there are none.
    for (let back = 4; back <= 100; back += 1) for (let n = 0; n < 6; n += 1) events.push(event('orders', now - back * HOUR + 60000, n));
    await post(events);
    await page.goto(args.login);
    await box.waitFor();
  });

  await step('metrics appear as one types', async () => {
    await box.pressSequentially('/watch add "events.sig');
    await page.getByRole('option', { name: /events\.signups/ }).first().waitFor();
    await shot('1-typing');
    await box.press('Escape');
    await box.fill('');
    await box.pressSequentially('/watch add "events.signups < 80% of same week');
    await page.getByRole('option', { name: /weekday/ }).first().waitFor();
    await shot('2-typing-on');
    await box.press('Escape');
    await box.fill('');
  });

  await step('a mistyped word has a button', async () => {
    await say('/watch add "events.signups < 80% of same weekday mediam"');
    await card('is not understood').getByRole('button', { name: /Yes, that/ }).waitFor();
    await shot('3-mistyped');
  });

  await step('the past is tested before anything is watched', async () => {
    await say('/watch test "events.signups < 80% of same weekday median for 2 checks"');
    const tested = card('Test of a condition');
    await tested.getByText(/would have fired (twice|3 times) in 90 days/).waitFor();
    const alt = (await tested.getByRole('img').last().getAttribute('alt')) ?? '';
    if (!/would have fired/.test(alt)) throw new Error(`the chart's words don't tell: ${alt}`);
    await tested.getByRole('table').waitFor();
    await drawn();
    await shot('4-test');
  });

  await step('a watch is made', async () => {
    await say('/watch add "events.signups < 80% of same weekday median for 2 checks" --every 15m --to #alerts');
    await card('Watching signups').getByText(/would have fired/).first().waitFor();
    await drawn();
    await shot('5-added');
  });

  await step('one by the hour, checked each second, fires', async () => {
    await say('/watch add "events.orders < 50% of previous day per hour for 2 checks" --every 1s --to #alerts --severity critical');
    await card('Watching orders').waitFor();
    await go('alerts');
    await log.locator('article').filter({ hasText: 'FIRING: orders' }).last().waitFor();
    await shot('6-firing');
    await log.locator('article').filter({ hasText: 'FIRING: orders' }).last().getByRole('button', { name: /^Ack/ }).click();
    await log.locator('article').filter({ hasText: 'ACKNOWLEDGED: orders' }).last().waitFor();
  });

  await step('the watches are listed', async () => {
    await go('general');
    // The alert is out a moment before the list knows of it.
    for (let tries = 1; ; tries += 1) {
      await say('/watch list');
      try {
        await card('2 watches, 1 firing').waitFor({ timeout: 5000 });
        break;
      } catch (error) {
        if (tries === 4) throw error;
      }
    }
    await shot('7-list');
  });

  await step('it is over when the orders are there', async () => {
    const events = [];
    for (let back = 0; back <= 3; back += 1) for (let n = 0; n < 6; n += 1) events.push(event('orders', now - back * HOUR + 1000, n));
    await post(events);
    await go('alerts');
    await log.locator('article').filter({ hasText: 'RESOLVED: orders' }).last().waitFor();
    if (await log.locator('article').filter({ hasText: 'FIRING: orders' }).count()) throw new Error('there are two cards of one alert');
    await shot('8-resolved');
  });

  await step('it is removed, and made again', async () => {
    await go('general');
    await say('/watch remove orders');
    // The card of its first making is still there.
    const made = log.locator('article').filter({ hasText: 'Watching orders' });
    const before = await made.count();
    await card('The watch orders is removed').getByRole('button', { name: 'Undo' }).click();
    await made.nth(before).waitFor();
    await say('/watch pause orders');
    await card('is paused').waitFor();
    await say('/watch list');
    await card('paused for').waitFor();
    await shot('9-paused');
  });

  await step('it fits a small screen', async () => {
    await page.setViewportSize({ width: 375, height: 720 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    if (wide) throw new Error('the page scrolls sideways');
    await shot('10-small');
    await page.setViewportSize({ width: 1280, height: 900 });
  });
}
