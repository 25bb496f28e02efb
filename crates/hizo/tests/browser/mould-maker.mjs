// The first hour of a mould maker: begin, keep, prove, check, bring back. At a keeper that is named, five people share the safe in the end:
// each comes at a desk of his own by words that are compared, gets a role, and does what it lets him; and key cards are made and tried,
// and a folder is kept by itself. Without a keeper one person goes as far as he gets alone. Run by tests/all/journeys.rs.
//
//   node mould-maker.mjs LINK FOLDER POST [KEEPER PARTNER FOREMAN CLERK NEPHEW] LANGUAGE WIDTH PICTURES
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";

import { check, go, say, told } from "./journey.mjs";
import { asks, enters, file as within, keep, own as phrase, spoken, turned } from "./steps.mjs";

const [link, folder, post, keeper, ...links] = told;
const [file, series] = [within(post), "α-117 金型図"];
const back = `${folder}-back`;

// Locked, nothing is shown any more; the wrong passphrase opens nothing.
async function locks(desk) {
  const { page, banner, press, fill, look } = desk;
  const seen = page.url();
  await press(say("鍵をかける", "Lock"), banner);
  await page.waitForURL("**/unlock");
  await page.goto(seen);
  check(page.url().endsWith("/unlock"), "a locked desk shows no deposit");
  check(!(await page.content()).includes("徳田精機"), "a locked desk does not say whose safe it is");
  await fill(say("パスフレーズ", "Passphrase"), "not this one at all");
  await press(say("開ける", "Unlock"));
  await page.getByRole("alert").waitFor();
  await look("a-12-unlock");
  await fill(say("パスフレーズ", "Passphrase"), phrase);
  await press(say("開ける", "Unlock"));
  await page.waitForURL("**/safe");
}

// A proof, and its certificate; where it lies. A keeper stamps its log by itself, once in a while: before that there is nothing to prove it by.
async function proves(desk) {
  const { context, page, main, press, look } = desk;
  for (const end = Date.now() + 120_000; ; await page.waitForTimeout(3000)) {
    await press(say("証明を作る", "Make the proof"));
    await page.waitForURL("**/prove*");
    await look("a-05-prove");
    await press(say("証明を作る", "Make the proof"));
    await page.waitForURL(/\/(proof|work)\//);
    await main.getByRole("heading", { name: say(/証明ができました|確かめられません/, /The proof is made|That cannot be told/) }).first().waitFor();
    if (page.url().includes("/proof/")) break;
    check(Date.now() < end, "no proof can be made");
    await look("a-05-prove-not-yet");
    await page.goBack();
    await page.goBack();
  }
  await look("a-06-proof");
  check((await page.locator(".seal.ring").count()) === 1, "a time that nobody else says has a grey ring");
  check((await page.locator(".seal .red").count()) === 0, "and no red seal");
  const certificate = await main.getByRole("link", { name: say("証明書を開く", "Open the certificate") }).getAttribute("href");
  const pdf = await context.request.get(new URL(certificate, link).href);
  check(pdf.headers()["content-type"] === "application/pdf" && (await pdf.body()).subarray(0, 5).toString() === "%PDF-", "the certificate is a PDF");
  return (await page.locator(".top .soft").innerText()).match(/\/\S.*?(?=( にあります|\.$))/)[0];
}

// Somebody checks the proof. The page needs no safe, and without roots nothing is said to hold.
async function checks(desk, proof) {
  const { page, main, look } = desk;
  const { origin, pathname } = new URL(page.url());
  await page.goto(`${origin}/${pathname.split("/")[1]}/verify`);
  await desk.choose(proof);
  await desk.press(say(/を確かめる$/, /^Check “/));
  await page.getByRole("status").waitFor();
  check((await main.locator(".pill").first().innerText()) === say("言い切れません", "cannot be told"), "without roots nothing is said to hold");
  await look("a-07-verify");
}

// It is brought back, as it was.
async function restores(desk) {
  const { main, press, look } = desk;
  await press(say("金庫", "Safe"), desk.banner);
  await look("a-08-safe");
  await press(series);
  await look("a-09-series");
  await main.locator("table[aria-labelledby=timeline]").getByRole("link", { name: "1", exact: true }).waitFor();
  await press("1", main.locator("table[aria-labelledby=timeline]"));
  await press(say("取り出す", "Bring back"));
  await look("a-10-restore");
  await desk.fill(say("新しいフォルダー", "New folder"), back);
  await press(say("取り出す", "Bring back"));
  await main.getByText(say("どれも預けたときと同じものです", "each is the one committed to")).waitFor();
  await look("a-11-restored");
}

// The words of a card, read off the paper.
function words_of(card) {
  const text = execFileSync("pdftotext", ["-layout", card, "-"], { encoding: "utf8" });
  const pieces = text.split("Words")[1].split("使い方")[0].trim().split(/\s+/);
  const words = [];
  for (let at = 0; at + 1 < pieces.length; at += 2) words[Number(pieces[at]) - 1] = pieces[at + 1];
  check(words.length === 33, `a card has 33 words: ${words.length}`);
  return words.join(" ");
}

// Key cards are made, printed, and two of three are typed back from the paper.
async function cards(desk) {
  const { main, press, look } = desk;
  await press(say("ひと", "People"), desk.banner);
  await press(say("鍵カード", "Key cards"));
  await look("a-20-cards");
  await press(say("カードを作る", "Make the cards"));
  await main.getByRole("heading", { name: say("いま印刷してください", "Print these now") }).waitFor();
  await look("a-21-cards-made");
  const printed = [1, 3].map((number) => file(`card ${number}.pdf`));
  for (const [at, number] of [1, 3].entries()) writeFileSync(printed[at], await desk.saved(say(`カード ${number}`, `Card ${number}`)));
  await press(say("印刷したので確かめる", "They are printed: try them"));
  if (!["/usr/bin", "/usr/local/bin", "/bin"].some((at) => existsSync(`${at}/pdftotext`))) return;
  for (const [at, card] of printed.entries()) {
    await desk.fill(say(`${at + 1} 枚目のカードの言葉（33語）`, `Words of card ${at + 1} (33)`), words_of(card));
  }
  await press(say("確かめる", "Try them"), main);
  await main.getByRole("status").waitFor();
  await look("a-22-cards-tried");
}

// From now on it is kept by itself.
async function schedules(desk) {
  const { main, press, look } = desk;
  await press(say("金庫", "Safe"), desk.banner);
  await press(series);
  await press(say("予定", "Schedule"));
  await desk.choose(folder);
  await desk.pick(main.locator("#every"), "6h");
  await look("a-23-schedule");
  await press(say(/を今すぐ預け、以後自動で預ける$/, /now and by itself$/));
  await main.getByRole("button", { name: say("自動の預け入れをやめる", "End the schedule") }).waitFor();
  await look("a-24-scheduled");
}

await go(async (sit) => {
  const desk = await sit(link);
  const { context, page, main, banner, elsewhere, complaints, press, fill, look } = desk;
  await page.waitForURL("**/begin");
  await look("a-01-begin");
  if (!keeper) {
    // Looking first costs nothing, and leaves nothing.
    const steps = desk.interactions;
    await press(say("見本の会社を見る", "Look at a sample company"));
    await page.waitForURL("**/sample");
    await look("a-00-sample");
    await press(say("見本を消す", "Delete the sample"));
    await page.waitForURL("**/begin");
    desk.interactions = steps;
  }
  const begins = async (at) => {
    await fill(say("パスフレーズ", "Passphrase"), phrase);
    await fill(say("パスフレーズをもう一度", "The passphrase once more"), phrase);
    if (at) await fill(say("預け先のアドレス", "Address of the keeper"), at);
    await press(say("作る", "Begin"));
  };
  await fill(say("会社名", "Company"), "徳田精機");
  if (keeper) {
    // Whoever likes says what the others call him.
    await fill(say("あなたの名前", "Your name"), "徳田");
    // Where no keeper answers nothing is begun, and what was typed stays.
    await desk.unfold(say("ほかの人も使える預け先に置く", "Keep it at a keeper that others reach"));
    await begins("http://127.0.0.1:9");
    await main.getByRole("alert").waitFor();
    check((await main.locator("#name").inputValue()) === "徳田精機", "the company's name stays");
    await look("a-01-begin-nobody");
  }
  await begins(keeper);
  await page.waitForURL("**/safe");
  await look("a-02-safe-empty");

  await press(say("最初のフォルダーを選ぶ", "Choose the first folder"));
  await desk.choose(folder);
  await fill(say("束", "Series"), series);
  await look("a-03-keep");
  await press(say(/を預ける$/, /^Keep “/));
  await page.waitForURL("**/deposit/*");
  await look("a-04-deposit");
  check(await page.locator("table").getByText("drawings").first().isVisible(), "the folder's contents are shown");
  check((await page.locator(".seal .red").count()) === 0, "no seal before anybody says a time");

  if (!keeper) {
    const proof = await proves(desk);
    const kept = desk.interactions;
    check(kept <= 12, `from the link to the proof took ${kept} interactions`);
    await checks(desk, proof);
    await restores(desk);
    await locks(desk);
  } else {
    await cards(desk);
    await schedules(desk);
    await shares(sit, desk);
    await locks(desk);
  }

  // The other language, on the same page.
  await press(say("English", "日本語"), banner);
  check((await page.locator("html").getAttribute("lang")) === say("en", "ja"), "the language is the other one");
  check(elsewhere.length === 0, `asked elsewhere: ${elsewhere}`);
  check(complaints.filter((line) => !line.includes("422")).length === 0, `the browser complains: ${complaints}`);
});

// Four people come, each at a desk of his own, and do what they may.
async function shares(sit, desk) {
  const { page, main, press } = desk;
  await press(say("ひと", "People"), desk.banner);
  await desk.look("a-30-alone");
  await main.getByRole("link", { name: "徳田" }).waitFor();
  const people = page.url();
  const invite = file("invite");
  writeFileSync(invite, await desk.saved(say("招待状を保存", "Save an invite")));
  const come = [
    ["佐藤", "reader+writer", false],
    ["鈴木", "reader", true],
    ["高橋", "reader+writer", false],
    ["田中", "admin", false],
  ];
  const desks = [];
  for (const [at, [name, role, history]] of come.entries()) {
    const guest = await sit(links[at]);
    desks.push(guest);
    await guest.page.waitForURL("**/begin");
    const look = (whose, seen) => (at === 0 ? whose.look(`a-31-${seen}`) : undefined);
    const request = file(`request ${at}`);
    const ten = await asks(guest, { invite, request, name, machine: `pc-${at}`, look: (seen) => look(guest, seen) });
    await look(guest, "asked");
    await guest.press(say("加えてもらった", "I was let in"));
    if (at === 0) {
      // Nobody comes in before he was let in; what was typed stays.
      await enters(guest, "a b c d e f g h");
      await guest.main.getByRole("alert").waitFor();
      await look(guest, "not-yet");
    }
    await page.goto(people);
    await press(say("人を加える", "Let somebody in"));
    await desk.choose(request);
    await main.getByText(`pc-${at}`).waitFor();
    await look(desk, "admit");
    const words = main.locator("#words");
    if (at === 0) {
      await desk.fill(words, turned(ten));
      await press(say(`${name}さんを加える`, `Let ${name} in`));
      await main.getByRole("alert").waitFor();
    }
    await desk.fill(words, ten);
    await desk.pick(main.locator("#role"), role);
    if (history) await desk.tick(main.locator("#history"));
    await press(say(`${name}さんを加える`, `Let ${name} in`));
    await page.waitForURL("**/admitted/*");
    const eight = await spoken(desk, 8);
    await look(desk, "admitted");
    if (at === 0) {
      await press(say("ひと", "People"), desk.banner);
      await press(name);
      await press(say(/8語を、もう一度/, /eight words/));
      check((await spoken(desk, 8)) === eight, "they are found again at his name");
    }
    await enters(guest, eight);
    await guest.page.waitForURL("**/safe");
  }
  const [partner, foreman, clerk, nephew] = desks;

  // The foreman looks, checks the proof, and brings the drawings back.
  await press(say("金庫", "Safe"), desk.banner);
  await press(series);
  await press("1", main.locator("table[aria-labelledby=timeline]"));
  await checks(foreman, await proves(desk));
  await restores(foreman);

  // The partner was given nothing of before, and is given it.
  await page.goto(`${people}/opens`);
  check(!(await main.getByText("佐藤").count()), "what was kept before is closed to whoever comes");
  await page.goto(people);
  await desk.look("a-41-people");
  await press("佐藤");
  await desk.look("a-42-person");
  await press(say("開けられるようにする", "Let him open it"));
  await page.waitForURL("**/who/*");
  await page.goto(`${people}/opens`);
  await main.getByText("佐藤").waitFor();
  await desk.look("a-43-opens");
  await partner.press(say("金庫", "Safe"), partner.banner);
  await partner.press(series);
  await partner.press("1", partner.main.locator("table[aria-labelledby=timeline]"));
  await partner.main.locator("table").getByText("drawings").first().waitFor();

  // The clerk keeps what is his.
  await clerk.press(say("フォルダーを預ける", "Keep a folder"));
  await keep(clerk, file("quotes"), say("見積", "Quotes"));
  await clerk.look("a-40-clerk");

  // Another role, which the nephew gives: he is an admin.
  await nephew.press(say("ひと", "People"), nephew.banner);
  await nephew.press("佐藤");
  await nephew.pick(nephew.main.locator("#role"), "reader");
  await nephew.press(say("役割を変える", "Change the role"));
  await nephew.page.waitForURL("**/who/*");
  check((await nephew.main.locator("#role").inputValue()) === "reader", "he reads only");
  await page.goto(people);
  check((await main.locator("tbody tr").count()) === 5, "five people share the safe");
}
