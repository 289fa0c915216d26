// Answers which of the links in a page are broken: {"page": "…"} -> {"checked": 3, "broken": ["…"]}

import { setTimeout as sleep } from 'node:timers/promises';

// Done once, before the first event is asked for.
const gone = new Set(['https://example.com/old', 'https://example.com/older']);

// In place of fetch(), for the example needs no network.
const head = async (url) => {
  await sleep(10);
  return { ok: !gone.has(url) };
};

export const handler = async ({ page }, context) => {
  const links = page.match(/https:[^\s)]+/g) ?? [];
  console.log('checking %d links within %d ms', links.length, context.getRemainingTimeInMillis());
  const answers = await Promise.all(links.map(head));
  return { checked: links.length, broken: links.filter((_, index) => !answers[index].ok) };
};
