// Something is wrong: an owner finds out what not to do and what to keep, and begins a case; a company and a counsellor, each at a desk of
// their own over one keeper, take a case from the story to the advice. Run by tests/all/desk.rs.
//
//   node something-wrong.mjs SAFE COMPANY COUNSELLOR PHRASE LANGUAGE WIDTH PICTURES
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.env.NODE_FOLDER, "package.json"));
const { chromium } = require("playwright-core");
const { AxeBuilder } = require("@axe-core/playwright");

const [safe, company, counsellor, phrase, language, width, pictures] = process.argv.slice(2);
const say = (ja, en) => (language === "ja" ? ja : en);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

function check(holds, what) {
  if (!holds) throw new Error(what);
}

// A desk that somebody has sat down at and unlocked.
async function desk(link) {
  const context = await browser.newContext({ locale: language === "ja" ? "ja-JP" : "en-GB", viewport: { width: Number(width), height: 900 } });
  const page = await context.newPage();
  let interactions = 1;
  await page.goto(link);
  await page.waitForURL("**/unlock");
  await page.getByLabel(say("パスフレーズ", "Passphrase")).fill(phrase);
  await page.getByRole("button", { name: say("開ける", "Unlock") }).click();
  await page.waitForURL("**/safe");
  interactions += 2;
  const main = page.getByRole("main");
  return {
    page,
    main,
    count: () => interactions,
    async press(name, within = main) {
      interactions += 1;
      await within.getByRole("button", { name }).or(within.getByRole("link", { name })).first().click();
    },
    async fill(label, text) {
      interactions += 1;
      await main.getByLabel(label).first().fill(text);
    },
    async look(name) {
      mkdirSync(pictures, { recursive: true });
      await page.screenshot({ path: join(pictures, `${name}-${language}-${width}.png`), fullPage: true });
      const found = await new AxeBuilder({ page }).analyze();
      check(found.violations.length === 0, `${name}: ${JSON.stringify(found.violations.map((v) => [v.id, v.nodes.map((n) => n.html)]))}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      check(wide <= 0, `${name} is ${wide} pixels too wide`);
    },
    // What the other side said comes with a look that is a few seconds old.
    async until(text) {
      for (let tries = 0; tries < 40; tries += 1) {
        if ((await main.getByText(text).count()) > 0) return;
        await page.waitForTimeout(500);
        await page.reload();
      }
      throw new Error(`never saw ${text}`);
    },
  };
}

try {
  // An owner, calmly.
  const owner = await desk(safe);
  await owner.press(say("何かおかしい", "Something is wrong"), owner.page.getByRole("banner"));
  await owner.look("20-wrong");
  await owner.main.getByRole("radio").nth(1).check();
  await owner.press(say("どうすればよいか", "What now?"));
  await owner.look("21-wrong-leak");
  await owner.page.goto(owner.page.url().replace(/\/wrong.*/, "/whom?area=13"));
  await owner.look("25-whom");
  await owner.page.goBack();
  await owner.fill(say("相談の名前", "What the case is called"), say("図面の件", "About drawings"));
  await owner.press(say("相談を始める", "Begin the case"));
  await owner.page.waitForURL("**/case/*");
  check(owner.count() <= 12, `a case took ${owner.count()} interactions`);
  await owner.look("22-case-begun");
  await owner.press(say("相談", "Advice"), owner.page.getByRole("banner"));
  check((await owner.main.getByRole("link", { name: say("図面の件", "About drawings") }).count()) === 1, "the case is listed");

  // The company says what happened, and the counsellor answers.
  const worried = await desk(company);
  await worried.press(say("相談", "Advice"), worried.page.getByRole("banner"));
  await worried.press("図面の件");
  await worried.fill(say("起きたこと（分かっている範囲で）", "What happened, as you know it"), "<b>leaver 1</b> copied KX-204, canary-desk-8812");
  await worried.press(say("書き留める", "Write it down"));
  await worried.until("canary-desk-8812");
  check((await worried.page.locator("main b", { hasText: "leaver 1" }).count()) === 0, "a story is text and nothing else");

  const helper = await desk(counsellor);
  await helper.press(say("相談", "Advice"), helper.page.getByRole("banner"));
  await helper.press("図面の件");
  await helper.until("canary-desk-8812");
  await helper.press(say("進める 見極め", "Go on triage"));
  await helper.until(say("次へ: 助言", "Next: advice"));
  await helper.look("23-case-counsellor");
  await helper.fill(say("会社への助言", "Advice for the company"), "lock his PC away as it is, canary-answer-3306");
  await helper.press(say("伝える", "Give it"));
  await helper.until("canary-answer-3306");
  await helper.main.getByPlaceholder(say("やること", "What is to be done")).fill("canary-task-1177");
  await helper.press(say("加える", "Add"));
  await helper.until("canary-task-1177");

  await worried.until("canary-answer-3306");
  await worried.until("canary-task-1177");
  check((await worried.main.getByRole("button", { name: say("伝える", "Give it") }).count()) === 0, "a company gives no advice");
  await worried.press(say("済んだ canary-task-1177", "It is done canary-task-1177"));
  await worried.press(say(/^残した 退職者のパソコン/, /^It is kept the leaver's PC/));
  await worried.look("24-case-company");
  const to = await worried.main.getByRole("link", { name: say("相談記録", "Consultation record") }).getAttribute("href");
  const paper = await worried.page.request.get(new URL(to, worried.page.url()).href);
  check(paper.status() === 200 && (await paper.body()).subarray(0, 5).toString() === "%PDF-", "a paper of the case is printed");
} finally {
  await browser.close();
}
