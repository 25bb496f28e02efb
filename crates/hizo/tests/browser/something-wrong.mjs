// Something is wrong: an owner finds out what not to do and what to keep, and begins a case; a company and a counsellor, each at a desk of
// their own over one keeper, take a case from the story to the advice; and whoever has nothing but the emergency file begins a case on a
// clean machine. Run by tests/all/desk.rs.
//
//   node something-wrong.mjs SAFE COMPANY COUNSELLOR CLEAN PHRASE EMERGENCY LANGUAGE WIDTH PICTURES
import { check, go, say, told } from "./journey.mjs";

const [safe, company, counsellor, clean, phrase, emergency] = told;

await go(async (sit) => {
  // An owner, calmly.
  const owner = await sit(safe);
  await owner.unlock(phrase);
  await owner.press(say("何かおかしい", "Something is wrong"), owner.banner);
  await owner.look("20-wrong");
  owner.interactions += 1;
  await owner.main.getByRole("radio").nth(1).check();
  await owner.press(say("どうすればよいか", "What now?"));
  await owner.look("21-wrong-leak");
  await owner.page.goto(owner.page.url().replace(/\/wrong.*/, "/whom?area=13"));
  await owner.look("25-whom");
  await owner.page.goBack();
  await owner.fill(say("相談の名前", "What the case is called"), say("図面の件", "About drawings"));
  await owner.press(say("相談を始める", "Begin the case"));
  await owner.page.waitForURL("**/case/*");
  await owner.look("22-case-begun");
  // What he signs and sends: the story, and the invite by which the centre reads it.
  await owner.fill(say("起きたこと（分かっている範囲で）", "What happened, as you know it"), "drawings of KX-204 are gone");
  await owner.press(say("書き留める", "Write it down"));
  await owner.main.getByText("drawings of KX-204 are gone").waitFor();
  owner.interactions += 1;
  const invite = JSON.parse(await owner.saved(say("招待状を保存", "Save the invite")));
  check(new URL(owner.page.url()).pathname.endsWith(`/case/${invite.space}`), "the invite is to this case");
  check(owner.interactions <= 12, `a signed sending took ${owner.interactions} interactions`);
  await owner.press(say("相談", "Advice"), owner.banner);
  check((await owner.main.getByRole("link", { name: say("図面の件", "About drawings") }).count()) === 1, "the case is listed");

  // His own machine is gone: the file beside the emergency card begins a case on another one.
  const borrowed = await sit(clean);
  await borrowed.press(say(/緊急カードで相談を/, /with the emergency card/));
  await borrowed.look("26-card");
  await borrowed.choose(emergency);
  await borrowed.main.getByRole("heading", { name: say("印刷したカードと見比べてください", "Compare with the printed card") }).waitFor();
  await borrowed.main.locator("input[name=kind]").nth(2).check();
  await borrowed.fill(say("相談の名前", "What the case is called"), say("暗号化された件", "About encrypted files"));
  await borrowed.fill(say("相談のパスフレーズ", "A passphrase for the case"), "too short");
  await borrowed.fill(say("パスフレーズをもう一度", "The passphrase once more"), "too short");
  await borrowed.press(say("相談を始める", "Begin the case"));
  await borrowed.main.getByRole("alert").waitFor();
  await borrowed.look("27-card-begin");
  await borrowed.fill(say("相談のパスフレーズ", "A passphrase for the case"), "five ducks cross the frozen river");
  await borrowed.fill(say("パスフレーズをもう一度", "The passphrase once more"), "five ducks cross the frozen river");
  await borrowed.press(say("相談を始める", "Begin the case"));
  await borrowed.page.waitForURL("**/case/*");
  await borrowed.main.getByRole("heading", { name: say("暗号化された件", "About encrypted files") }).waitFor();

  // The company says what happened, and the counsellor answers.
  const worried = await sit(company);
  await worried.unlock(phrase);
  await worried.press(say("相談", "Advice"), worried.banner);
  await worried.press("図面の件");
  await worried.fill(say("起きたこと（分かっている範囲で）", "What happened, as you know it"), "<b>leaver 1</b> copied KX-204, canary-desk-8812");
  // The desk is locked before that is sent: it is given back, and sent then.
  await worried.lockedBefore(say("書き留める", "Write it down"), phrase);
  await worried.main.getByText("canary-desk-8812").waitFor();
  await worried.look("28-unsent");
  await worried.press(say("いま送る", "Send it now"));
  await worried.until("canary-desk-8812");
  check((await worried.page.locator("main b", { hasText: "leaver 1" }).count()) === 0, "a story is text and nothing else");

  const helper = await sit(counsellor);
  await helper.unlock(phrase);
  await helper.press(say("相談", "Advice"), helper.banner);
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
  const to = await worried.main.getByRole("link", { name: say("相談記録", "Consultation record"), includeHidden: true }).getAttribute("href");
  const paper = await worried.page.request.get(new URL(to, worried.page.url()).href);
  check(paper.status() === 200 && (await paper.body()).subarray(0, 5).toString() === "%PDF-", "a paper of the case is printed");
});
