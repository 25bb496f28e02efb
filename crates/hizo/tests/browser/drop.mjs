// A folder is handed over by the browser, with the page's script or without any. Run by tests/all/desk.rs.
//
//   node drop.mjs LINK PHRASE FOLDER LANGUAGE WIDTH with|without PICTURES
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.env.NODE_FOLDER, "package.json"));
const { chromium } = require("playwright-core");
const { AxeBuilder } = require("@axe-core/playwright");

const [link, phrase, folder, language, width, script, pictures] = process.argv.slice(2);
const say = (ja, en) => (language === "ja" ? ja : en);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

function check(holds, what) {
  if (!holds) throw new Error(what);
}

try {
  const context = await browser.newContext({
    locale: language === "ja" ? "ja-JP" : "en-GB",
    viewport: { width: Number(width), height: 900 },
    javaScriptEnabled: script === "with",
  });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  const main = page.getByRole("main");
  await page.goto(link);
  await page.waitForURL("**/unlock");
  await main.getByLabel(say("パスフレーズ", "Passphrase"), { exact: true }).fill(phrase);
  await main.getByRole("button", { name: say("開ける", "Unlock") }).click();
  await page.waitForURL("**/safe");
  await page.goto(page.url().replace(/safe$/, "drop"));
  await main.locator("#series").fill("drop");
  await main.locator("#folder").setInputFiles(folder);
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `drop-${language}-${width}.png`), fullPage: true });
  if (script === "with") {
    const found = await new AxeBuilder({ page }).analyze();
    check(found.violations.length === 0, JSON.stringify(found.violations.map((v) => [v.id, v.nodes.map((n) => n.html)])));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check(wide <= 0, `the page is ${wide} pixels too wide`);
  }
  await main.getByRole("button", { name: say("預ける", "Keep them") }).click();
  await page.waitForURL("**/work/*");
  await main.getByText(say(/更新日時、権限/, /not when each file was changed/)).waitFor();
  await page.screenshot({ path: join(pictures, `dropped-${language}-${width}.png`), fullPage: true });
  await main.getByRole("link", { name: say("見る", "Show it") }).click();
  await main.getByRole("link", { name: "α-117.dxf", exact: true }).click();
  await page.waitForURL("**/look*");
  check((await main.locator("pre").innerText()).startsWith("0\nSECTION"), "the text of the file is shown");
  await page.screenshot({ path: join(pictures, `look-${language}-${width}.png`), fullPage: true });
  await page.goBack();
  await main.getByRole("link", { name: "α-117.png", exact: true }).click();
  await page.waitForURL("**/look*");
  await main.locator("img").waitFor();
  if (script === "with") {
    check(await main.locator("img").evaluate((picture) => picture.decode().then(() => picture.naturalWidth === 1)), "the picture is shown");
    const found = await new AxeBuilder({ page }).analyze();
    check(found.violations.length === 0, JSON.stringify(found.violations.map((v) => [v.id, v.nodes.map((n) => n.html)])));
  }
  check(complaints.length === 0, `the browser complains: ${complaints}`);
} finally {
  await browser.close();
}
