#!/usr/bin/env -S deno run --quiet
// Makes a title of a text: the first letter of each word is a capital.

async function* lines() {
  let rest = "";
  for await (const piece of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + piece).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

for await (const line of lines()) {
  const event: { text: string } = JSON.parse(line);
  const title = event.text.replace(/\p{L}+/gu, (word) => word[0].toUpperCase() + word.slice(1));
  console.log(JSON.stringify({ title })); // console.log flushes
}
