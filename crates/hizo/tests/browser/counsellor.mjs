// A counsellor's week without a terminal: the centre gets its key; he joins the case of a company by its invite, for the centre;
// he compares its sides; he opens a case for a caller, types what he hears, takes a laptop into custody, and gives the case to the company
// once that has keys; what stands against the first one he is kept from; and what the centre takes back, the company takes down. Another
// one reads a consent on a printed form. Run by tests/all/journeys.rs.
//
//   node counsellor.mjs COUNSELLOR COMPANY CALLER OTHER PHRASE FOLDER LANGUAGE WIDTH PICTURES
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { check, go, say, told } from "./journey.mjs";

const [counsellor, company, caller, other, phrase, folder] = told;
const own = "five ducks cross the frozen river";
const file = (name) => join(folder, name);
const spoken = async (desk, count) => {
  await desk.main.locator(".words").first().waitFor();
  const words = (await desk.main.locator(".words").first().innerText()).trim();
  check(words.split(" ").length === count, `${count} words: ${words}`);
  return words;
};

// Names who asks, and against whom.
const compare = async (desk, asks, against) => {
  await desk.fill(say("相談者（1行に1つの名前）", "Who asks: a name a line"), asks);
  await desk.fill(say("相手方（分かる範囲で、1行に1つの名前）", "Against whom, as far as it is known: a name a line"), against);
  await desk.press(say("照合する", "Compare"));
  await desk.page.waitForURL("**/case/*");
};

await go(async (sit) => {
  const [helper, owner, guest] = [await sit(counsellor), await sit(company), await sit(caller)];
  for (const desk of [helper, owner]) await desk.unlock(phrase);

  // The centre's key, and the words by which it is known.
  await helper.press(say("ひと", "People"), helper.banner);
  await helper.press(say("機関の画面へ", "Organisation"));
  await helper.fill(say("機関の名前", "What it is called in Japanese"), "東京の窓口");
  await helper.fill(say("日本語以外での名前（違うとき）", "In other languages, if that differs"), "Tokyo centre");
  await helper.fill(say("あなたのパスフレーズ", "Your passphrase"), "that is not it at all");
  await helper.look("60-office-make");
  await helper.press(say("鍵を作る", "Make the key"));
  await helper.main.getByRole("alert").waitFor();
  await helper.fill(say("あなたのパスフレーズ", "Your passphrase"), phrase);
  await helper.press(say("鍵を作る", "Make the key"));
  const ten = await spoken(helper, 10);
  await helper.look("61-office");

  // A company begins a case, and gives out its invite.
  await owner.press(say("何かおかしい", "Something is wrong"), owner.banner);
  await owner.main.getByRole("radio").nth(1).check();
  await owner.press(say("どうすればよいか", "What now?"));
  await owner.fill(say("相談の名前", "What the case is called"), say("配合の件", "About a recipe"));
  await owner.press(say("相談を始める", "Begin the case"));
  await owner.page.waitForURL("**/case/*");
  const theirs = owner.page.url();
  writeFileSync(file("case invite"), await owner.saved(say("招待状を保存", "Save the invite")));

  // He asks to join it for the centre, is let in by the centre's words, and enters by eight.
  await helper.press(say("相談", "Advice"), helper.banner);
  await helper.press(say("相談に加わる", "Join a case"));
  await helper.choose(file("case invite"));
  await helper.fill(say("あなたの名前（ほかの人に見えます）", "Your name, as the others call you"), say("鈴木", "Suzuki"));
  await helper.fill(say("パスフレーズ（機関として署名するため）", "Passphrase, to sign for the organisation"), phrase);
  await helper.fill(say("参加願のファイル", "File for the request"), file("case request"));
  await helper.look("62-joining-ask");
  await helper.press(say("参加願を書く", "Write the request"));
  await helper.look("63-joining-asked");
  await helper.press(say("相談", "Advice"), helper.banner);
  await helper.look("63-cases-asked");
  await helper.page.locator("#asked ~ ul a").click();
  await owner.page.goto(`${theirs}/people/admit`);
  await owner.choose(file("case request"));
  await owner.main.locator("#words").fill(ten);
  await owner.main.locator("#history").check();
  await owner.press(say(/を加える$/, /^Let .* in$/));
  const eight = await spoken(owner, 8);
  await helper.fill(say("聞いた8語", "The eight words that you hear"), eight.split(" ").reverse().join(" "));
  await helper.press(say("入る", "Enter"));
  await helper.main.getByRole("alert").waitFor();
  await helper.look("64-joining-enter");
  await helper.fill(say("聞いた8語", "The eight words that you hear"), eight);
  await helper.press(say("入る", "Enter"));
  await helper.page.waitForURL("**/case/*");
  await helper.main.getByText(say("あなたの立場: 相談員", "counsellor")).first().waitFor();

  // With the invite once more he is told that he is there, and for whom.
  await helper.press(say("相談", "Advice"), helper.banner);
  await helper.press(say("相談に加わる", "Join a case"));
  await helper.choose(file("case invite"));
  await helper.main.getByText(say("東京の窓口", "Tokyo centre")).first().waitFor();
  await helper.look("64-joining-there");
  await helper.press(say("そこへ進む", "Go there"));
  await helper.page.waitForURL("**/case/*");

  // Before he hears more, he compares who asks with the centre's other cases.
  await helper.press(say("当事者を照合する", "Compare the sides"));
  await helper.look("72-sides");
  await compare(helper, "山田食品 株式会社", "徳田精機");
  check((await helper.main.getByRole("alert").count()) === 0, "the first one is helped");

  // What he sends after somebody has locked the desk is given back.
  await helper.fill(say("起きたこと（分かっている範囲で）", "What happened, as you know it"), "canary-unsent-1177");
  await helper.lockedBefore(say("書き留める", "Write it down"), phrase);
  await helper.main.getByText("canary-unsent-1177").waitFor();
  await helper.look("64-unsent");
  await helper.press(say("いま送る", "Send it now"));
  await helper.until("canary-unsent-1177");

  // He opens a case for a caller, and types what he hears.
  await helper.press(say("相談", "Advice"), helper.banner);
  check((await helper.main.getByRole("link", { name: say("配合の件", "About a recipe") }).count()) === 1, "the case is in his list");
  await helper.press(say("電話の相手のために始める", "Open a case for a caller"));
  await helper.look("65-caller");
  await helper.main.getByRole("radio", { name: say("電話", "by telephone") }).check();
  await helper.main.locator("input[name=kind]").nth(1).check();
  await helper.fill(say("相談の名前", "What the case is called"), say("名簿の件", "About a list"));
  await helper.press(say("相談を始める", "Open the case"));
  await helper.page.waitForURL("**/case/*");
  const opened = helper.page.url();
  await helper.fill(say("起きたこと（分かっている範囲で）", "What happened, as you know it"), "canary-heard-2207");
  await helper.fill(say("誰の話か（「社長」「営業の責任者」のような立場で）", "For whom you type (a role will do: owner, head of sales)"), say("社長", "the owner"));
  await helper.press(say("書き留める", "Write it down"));
  await helper.until("canary-heard-2207");
  const heard_of = await helper.main.locator(".story small").first().innerText();
  check(heard_of.endsWith(` · ${say("社長", "the owner")}`), `who told it, and nothing behind that: ${heard_of}`);

  // A laptop goes from hand to hand, under the number on its tag.
  await helper.unfold(say("物を保管の記録に加える", "Put a thing into custody"));
  const custody = helper.main.locator("section", { has: helper.page.locator("#things") });
  await custody.locator("#what").fill("ノート PC, S/N canary-thing-6604");
  await custody.locator("#holder").fill(say("総務部長", "head of office"));
  await custody.locator("#place").fill(say("金庫室、電源は切ってある", "strong room, switched off"));
  await helper.press(say("記録する", "Write it down"), custody);
  await custody.getByRole("heading", { name: /canary-thing-6604/ }).waitFor();
  await helper.unfold(say("別の人に渡す", "It goes to somebody else"));
  await custody.locator("#holder1").fill(say("鑑識", "forensics"));
  await custody.locator("#place1").fill(say("封印袋 12", "sealed bag 12"));
  await custody.locator("#witness1").fill(say("社長", "the owner"));
  await helper.press(say(/^記録する .*6604/, /^Write it down .*6604/), custody);
  await custody.getByText(say("封印袋 12", "sealed bag 12")).waitFor();
  for (const paper of [say("札を印刷する", "Print the tags"), say("証拠の受け渡し票", "Custody slip")]) {
    check((await helper.saved(paper)).subarray(0, 5).toString() === "%PDF-", `${paper} is printed`);
  }
  await helper.look("66-case-of-a-caller");
  writeFileSync(file("caller invite"), await helper.saved(say("招待状を保存", "Save the invite")));

  // The caller has keys by now, and gets the case with all that was written.
  await guest.press(say(/参加できます/, /Join that safe/));
  await guest.choose(file("caller invite"));
  await guest.fill(say("あなたの名前（ほかの人に見えます）", "Your name, as the others call you"), "徳田精機");
  await guest.fill(say("このコンピューターの呼び名", "What you call this computer"), "pc-1");
  await guest.fill(say("パスフレーズ", "Passphrase"), own);
  await guest.fill(say("パスフレーズをもう一度", "The passphrase once more"), own);
  await guest.fill(say("参加願のファイル", "File for the request"), file("caller request"));
  await guest.press(say("参加願を書く", "Write the request"));
  const heard = await spoken(guest, 10);
  await helper.press(say("会社に渡す", "Give it to the company"));
  await helper.choose(file("caller request"));
  await helper.main.locator("#words").fill(heard.split(" ").reverse().join(" "));
  await helper.press(say("徳田精機さんに相談を渡す", "Give the case to 徳田精機"));
  await helper.main.getByRole("alert").waitFor();
  await helper.look("67-give");
  await helper.main.locator("#words").fill(heard);
  await helper.press(say("徳田精機さんに相談を渡す", "Give the case to 徳田精機"));
  const last = await spoken(helper, 8);
  await helper.look("68-given");
  await helper.press(say("鍵をかける", "Lock"), helper.banner);
  await helper.unlock(phrase);
  await helper.page.goto(opened);
  check((await spoken(helper, 8)) === last, "the words are there after a lock too");
  await guest.press(say("加えてもらった", "I was let in"));
  await guest.fill(say("聞いた8語", "The eight words that you hear"), last);
  await guest.fill(say("パスフレーズ", "Passphrase"), own);
  await guest.press(say("入る", "Enter"));
  await guest.page.waitForURL("**/safe");
  await guest.page.goto(guest.page.url().replace(/\/safe$/, opened.slice(opened.indexOf("/case/"))));
  await guest.until("canary-heard-2207");
  await guest.look("69-case-of-the-company");
  await helper.page.goto(opened);
  check((await helper.main.getByRole("link", { name: say("会社に渡す", "Give it to the company") }).count()) === 0, "a case is given once");

  // It turns out whose other side this is: he is kept from it, and neither learns of the other.
  await helper.press(say("当事者を照合する", "Compare the sides"));
  await compare(helper, "株式会社 徳田精機", "山田食品");
  await helper.main.getByRole("alert").waitFor();
  check(!(await helper.main.innerText()).includes("山田食品"), "nobody's name is told");
  check((await helper.main.getByRole("button", { name: say("書き留める", "Write it down") }).count()) === 0, "nothing more is written");
  await helper.look("73-sides-blocked");

  // The centre makes new keys, and takes back somebody's delegation.
  await helper.press(say("ひと", "People"), helper.banner);
  await helper.press(say("機関の画面へ", "Organisation"));
  await helper.fill(say("あなたのパスフレーズ", "Your passphrase"), phrase);
  await helper.press(say("鍵を新しくする", "Make new keys"));
  await helper.main.getByRole("status").waitFor();
  await helper.look("74-office-rotated");
  await helper.press(say(/^取り消す/, /^Take it back/));
  await helper.fill(say("書き出すファイル（その金庫のメンバーに渡します）", "File to write, for a member of that safe"), file("taken back"));
  await helper.fill(say("あなたのパスフレーズ", "Your passphrase"), phrase);
  await helper.look("70-office-revoke");
  await helper.press(say("取り消す", "Take it back"));
  await helper.main.getByRole("status").waitFor();
  await helper.press(say("機関", "Organisation"));
  await helper.main.getByText(say("取り消し済み", "revoked")).waitFor();
  await helper.look("71-office-revoked");

  // The company brings that in, and takes it down.
  await owner.page.goto(`${theirs}/people`);
  await owner.press(say("ファイルを読み込む", "Bring the file in"));
  await owner.choose(file("case invite"));
  await owner.main.getByRole("alert").waitFor();
  await owner.choose(file("taken back"));
  await owner.main.getByText(say(/鈴木さんへの委任を取り消しました/, /Suzuki acts for it here no more/)).waitFor();
  await owner.look("76-take-back-who");
  await owner.press(say("取り消しを記録する", "Take it down"));
  await owner.main.getByRole("heading", { name: say("記録しました", "Taken down") }).waitFor();

  // Another one has read a consent on a printed form; somebody else of the centre will say so too.
  const reader = await sit(other);
  await reader.unlock(phrase);
  await reader.press(say("相談", "Advice"), reader.banner);
  await reader.press("図面の件");
  await reader.press(say("書面で渡す", "Hand over on paper"));
  const attesting = reader.main.locator("#attest-form");
  await reader.fill(attesting.getByLabel(say("相手の名前", "What the receiver is called")), "JPCERT");
  await reader.fill(attesting.getByLabel(say("使ってよい目的", "What he may use it for")), "help");
  await reader.fill(attesting.getByLabel(say("電話で確かめた相手", "Who was called back")), "ring");
  await reader.fill(attesting.locator("#a-until"), await attesting.locator("#a-until").getAttribute("min"));
  await reader.press(say("書面で確認したと記録する", "I have read this on the form"));
  await reader.main.getByText(say("2人のうち1人が確認", "one of two has read it")).waitFor();
  await reader.look("59-attested");
});
