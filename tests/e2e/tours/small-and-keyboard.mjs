// A narrow screen, the keyboard alone, mistakes, forms, and being someone else.
export default async function tour({ page, args, step, shot }) {
  const box = page.getByRole('textbox', { name: /^Message/ }).first();
  const log = page.getByRole('log').first();
  const say = async (line) => {
    await box.fill(line);
    await box.press('Enter');
  };
  const card = (text) => log.locator('article').filter({ hasText: text }).last();

  await step('nothing is wider than a small screen', async () => {
    await page.setViewportSize({ width: 375, height: 720 });
    await page.goto(args.login);
    await box.waitFor();
    await say('/help');
    await card('What I can do').waitFor();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    if (wide) throw new Error('the page scrolls sideways');
    await shot('small');
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  await step('a mistyped command has a button that mends it', async () => {
    await say('/fiel list');
    await card('Did you mean').getByRole('button', { name: /file list/ }).click();
    await card('Files in').or(card('No files')).or(card('no files')).first().waitFor();
  });

  await step('missing arguments are asked for in a form', async () => {
    await say('/channel create');
    const form = card('channel create').getByRole('form').or(card('channel create').locator('form')).first();
    await form.getByLabel(/NAME/i).first().fill('plans');
    await form.getByRole('button').first().click();
    await page.getByRole('link', { name: /plans/ }).first().waitFor();
    await shot('form');
  });

  await step('an unbalanced quote is explained', async () => {
    await say('/channel post "hello');
    await card('never closed').waitFor();
  });

  await step('hostile text stays text', async () => {
    await say('/channel post <img src=x onerror=document.title=1> @everyone');
    await card('<img src=x').waitFor();
    if ((await page.locator('article img[src="x"]').count()) || (await page.title()) === '1') throw new Error('markup came through');
  });

  await step('a member is told what is missing', async () => {
    await page.getByLabel(/You are/i).selectOption({ label: await page.getByLabel(/You are/i).locator('option', { hasText: 'member' }).first().textContent().then((t) => t.trim()) });
    await page.waitForLoadState('load');
    await say('/channel create secrets');
    await card('You may not use').waitFor();
    await shot('member');
  });
}
