// The tour of the README, step by step, as a newcomer takes it.
import { copyFile } from 'node:fs/promises';
import path from 'node:path';

export default async function tour({ page, context, args, out, step, see, shot }) {
  const box = page.getByRole('textbox', { name: /^Message/ }).first();
  const log = page.getByRole('log').first();
  const last = () => log.locator('article').last();
  const say = async (line) => {
    await box.fill(line);
    await box.press('Enter');
  };
  const answered = (text) => log.locator('article').filter({ hasText: text }).last().waitFor();

  await step('a stranger is told where the link is', async () => {
    const stranger = await context.browser()?.newContext?.().catch(() => null);
    const other = stranger ? await stranger.newPage() : await context.newPage();
    await other.goto(args.url);
    await other.getByText(/link/i).first().waitFor();
    if (await other.getByRole('log').count()) throw new Error('a stranger sees messages');
    await other.close();
  });

  await step('the link logs in, once', async () => {
    await page.goto(args.login);
    await page.waitForURL((url) => url.pathname === '/' || !url.search.includes('token'));
    await box.waitFor();
    const again = await page.request.get(args.login, { maxRedirects: 0 });
    if (again.status() < 400 && (again.headers()['set-cookie'] ?? '') !== '') throw new Error('the link works twice');
    await shot('1-welcome');
  });

  await step('help', async () => {
    await say('/help');
    await answered('What I can do');
    await shot('2-help');
  });

  await step('commands appear as one types', async () => {
    await box.pressSequentially('/file sh');
    await page.getByRole('option', { name: /share/ }).first().waitFor();
    await box.press('Escape');
    await box.fill('');
  });

  await step('a file is put', async () => {
    await page.locator('input[type=file]').first().setInputFiles(args.file);
    await say('/file put');
    await answered('Stored');
    await shot('3-put');
  });

  await step('and shared by a link', async () => {
    await say('/file share to-share.bin');
    const card = log.locator('article').filter({ hasText: 'Link to to-share.bin' }).last();
    const link = card.getByRole('link', { name: /Download|http/ }).first();
    const url = await link.getAttribute('href');
    const got = await page.request.get(url, { headers: { cookie: '' } });
    if (got.status() !== 200) throw new Error(`the link answers ${got.status()}`);
    const { writeFile } = await import('node:fs/promises');
    await writeFile(path.join(out, 'downloaded'), await got.body());
    await shot('4-share');
  });

  await step('a file is put by dropping it', async () => {
    const data = await page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(['dropped'], 'dropped.txt', { type: 'text/plain' }));
      return transfer;
    });
    for (const kind of ['dragenter', 'dragover', 'drop']) await log.dispatchEvent(kind, { dataTransfer: data });
    await page.getByText('dropped.txt').first().waitFor();
    await say('/file put');
    await answered('Stored dropped.txt');
  });

  await step('sample events give a chart', async () => {
    await say('/sample');
    await answered('page_view, signup and purchase');
    await say('/report page_views 30d --compare previous');
    const picture = log.locator('article').filter({ hasText: 'page_views' }).last().getByRole('img').last();
    await picture.waitFor();
    const alt = (await picture.getAttribute('alt')) ?? '';
    if (alt.length < 20) throw new Error(`the chart's words are too few: ${alt}`);
    await log.getByRole('table').last().waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll('article img')].every((img) => img.complete && img.naturalWidth > 0));
    await shot('5-report');
  });

  await step('an alert appears without a reload', async () => {
    await page.getByRole('link', { name: /alerts/ }).first().click();
    // The alert is sent at once: it may come while the page is still on its way.
    await page.evaluate(() => { window.notReloaded = true; });
    const sent = await page.request.post(`${args.url}/alerts/generic`, {
      headers: { authorization: `Bearer ${args.key}` },
      data: { name: 'DiskFull', severity: 'critical', summary: '/var is at 97 %' },
    });
    if (sent.status() !== 200) throw new Error(`the alert was answered ${sent.status()}`);
    await log.locator('article').filter({ hasText: 'FIRING' }).last().waitFor();
    await shot('6-alert');
  });

  const alert = log.locator('article').filter({ hasText: 'DiskFull' });
  await step('it is acknowledged by its button', async () => {
    await alert.last().getByRole('button', { name: /^Ack/ }).click();
    await alert.filter({ hasText: 'ACKNOWLEDGED' }).last().waitFor();
    await shot('7-acknowledged');
  });

  await step('and resolved where it stands', async () => {
    await page.request.post(`${args.url}/alerts/generic`, {
      headers: { authorization: `Bearer ${args.key}` },
      data: { name: 'DiskFull', severity: 'critical', status: 'resolved' },
    });
    await alert.filter({ hasText: 'RESOLVED' }).last().waitFor();
    if (await log.locator('article').filter({ hasText: 'FIRING' }).count()) throw new Error('the old card is still there');
    if (!(await page.evaluate(() => window.notReloaded))) throw new Error('the page was reloaded');
    await shot('8-resolved');
  });
}
