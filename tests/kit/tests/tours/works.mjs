// What a tour can do, on a page of the test's own: type, click, upload, download, see what appears later.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

export default async ({ page, args, out, step, see, shot }) => {
  await step('opens the page', () => page.goto(args.url));
  await step('types and sends', async () => {
    await page.getByLabel('Message').fill('hello <b>there</b>');
    await page.getByRole('button', { name: 'Send' }).click();
    await see('you said hello <b>there</b>');
  });
  await step('uploads', async () => {
    const file = path.join(out, 'upload.txt');
    await writeFile(file, 'up and down');
    await page.getByLabel('File').setInputFiles(file);
    await page.getByRole('button', { name: 'Upload' }).click();
    await see('11 bytes');
  });
  await step('downloads the same bytes', async () => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()]);
    const got = await readFile(await download.path(), 'utf8');
    if (got !== 'up and down') throw new Error(`downloaded ${JSON.stringify(got)}`);
  });
  await shot('end');
};
