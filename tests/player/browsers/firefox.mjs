/**
 * Drives Firefox by WebDriver BiDi: reads a command a line from the standard input, as JSON, and answers with a line.
 * Its argument is the path of the browser.
 */
import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath: process.argv[2],
  headless: true,
  extraPrefsFirefox: {
    "fission.bfcacheInParent": true, // Puppeteer turns the back/forward cache off
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
  },
});
const pages = [];

const commands = {
  async open({ url }) {
    const page = await browser.newPage();
    pages.push(page);
    await page.goto(url);
    return pages.length - 1;
  },
  goto: ({ page, url }) => pages[page].goto(url).then(() => null),
  evaluate: ({ page, expression }) => pages[page].evaluate(expression),
  front: ({ page }) => pages[page].bringToFront(),
  close: ({ page }) => pages[page].close(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { name, ...given } = JSON.parse(line);
  try {
    const value = (await commands[name](given)) ?? null;
    process.stdout.write(`${JSON.stringify({ value })}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: String(error) })}\n`);
  }
}
await browser.close();
