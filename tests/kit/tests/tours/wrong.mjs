// Waits for what never comes: the report must name the step.
export default async ({ page, args, step, see }) => {
  page.setDefaultTimeout(500);
  await step('opens the page', () => page.goto(args.url));
  await step('sees a unicorn', () => see('a unicorn'));
};
