// What every journey shares: a browser in a language and a width, desks that somebody sits down at, and what a page has to be.
//
// The last three arguments of each journey are LANGUAGE WIDTH PICTURES.
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.env.NODE_FOLDER, "package.json"));
const { chromium } = require("playwright-core");
const { AxeBuilder } = require("@axe-core/playwright");

const given = process.argv.slice(2);
const [language, width, pictures] = given.slice(-3);

// What the journey alone is told.
export const told = given.slice(0, -3);
export const say = (ja, en) => (language === "ja" ? ja : en);

export function check(holds, what) {
  if (!holds) throw new Error(what);
}

// Whether whoever goes has no pointer: everything is reached by the tabulator, and done by a key.
const keyboard = process.env.KEYBOARD === "1";

// As many stops of the tabulator as no page has.
const STOPS_MAX = 300;

// As long as no page takes, on however busy a machine: in milliseconds. A journey that waits longer has lost its way.
const WAIT_MAX = 120_000;

// How often a picture is asked for. On a busy machine Chromium now and then says that it cannot take one, and takes it when asked again.
const PICTURE_TRIES = 5;

// Brings the focus to an element as somebody does who has keys alone. Of radio buttons the tabulator stops at one, and arrows go on.
async function reach(page, target) {
  await target.waitFor();
  for (let stops = 0; stops < STOPS_MAX; stops += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    const beside = await target.evaluate((element) => element.type === "radio" && document.activeElement?.type === "radio" && document.activeElement.name === element.name);
    await page.keyboard.press(beside ? "ArrowDown" : "Tab");
  }
  throw new Error(`no key reaches ${await target.evaluate((element) => element.outerHTML)}`);
}

// What is folded away is unfolded, as somebody does who looks for it: the outermost first.
async function unfold(desk, target) {
  await target.waitFor({ state: "attached" });
  const folds = target.locator("xpath=ancestor::details[not(@open)]");
  while ((await folds.count()) > 0) {
    desk.interactions += 1;
    const summary = folds.first().locator("> summary");
    if (!keyboard) {
      await summary.click();
    } else {
      await reach(desk.page, summary);
      await desk.page.keyboard.press("Enter");
    }
  }
}

// Goes the journey, and closes the browser whatever comes of it.
export async function go(journey) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", `--lang=${language}`],
  });
  const desks = [];
  try {
    await journey(async (link, options) => {
      desks.push(await sit(browser, link, options));
      return desks.at(-1);
    });
  } catch (error) {
    // Where everybody was says more than what did not come.
    for (const { page, main } of desks) console.error(`${page.url()}\n${await main.innerText({ timeout: 1000 }).catch(() => "")}\n`);
    throw error;
  } finally {
    await browser.close();
  }
}

// Somebody sits down at a desk by its link, which counts as one interaction.
async function sit(browser, link, options = {}) {
  const context = await browser.newContext({ locale: language === "ja" ? "ja-JP" : "en-GB", viewport: { width: Number(width), height: 900 }, ...options });
  context.setDefaultTimeout(WAIT_MAX);
  const page = await context.newPage();
  const [elsewhere, complaints] = [[], []];
  page.on("request", (request) => request.url().startsWith(new URL(link).origin) || elsewhere.push(request.url()));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  const [main, banner] = ["main", "banner"].map((role) => page.getByRole(role));
  await page.goto(link);
  const desk = {
    context,
    page,
    main,
    banner,
    // What was asked of anybody else, and what the browser did not like.
    elsewhere,
    complaints,
    interactions: 1,
    async press(name, within = main) {
      desk.interactions += 1;
      const named = (more) => within.getByRole("button", { name, ...more }).or(within.getByRole("link", { name, ...more })).first();
      const [target, anywhere] = [named({}), named({ includeHidden: true })];
      await target.or(anywhere).first().waitFor({ state: "attached" });
      if ((await target.count()) === 0) await unfold(desk, anywhere);
      if (!keyboard) return target.click();
      await reach(page, target);
      await page.keyboard.press("Enter");
      await page.waitForLoadState();
    },
    // A field, by its label or as it was found.
    async fill(field, text) {
      desk.interactions += 1;
      const target = typeof field === "string" ? main.getByLabel(field, { exact: true }).first() : field;
      await unfold(desk, target);
      if (!keyboard) return target.fill(text);
      await reach(page, target);
      // In what order the parts of a date are typed is the browser's own affair.
      if ((await target.getAttribute("type"))?.startsWith("date")) return target.fill(text);
      await page.keyboard.press("ControlOrMeta+A");
      await page.keyboard.insertText(text);
    },
    // A box, or one of several that exclude each other.
    async tick(target) {
      desk.interactions += 1;
      await unfold(desk, target);
      if (!keyboard) return target.check();
      await reach(page, target);
      if (!(await target.isChecked())) await page.keyboard.press("Space");
    },
    // One of a list, by its value.
    async pick(target, value) {
      desk.interactions += 1;
      await unfold(desk, target);
      if (!keyboard) return target.selectOption(value);
      await reach(page, target);
      await page.keyboard.press("Home");
      for (let stops = 0; (await target.inputValue()) !== value; stops += 1) {
        check(stops < STOPS_MAX, `no key chooses ${value}`);
        await page.keyboard.press("ArrowDown");
      }
    },
    async unlock(phrase) {
      await page.waitForURL("**/unlock");
      await desk.fill(say("パスフレーズ", "Passphrase"), phrase);
      await desk.press(say("開ける", "Unlock"));
      await page.waitForURL("**/safe");
    },
    // The desk is locked elsewhere before this button sends what was typed, and is unlocked again. By a request, and no second tab: Chromium
    // now and then never says that one is closed which is on its way to another page.
    async lockedBefore(name, phrase) {
      const csrf = await page.locator("input[name=csrf]").first().inputValue();
      const { origin, pathname } = new URL(link);
      await context.request.post(`${origin}/${pathname.split("/")[1]}/lock`, { form: { csrf }, headers: { origin } });
      await desk.press(name);
      await page.waitForURL("**/unlock");
      await desk.fill(say("パスフレーズ", "Passphrase"), phrase);
      await desk.press(say("開ける", "Unlock"));
    },
    // A file or a folder of this machine, by its path.
    async choose(path) {
      await desk.fill(say("場所を入力する:", "Or type a path:"), path);
      await desk.press(say("開く", "Open"));
    },
    // Opens what is folded.
    async unfold(name) {
      await unfold(desk, main.locator("summary").filter({ hasText: name }).first());
    },
    // What a link saves.
    async saved(name) {
      const target = main.getByRole("link", { name, includeHidden: true }).first();
      await unfold(desk, target);
      const to = await target.getAttribute("href");
      return (await context.request.get(new URL(to, link).href)).body();
    },
    async picture(name) {
      mkdirSync(pictures, { recursive: true });
      for (let left = PICTURE_TRIES; ; left -= 1) {
        try {
          await page.screenshot({ path: join(pictures, `${name}-${language}-${width}.png`), fullPage: true });
          return;
        } catch (error) {
          if (left === 1 || !error.message.includes("Unable to capture screenshot")) throw error;
          await page.waitForTimeout(500);
        }
      }
    },
    // A page as it is left behind: without violations, in the dark too; within the width of the screen, of one of half that width too, as
    // at 200 % (a phone's is 320 pixels, the least that there are); and of one question.
    async look(name) {
      check(!/[^\x00-\x7f]|%/.test(new URL(page.url()).pathname), `an address holds a name: ${page.url()}`);
      await desk.picture(name);
      const found = await new AxeBuilder({ page }).analyze();
      check(found.violations.length === 0, `${name}: ${JSON.stringify(found.violations.map((v) => [v.id, v.nodes.map((n) => n.html)]))}`);
      // Colours do not depend on the width: one of the two that a story is gone in will do.
      if (Number(width) > 1000) {
        await page.emulateMedia({ colorScheme: "dark" });
        const dark = await new AxeBuilder({ page }).withRules(["color-contrast"]).analyze();
        await page.emulateMedia({ colorScheme: null });
        check(dark.violations.length === 0, `${name} in the dark: ${JSON.stringify(dark.violations.map((v) => v.nodes.map((n) => [n.html, n.failureSummary])))}`);
      }
      const { width: usual, height } = page.viewportSize();
      for (const of of [usual, Math.max(usual / 2, 320)]) {
        await page.setViewportSize({ width: of, height });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        check(wide <= 0, `${name} is ${wide} pixels too wide for ${of}`);
      }
      await page.setViewportSize({ width: usual, height });
      check((await page.locator("h1").count()) === 1, `${name} answers one question`);
    },
    // What the other side said comes with a look that is a few seconds old.
    async until(said) {
      const there = typeof said === "string" || said instanceof RegExp ? main.getByText(said) : said;
      for (const end = Date.now() + WAIT_MAX; Date.now() < end; ) {
        if ((await there.count()) > 0) return;
        await page.waitForTimeout(500);
        await page.reload();
      }
      throw new Error(`never saw ${said}`);
    },
  };
  return desk;
}
