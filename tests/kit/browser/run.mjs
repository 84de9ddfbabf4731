// Runs one tour in Chromium: `node run.mjs TOUR.mjs`, with {modules, chromium, out, args} as JSON on standard input.
// Prints `done NAME` after each step; exits 1 with the reason, the page's own messages and a picture when one fails.
import { createRequire } from 'node:module';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const input = [];
for await (const chunk of process.stdin) input.push(chunk);
const { modules, chromium: executablePath, out, args } = JSON.parse(Buffer.concat(input).toString());
const { chromium } = createRequire(path.join(modules, 'index.js'))('playwright-core');

const profile = await mkdtemp(path.join(tmpdir(), 'bellhop-browser-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  acceptDownloads: true,
  viewport: { width: 1280, height: 900 },
  locale: 'en-GB',
  timezoneId: 'Europe/Berlin',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
});
context.setDefaultTimeout(15000);
context.setDefaultNavigationTimeout(15000);

const messages = [];
const faults = [];
const watch = (page) => {
  page.on('console', (message) => messages.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => faults.push(`script error: ${error.message}`));
};
context.on('page', watch);
// What a page loads comes from where the page came from.
context.on('request', (request) => {
  const from = request.frame()?.page()?.url?.() ?? '';
  const url = request.url();
  if (!/^https?:/.test(url) || request.isNavigationRequest() || !/^https?:/.test(from)) return;
  // A page of somebody else's making may try hosts that its tour names; it doesn't reach them.
  if ((args?.elsewhere ?? []).includes(new URL(url).host)) return;
  if (new URL(url).origin !== new URL(from).origin) faults.push(`the page at ${new URL(from).origin} loads ${url}`);
});

for (const host of args?.elsewhere ?? []) await context.route((url) => url.host === host, (route) => route.abort());

const page = context.pages()[0] ?? (await context.newPage());
watch(page);
let current = 'the beginning';
const step = async (name, action) => {
  current = name;
  const result = await action();
  if (faults.length) throw new Error(faults.join('\n'));
  console.log(`done ${name}`);
  return result;
};
const see = (text, on = page) => on.getByText(text).filter({ visible: true }).first().waitFor({ state: 'visible' });
const shot = (name, on = page) => on.screenshot({ path: path.join(out, `${name}.png`), fullPage: false });

let code = 0;
try {
  const { default: tour } = await import(pathToFileURL(path.resolve(process.argv[2])));
  await tour({ page, context, browser: context.browser(), args, out, step, see, shot });
  if (faults.length) throw new Error(faults.join('\n'));
} catch (error) {
  code = 1;
  console.error(`failed ${current}: ${error.stack ?? error}`);
  if (messages.length) console.error(`the page's console:\n  ${messages.slice(-30).join('\n  ')}`);
  const last = context.pages().at(-1) ?? page;
  await last.screenshot({ path: path.join(out, 'failure.png') }).catch(() => {});
  console.error(`the page at the failure is ${last.url()}, in ${path.join(out, 'failure.png')}`);
}
await context.close().catch(() => {});
await rm(profile, { recursive: true, force: true });
process.exit(code);
