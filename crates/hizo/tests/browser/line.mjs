// The line, at three desks over one keeper: the company keeps its evidence in the case, sees what the receiver will see, leaves out
// what would name it, and signs; the counsellor seals and hands over; an organisation opens, finds, and answers; the answer comes
// back, and the case goes on by it. Run by tests/all/desk.rs.
//
//   node line.mjs COMPANY COUNSELLOR RECEIVER PHRASE KEY FOLDER KIND LANGUAGE WIDTH PICTURES
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { check, go, say, told } from "./journey.mjs";

const [company, counsellor, receiver, phrase, key, folder, kind] = told;
const isAttack = kind === "attack";
const they = isAttack ? "J-CRAT" : say("県警", "Police");
const file = (name) => join(folder, name);

// Takes the case to its next state, for a reason.
async function move(desk, [ja, en], reason) {
  await desk.main.getByLabel(say(`「${ja}」に進む理由`, `Reason for “${en}”`)).first().selectOption(reason);
  await desk.press(say(`進める ${ja}`, `Go on ${en}`));
  await desk.page.waitForLoadState();
}

async function toCase(desk) {
  await desk.press(say("相談", "Advice"), desk.banner);
  await desk.press("図面の件");
}

async function toSteps(desk) {
  await toCase(desk);
  await desk.press(say("同意", "Consents"));
  await desk.press(they);
  await desk.main.getByRole("heading", { name: say("どこまで進んだか", "How far it has come") }).waitFor();
}

await go(async (sit) => {
  const [owner, helper, office] = [await sit(company), await sit(counsellor), await sit(receiver)];
  for (const desk of [owner, helper, office]) await desk.unlock(phrase);
  const look = async (desk, name) => {
    await desk.look(name);
    check(!/[^\x00-\x7f]|note|copied|%/.test(new URL(desk.page.url()).pathname), `an address holds a name: ${desk.page.url()}`);
  };

  // The counsellor takes the case to where somebody else is needed.
  await toCase(helper);
  await move(helper, ["見極め", "triage"], "facts");
  await move(helper, ["社内での確認", "check inside the company"], "preserved");

  // The company keeps what the receiver is to see, in the case.
  await toCase(owner);
  await owner.press(say("証拠", "Evidence"));
  await look(owner, "30-case-evidence");
  await owner.press(say(/最初のフォルダーを選ぶ|フォルダーを預ける/, /Choose the first folder|Keep a folder/));
  await owner.choose(file("signs"));
  await owner.press(say("「signs」を預ける", "Keep “signs”"));
  await owner.page.waitForURL("**/deposit/*");
  await look(owner, "31-case-evidence-kept");

  // It sees what he will see, and signs.
  await toCase(owner);
  await owner.press(say("同意", "Consents"));
  await owner.page.waitForURL("**/consent");
  const { main } = owner;
  await main.getByLabel(say("相手の名前", "What the receiver is called")).fill(they);
  await main.getByLabel(say("相手の鍵", "The receiver’s key")).fill(key);
  await main.getByLabel(say("使ってよい目的", "What he may use it for")).fill("is this an attack?");
  await main.getByRole("checkbox", { name: /signs/ }).check();
  await main.getByLabel(say(/^A と B で/, /^What must not be known/)).fill("トクダセイキ株式会社\n1948-03-01");
  await main.getByLabel(say("開いてよい最後の日", "The last day on which it may be opened")).fill("2099-12-31");
  if (!isAttack) {
    await main.getByRole("radio", { name: /^D/ }).check();
    await main.getByLabel(say(/^会社名/, /^What your company is called/)).fill("徳田精機");
  }
  await look(owner, "32-consent");
  await owner.press(say("相手に見えるものを確かめる", "Show what he will see"));
  await main.getByRole("heading", { name: say("署名する内容", "What you sign") }).waitFor();
  check((await main.getByText("note.txt").count()) > 0, "every file is listed");
  await look(owner, "33-consent-preview");
  if (isAttack) {
    await owner.press(say("同意に署名する", "Sign the consent"));
    await main.getByRole("alert").waitFor();
    await look(owner, "34-consent-undecided");
  }
  await main.getByRole("group", { name: /note\.txt/ }).getByLabel(say("外す", "Leave it out")).check();
  await owner.press(say("同意に署名する", "Sign the consent"));
  await main.getByText(say("同意済み（まだ引き渡していません）", "consented, not handed over")).waitFor();
  await look(owner, "35-consent-given");

  // The counsellor seals it, and sends the invite.
  await toSteps(helper);
  await look(helper, "40-handed-consented");
  await helper.press(say("封をする", "Seal the items"));
  await helper.page.waitForURL("**/handed/*");
  writeFileSync(file("invite"), await helper.saved(say("招待状を保存", "Save the invite")));
  await look(helper, "41-handed-sealed");

  // The company enters by it.
  await toSteps(owner);
  await owner.press(say("招待状を選ぶ", "Choose the invite"));
  await owner.choose(file("signs/copied.csv"));
  await main.getByRole("alert").waitFor();
  await owner.choose(file("invite"));
  await main.getByText(say(/同じであることを確かめました/, /it is the same/)).waitFor();
  await look(owner, "42-handed-entered");

  // The receiver asks, for his organisation.
  await office.press(say("受け取り", "Received"), office.banner);
  await look(office, "43-received-nothing");
  await office.press(say("引き渡しを受け取る", "Receive something"));
  await office.choose(file("invite"));
  await office.fill(say("あなたの名前（ほかの人に見えます）", "Your name, as the others call you"), say("高橋", "Takahashi"));
  await office.fill(say("パスフレーズ（機関として署名するため）", "Passphrase, to sign for the organisation"), "that is not it at all");
  await office.fill(say("参加願のファイル", "File for the request"), file("request"));
  await office.press(say("参加願を書く", "Write the request"));
  await office.main.getByRole("alert").waitFor();
  await look(office, "44-received-ask");
  await office.fill(say("パスフレーズ（機関として署名するため）", "Passphrase, to sign for the organisation"), phrase);
  await office.press(say("参加願を書く", "Write the request"));
  await office.press(say("加えてもらった", "I was let in"));
  await office.fill(say("聞いた8語", "The eight words that you hear"), "a b c d e f g h");
  await office.press(say("入る", "Enter"));
  await office.main.getByRole("alert").waitFor();
  await look(office, "45-received-not-yet");

  // The counsellor sees who asks and what that means, hands over, and leaves.
  await toSteps(helper);
  await helper.press(say("参加願を選ぶ", "Choose the request"));
  await helper.choose(file("request"));
  await helper.main.getByText(say(/元に戻せません/, /It cannot be undone/)).waitFor();
  await look(helper, "46-handed-admit");
  await helper.press(say(`${they}に引き渡す`, `Hand over to ${they}`));
  await helper.main.locator(".words").waitFor();
  const words = (await helper.main.locator(".words").first().innerText()).trim();
  check(words.split(" ").length === 8, `eight words: ${words}`);
  await look(helper, "47-handed-words");
  await helper.press(say("鍵をかける", "Lock"), helper.banner);
  await helper.unlock(phrase);
  await toSteps(helper);
  check((await helper.main.locator(".words").first().innerText()).trim() === words, "they are there after a lock too");
  await toCase(helper);
  await move(helper, ["引き継ぎ中", "referral sent"], isAttack ? "attack" : "former-employee");

  // Nothing is shown to the receiver before he says that he opens.
  await office.fill(say("聞いた8語", "The eight words that you hear"), words);
  await office.press(say("入る", "Enter"));
  await office.main.getByRole("heading", { name: say("開く", "Open it") }).waitFor();
  check((await office.main.getByText("copied.csv").count()) === 0, "nothing is shown yet");
  const inside = office.page.url().replace("/received/", "/case/") + "/safe";
  check((await office.main.getByText("is this an attack?").count()) === 0, "and not what for");
  const unseen = await office.context.request.get(inside);
  check(unseen.status() === 422 && !(await unseen.text()).includes("item 1"), "and by no other page");
  await look(office, "48-received-unopened");
  await office.press(say("確かめて開く", "Check and open"));
  await office.press(/^item 1/);
  await office.press("copied.csv");
  await office.main.getByText("09:12 copied KX-204.dxf").waitFor();
  await look(office, "49-received-look");
  check((await office.main.getByText(/canary-left-out/).count()) === 0, "what was left out did not come");

  // He finds, keeps his finding there, and answers; without a number he accepts nothing.
  await office.press(say("元の画面へ戻る", "Back to what this belongs to"));
  await office.press(say("ここに預ける", "Keep something here"));
  await office.choose(file("finding"));
  await office.press(say("「finding」を預ける", "Keep “finding”"));
  await office.page.waitForURL("**/deposit/*");
  await office.press(say("元の画面へ戻る", "Back to what this belongs to"));
  await office.main.getByRole("radio", { name: say(/^受領する/, /^Accepted/) }).check();
  await office.press(say("回答に署名する", "Sign the answer"));
  await office.main.getByRole("alert").waitFor();
  await look(office, "50-received-answer");
  await office.fill(say("受領番号（受領するとき）", "Your number for it, if you accept"), "R-12");
  await office.press(say("回答に署名する", "Sign the answer"));
  await office.main.getByText("R-12").waitFor();
  await look(office, "51-received-answered");

  // Once he has accepted, he says by the form there what he has found.
  await office.main.getByRole("radio", { name: isAttack ? say("判断できない", "It cannot be determined") : say("被害届を受理した", "We have accepted a damage report") }).check();
  await office.fill(say("被害", "What damage there is"), say("図面 1 件", "one drawing"));
  await office.press(say("署名してここに預ける", "Sign it and keep it here"));
  await office.main.getByRole("link", { name: say(/^所見/, /^Finding/) }).waitFor();
  await look(office, "51-received-found");

  // The company brings the answer into the case, reads the finding, and the case goes on by it.
  await toSteps(owner);
  await owner.press(say("回答を確かめる", "Look for the answer"));
  await main.getByText("R-12").first().waitFor();
  check((await main.locator("#suspect").count()) === (isAttack ? 0 : 1), "whoever receives evidence alone may learn a name");
  if (!isAttack) {
    await main.locator("#suspect").fill("canary-suspect-3391");
    await main.locator("#note").fill("leaver 1");
    await owner.press(say("名前を伝える", "Tell the name"));
    await main.getByText("canary-suspect-3391").waitFor();
    await office.until("canary-suspect-3391");
    await look(office, "58-received-suspect");
  }
  await look(owner, "52-handed-answered");
  await owner.press(say("中を見る", "What lies there"));
  await owner.press("finding");
  await look(owner, "53-finding");
  await toCase(helper);
  const next = isAttack ? ["攻撃かどうかの判断", "rescue: attack or not"] : ["警察に相談", "police: consultation"];
  await move(helper, next, "accepted");
  if (isAttack) {
    await move(helper, next, "undetermined");
    await move(helper, ["被害の確認", "rescue: damage"], "attack");
  } else {
    await move(helper, ["被害届の受理", "police: damage report accepted"], "reported");
  }
  await look(helper, "54-case-later");
  check(!(await helper.main.innerText()).includes("canary-suspect"), "the counsellor learns no name");

  // He has read a consent on a printed form; somebody else of the centre will say so too.
  await helper.press(say("書面で渡す", "Hand over on paper"));
  const attesting = helper.main.locator("#attest-form");
  await attesting.getByLabel(say("相手の名前", "What the receiver is called")).fill("JPCERT");
  await attesting.getByLabel(say("使ってよい目的", "What he may use it for")).fill("help");
  await attesting.getByLabel(say("電話で確かめた相手", "Who was called back")).fill("ring");
  await attesting.locator("#a-until").fill(await attesting.locator("#a-until").getAttribute("min"));
  await helper.press(say("書面で確認したと記録する", "I have read this on the form"));
  await helper.main.getByText(say("2人のうち1人が確認", "one of two has read it")).waitFor();
  await look(helper, "59-attested");

  // Whoever has no hizo gets it on paper, and gives his number.
  await toCase(owner);
  await owner.press(say("書面で渡す", "Hand over on paper"));
  const [printing, taking] = [main.locator("#print"), main.locator("#taken-form")];
  for (const form of [printing, taking]) {
    await form.getByRole("checkbox", { name: /signs/ }).check();
    await form.getByLabel(say("相手の名前", "What the receiver is called")).fill(say("地裁", "The court"));
  }
  await main.getByLabel(say("使ってよい目的", "What he may use it for")).fill("a hearing");
  await owner.fill(say("新しいフォルダー（渡す媒体の上）", "New folder, on the disk that you hand over"), file("on paper"));
  await owner.press(say("取り出して目録を作る", "Lay it out"));
  await main.getByRole("status").waitFor();
  check(readdirSync(file("on paper")).sort().join(" ") === "SHA256SUMS check.cmd check.ps1 handed-over.pdf item-1", "the folder checks itself");
  await look(owner, "56-on-paper");
  await taking.getByRole("checkbox", { name: /signs/ }).check();
  await taking.getByLabel(say("相手の名前", "What the receiver is called")).fill(say("地裁", "The court"));
  await owner.fill(say("相手の受領番号", "The receiver’s number for it"), "K-7");
  await owner.press(say("書き留める", "Write it down"));
  await main.getByText("K-7").waitFor();
  await look(owner, "57-on-paper-taken");

  // What was accepted stays, whatever is taken back.
  await toCase(owner);
  await owner.press(say("同意", "Consents"));
  await owner.press(say(`取り消す ${they}`, `Take it back ${they}`));
  await main.getByText(say(/すでに受領しており/, /has accepted it before/)).waitFor();
  await look(owner, "55-consent-withdraw");
  await main.getByRole("button", { name: say("取り消す", "Take it back") }).click();
  await owner.page.waitForURL("**/consent");
  check((await main.getByRole("link", { name: say(`取り消す ${they}`, `Take it back ${they}`) }).count()) === 0, "what was taken back is not taken back again");
});
