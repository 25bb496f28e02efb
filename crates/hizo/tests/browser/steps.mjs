// Steps that several stories take: somebody joins a safe or a case, a case goes on, and what a company has consented to is handed over.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { check, say } from "./journey.mjs";

// The passphrase of whoever chooses one on the way.
export const own = "five ducks cross the frozen river";

// Words that somebody reads out.
export async function spoken(desk, count) {
  await desk.main.locator(".words").first().waitFor();
  const words = (await desk.main.locator(".words").first().innerText()).trim();
  check(words.split(" ").length === count, `${count} words: ${words}`);
  return words;
}

export const turned = (words) => words.split(" ").reverse().join(" ");

// What the picker of folders and files is told, and the button that keeps a folder.
export async function keep(desk, path, series) {
  await desk.choose(path);
  if (series !== undefined) await desk.fill(say("束", "Series"), series);
  await desk.press(say(/を預ける$/, /^Keep “/));
  await desk.page.waitForURL("**/deposit/*");
}

// Whoever has no safe yet writes a request to join one: the ten words that he reads out.
export async function asks(desk, { invite, request, name, machine, look = () => {} }) {
  await desk.press(say(/参加できます/, /Join that safe/));
  await look("join");
  await desk.choose(invite);
  await desk.fill(say("あなたの名前（ほかの人に見えます）", "Your name, as the others call you"), name);
  await desk.fill(say("このコンピューターの呼び名", "What you call this computer"), machine);
  await desk.fill(say("パスフレーズ", "Passphrase"), own);
  await desk.fill(say("パスフレーズをもう一度", "The passphrase once more"), own);
  await desk.fill(say("参加願のファイル", "File for the request"), request);
  await look("ask");
  await desk.press(say("参加願を書く", "Write the request"));
  return spoken(desk, 10);
}

// He types the eight words that are read to him.
export async function enters(desk, words) {
  await desk.fill(say("聞いた8語", "The eight words that you hear"), words);
  await desk.fill(say("パスフレーズ", "Passphrase"), own);
  await desk.press(say("入る", "Enter"));
}

// Somebody says what is wrong, and begins a case at the desk of his own safe.
export async function begins(owner, { kind, title }) {
  await owner.tick(owner.main.getByRole("radio", { name: kind }));
  await owner.press(say("どうすればよいか", "What now?"));
  await owner.fill(say("相談の名前", "What the case is called"), title);
  await owner.press(say("相談を始める", "Begin the case"));
  await owner.page.waitForURL("**/case/*");
}

// A counsellor joins a case by its invite, for his centre, which the company knows by ten words.
export async function joins(helper, owner, { file, phrase, words, look = () => {} }) {
  const [invite, request, at] = [file("case invite"), file("case request"), owner.page.url()];
  writeFileSync(invite, await owner.saved(say("招待状を保存", "Save the invite")));
  await helper.press(say("相談", "Advice"), helper.banner);
  await helper.press(say("相談に加わる", "Join a case"));
  await helper.choose(invite);
  await helper.fill(say("あなたの名前（ほかの人に見えます）", "Your name, as the others call you"), say("鈴木", "Suzuki"));
  await helper.fill(say("パスフレーズ（機関として署名するため）", "Passphrase, to sign for the organisation"), phrase);
  await helper.fill(say("参加願のファイル", "File for the request"), request);
  await look(helper, "ask");
  await helper.press(say("参加願を書く", "Write the request"));
  await look(helper, "asked");
  await owner.press(say("参加している人", "Who is in it"));
  await owner.press(say("人を加える", "Let somebody in"));
  await owner.choose(request);
  await owner.fill(owner.main.locator("#words"), words);
  await owner.tick(owner.main.locator("#history"));
  await look(owner, "admit");
  await owner.press(say(/を加える$/, /^Let .* in$/));
  const eight = await spoken(owner, 8);
  await helper.press(say("相談", "Advice"), helper.banner);
  await look(helper, "cases-asked");
  await helper.press(say(/に参加願を書いた相談/, /you asked to join on/));
  await helper.fill(say("聞いた8語", "The eight words that you hear"), turned(eight));
  await helper.press(say("入る", "Enter"));
  await helper.main.getByRole("alert").waitFor();
  await look(helper, "enter");
  await helper.fill(say("聞いた8語", "The eight words that you hear"), eight);
  await helper.press(say("入る", "Enter"));
  await helper.page.waitForURL("**/case/*");
  await helper.main.getByText(say("あなたの立場: 相談員", "counsellor")).first().waitFor();
  await owner.page.goto(at);
}

// Takes a case to its next state, for a reason; and on what it rests, where several hand-overs would do.
export async function move(desk, [ja, en], reason, rests) {
  const { main } = desk;
  const why = main.getByLabel(say(`「${ja}」に進む理由`, `Reason for “${en}”`));
  await desk.until(why);
  if (rests === undefined) await desk.pick(why.first(), reason);
  if (rests !== undefined) {
    const choice = main.getByLabel(say(`${ja}のもとになる引き渡し`, `On which hand-over ${en} rests`)).first();
    const values = choice.locator("option").filter({ hasText: rests });
    await desk.until(values);
    await desk.pick(why.first(), reason);
    await desk.pick(choice, await values.first().getAttribute("value"));
  }
  await desk.press(say(`進める ${ja}`, `Go on ${en}`));
  await desk.page.waitForLoadState();
}

// Brings it to its end: to the state in which the centre sums up, or to none after that.
export async function end(desk, [ja, en], reason) {
  const { main } = desk;
  const choice = desk.page.getByLabel(say(`「${ja}」に進む理由`, `Reason for “${en}”`));
  const form = main.locator("form", { has: choice }).first();
  await desk.until(form);
  await desk.pick(choice.first(), reason);
  await desk.tick(form.getByRole("checkbox"));
  await desk.press(say(`進める ${ja}`, `Go on ${en}`));
  await desk.page.waitForLoadState();
}

export async function toCase(desk, title) {
  await desk.press(say("相談", "Advice"), desk.banner);
  await desk.press(title);
  await desk.page.waitForURL("**/case/*");
}

// To what tells how far a hand-over to somebody has come.
export async function toSteps(desk, title, they) {
  await toCase(desk, title);
  await desk.press(say("同意", "Consents"));
  await desk.press(they);
  await desk.main.getByRole("heading", { name: say("どこまで進んだか", "How far it has come") }).waitFor();
}

// The company sees what somebody will see, leaves out what would name it, and signs. `out` are files that stay behind.
export async function consents(owner, { title, they, key, purpose, level, items, sought, company, out = [], look = () => {} }) {
  const { main } = owner;
  await toCase(owner, title);
  await owner.press(say("同意", "Consents"));
  await owner.page.waitForURL("**/consent");
  await owner.fill(say("相手の名前", "What the receiver is called"), they);
  await owner.fill(say("相手の鍵", "The receiver’s key"), key);
  await owner.fill(say("使ってよい目的", "What he may use it for"), purpose);
  for (const item of items) await owner.tick(main.getByRole("checkbox", { name: item }));
  await owner.fill(main.getByLabel(say(/^A と B で/, /^What must not be known/)), sought ?? "");
  await owner.fill(say("開いてよい最後の日", "The last day on which it may be opened"), "2099-12-31");
  await owner.tick(main.getByRole("radio", { name: new RegExp(`^${level}`) }));
  if (company !== undefined) await owner.fill(main.getByLabel(say(/^会社名/, /^What your company is called/)), company);
  await look("consent");
  await owner.press(say("相手に見えるものを確かめる", "Show what he will see"));
  await main.getByRole("heading", { name: say("署名する内容", "What you sign") }).waitFor();
  await look("consent-preview");
  if (sought !== undefined) {
    // Nothing is signed as long as it was not decided on every trace of the company.
    const traces = await main.getByText(say("見つかりました", "found"), { exact: true }).count();
    check(traces > 0, "traces are shown");
    await owner.press(say("同意に署名する", "Sign the consent"));
    await main.getByRole("alert").waitFor();
    await look("consent-undecided");
  }
  for (const file of out) await owner.tick(main.getByRole("group", { name: file }).getByLabel(say("外す", "Leave it out")));
  await owner.press(say("同意に署名する", "Sign the consent"));
  await main.getByText(say("同意済み（まだ引き渡していません）", "consented, not handed over")).waitFor();
  await look("consent-given");
}

// The counsellor seals what was consented to, the company enters, the receiver asks, and is let in; he checks it and opens.
export async function handsOver([owner, helper, office], { title, they, name, phrase, file, wrong, look = () => {} }) {
  const [invite, request] = [file(`invite for ${name}`), file(`request of ${name}`)];
  await toSteps(helper, title, they);
  await look(helper, "handed-consented");
  await helper.press(say("封をする", "Seal the items"));
  await helper.page.waitForURL("**/handed/*");
  writeFileSync(invite, await helper.saved(say("招待状を保存", "Save the invite")));
  await look(helper, "handed-sealed");

  await toSteps(owner, title, they);
  await owner.press(say("招待状を選ぶ", "Choose the invite"));
  if (wrong !== undefined) {
    await owner.choose(wrong);
    await owner.main.getByRole("alert").waitFor();
  }
  await owner.choose(invite);
  await owner.main.getByText(say(/同じであることを確かめました/, /it is the same/)).waitFor();
  await look(owner, "handed-entered");

  await office.press(say("受け取り", "Received"), office.banner);
  await look(office, "received-nothing");
  await office.press(say("引き渡しを受け取る", "Receive something"));
  await office.choose(invite);
  await office.fill(say("あなたの名前（ほかの人に見えます）", "Your name, as the others call you"), name);
  await office.fill(say("参加願のファイル", "File for the request"), request);
  if (wrong !== undefined) {
    await office.fill(say("パスフレーズ（機関として署名するため）", "Passphrase, to sign for the organisation"), "that is not it at all");
    await office.press(say("参加願を書く", "Write the request"));
    await office.main.getByRole("alert").waitFor();
    await look(office, "received-ask");
  }
  await office.fill(say("パスフレーズ（機関として署名するため）", "Passphrase, to sign for the organisation"), phrase);
  await office.press(say("参加願を書く", "Write the request"));
  await office.press(say("加えてもらった", "I was let in"));

  // The counsellor sees who asks and what that means, hands over, and leaves.
  await toSteps(helper, title, they);
  await helper.press(say("参加願を選ぶ", "Choose the request"));
  await helper.choose(request);
  await helper.main.getByText(say(/元に戻せません/, /It cannot be undone/)).waitFor();
  await look(helper, "handed-admit");
  await helper.press(say(`${they}に引き渡す`, `Hand over to ${they}`));
  const words = await spoken(helper, 8);
  await look(helper, "handed-words");

  await office.fill(say("聞いた8語", "The eight words that you hear"), words);
  await office.press(say("入る", "Enter"));
  await office.main.getByRole("heading", { name: say("開く", "Open it") }).waitFor();
  return words;
}

// He checks it, opens it, and answers under a number of his.
export async function accepts(office, { reference, look = () => {} }) {
  await office.tick(office.main.getByRole("radio", { name: say(/^受領する/, /^Accepted/) }));
  await office.press(say("回答に署名する", "Sign the answer"));
  // Without a number he accepts nothing.
  await office.main.getByRole("alert").waitFor();
  await look("received-answer");
  await office.fill(say("受領番号（受領するとき）", "Your number for it, if you accept"), reference);
  await office.press(say("回答に署名する", "Sign the answer"));
  await office.main.getByText(reference).waitFor();
  await look("received-answered");
}

// He says by the form there what he has found.
export async function finds(office, { verdict, seen, damage, cause, advice }, count = 1) {
  await office.tick(office.main.getByRole("radio", { name: verdict, exact: true }));
  const parts = [
    [say("確認したこと", "What was seen"), seen],
    [say("被害", "What damage there is"), damage],
    [say("原因", "What the cause is"), cause],
    [say("会社にしてほしいこと", "What the company should do now"), advice],
  ];
  for (const [label, text] of parts) if (text !== undefined) await office.fill(label, text);
  await office.press(say("署名してここに預ける", "Sign it and keep it here"));
  await office.main.getByRole("link", { name: say(new RegExp(`^所見 第 ${count} 回`), new RegExp(`^Finding, deposit ${count}`)) }).waitFor();
}

// The company brings his answer into the case.
export async function answered(owner, title, they, reference) {
  await toSteps(owner, title, they);
  await owner.press(say("回答を確かめる", "Look for the answer"));
  await owner.main.getByText(reference).first().waitFor();
}

export const file = (folder) => (name) => join(folder, name);

// A file that is a PDF, behind a link.
export async function paper(desk, name) {
  check((await desk.saved(name)).subarray(0, 5).toString() === "%PDF-", `${name} is printed`);
}
