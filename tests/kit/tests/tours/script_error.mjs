// A page whose script fails: the tour must fail even though every step did what it should.
export default async ({ page, args, step }) => {
  await step('opens the page', () => page.goto(`${args.url}/broken`));
  await step('looks on', () => page.waitForTimeout(300));
};
