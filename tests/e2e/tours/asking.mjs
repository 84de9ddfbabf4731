// Asking as a newcomer does: a report, sources beside one another, drawn otherwise, saved, asked again, posted on a schedule.
export default async function tour({ page, args, step, shot }) {
  const box = page.getByRole('textbox', { name: /^Message/ }).first();
  const log = page.getByRole('log').first();
  const say = async (line) => {
    await box.fill(line);
    await box.press('Enter');
  };
  const card = (text) => log.locator('article').filter({ hasText: text }).last();
  const drawn = async (text, alt) => {
    const picture = card(text).getByRole('img').last();
    await picture.waitFor();
    const said = (await picture.getAttribute('alt')) ?? '';
    if (!alt.test(said)) throw new Error(`the chart's words are: ${said}`);
    await card(text).getByRole('table').first().waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll('article img')].every((img) => img.complete && img.naturalWidth > 0));
  };

  await step('sample events are there', async () => {
    await page.setViewportSize({ width: 1280, height: 1000 });
    await page.goto(args.login);
    await box.waitFor();
    await say('/sample');
    await card('page_view, signup and purchase').waitFor();
  });

  await step('metrics, properties and sources appear as one types', async () => {
    await box.pressSequentially('/report page_v');
    await page.getByRole('option', { name: /page_view/ }).first().waitFor();
    await box.fill('');
    await box.pressSequentially('/report page_views 7d --by coun');
    await page.getByRole('option', { name: /country/ }).first().waitFor();
    await box.fill('');
    await box.pressSequentially('/report page_views 7d --source al');
    await page.getByRole('option', { name: /all/ }).first().waitFor();
    await box.press('Escape');
    await box.fill('');
  });

  await step('a report with the period before', async () => {
    await say('/report page_views 30d --compare previous');
    await drawn('in the period before', /Line chart of page_views by day/);
    await shot('1-report');
  });

  await step('areas, hours of the week, a funnel, and who comes back', async () => {
    await say('/report page_views 14d --by day,country --chart area');
    await drawn('page_views, last 14 days', /Area chart/);
    await shot('2-area');
    await say('/report page_views 4w --chart heat');
    await drawn('On average, the most in an hour', /Heat map/);
    await shot('3-heat');
    await say('/funnel page_view signup purchase --within 30d');
    await drawn('went all the way', /Funnel chart/);
    await shot('4-funnel');
    await say('/retention signup any');
    await drawn('people began', /Heat map of the share/);
    await shot('5-retention');
  });

  await step('two sources beside one another; one that is down is named', async () => {
    await say('/report signup 14d --source all');
    const both = card('signup, last 14 days');
    await both.getByText(args.down ? /did not answer/ : /differs/).first().waitFor();
    await drawn('signup, last 14 days', /Line chart of signup/);
    await shot('6-sources');
  });

  await step('saved, listed, asked again by its name', async () => {
    await say('/report page_views 7d --compare previous --save weekly');
    await card('Saved as').waitFor();
    await say('/saved list');
    await card('1 saved report').getByRole('button', { name: 'weekly' }).click();
    await say('/report weekly 16d');
    await drawn('page_views, last 16 days', /in all/);
    await shot('7-saved');
  });

  await step('and posted on a schedule', async () => {
    await say('/schedule add "0 9 * * 1" report weekly');
    await card('Scheduled').getByText('report weekly').first().waitFor();
    await shot('8-scheduled');
  });

  await step('the figures go to a store and the answer to a channel', async () => {
    await say('/report weekly --store local');
    await card('The figures are stored as').waitFor();
    await say('/report weekly --to #general');
    await card('Posted to').waitFor();
  });

  await step('a mistyped metric has a button that mends it', async () => {
    await say('/report page_veiws 7d');
    await card('Did you mean').getByRole('button', { name: /page_view/ }).first().waitFor();
    await say('/report page_views 2031-01-01..2031-01-07');
    await card('has not begun yet').waitFor();
  });

  await step('nothing is wider than a small screen, in the dark', async () => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 375, height: 720 });
    await say('/report page_views 21d --compare previous');
    await drawn('page_views, last 21 days', /Line chart/);
    await shot('9-small-report');
    await say('/retention signup any 6w');
    await drawn('last 6 weeks', /Heat map/);
    await shot('9-small-retention');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    if (wide) throw new Error('the page scrolls sideways');
  });
}
