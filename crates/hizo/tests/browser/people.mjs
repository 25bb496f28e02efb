// Somebody comes and goes, at two desks over one keeper: the invite, the request, the words of both, another role, a removal that is
// prepared and withdrawn, and one that is done. Run by tests/all/desk.rs.
//
//   node people.mjs FOUNDER NEWCOMER PHRASE FOLDER LANGUAGE WIDTH PICTURES
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { check, go, say, told } from "./journey.mjs";

const [founder, newcomer, phrase, folder] = told;
const own = "five ducks cross the frozen river";

await go(async (sit) => {
  const admin = await sit(founder);
  await admin.unlock(phrase);
  const at = admin.page.url().replace(/\/safe$/, "");
  await admin.page.goto(`${at}/people`);
  await admin.look("people-01-alone");
  const invite = join(folder, "invite by the desk");
  writeFileSync(invite, await admin.saved(say("招待状を保存", "Save an invite")));

  // Whoever comes has no safe yet.
  const guest = await sit(newcomer);
  await guest.page.waitForURL("**/begin");
  await guest.press(say(/参加できます/, /Join that safe/));
  await guest.look("people-02-join");
  await guest.choose(invite);
  await guest.fill(say("あなたの名前（ほかの人に見えます）", "Your name, as the others call you"), "佐藤");
  await guest.fill(say("このコンピューターの呼び名", "What you call this computer"), "pc-7");
  await guest.fill(say("パスフレーズ", "Passphrase"), own);
  await guest.fill(say("パスフレーズをもう一度", "The passphrase once more"), own);
  const request = join(folder, "request by the desk");
  await guest.fill(say("参加願のファイル", "File for the request"), request);
  await guest.look("people-03-ask");
  await guest.press(say("参加願を書く", "Write the request"));
  await guest.main.locator(".words").waitFor();
  const ten = await guest.main.locator(".words").innerText();
  check(ten.trim().split(" ").length === 10, `ten words: ${ten}`);
  await guest.look("people-04-asked");
  // Nobody comes in before he was let in; what was typed stays.
  await guest.press(say("加えてもらった", "I was let in"));
  await guest.fill(say("聞いた8語", "The eight words that you hear"), "a b c d e f g h");
  await guest.fill(say("パスフレーズ", "Passphrase"), own);
  await guest.press(say("入る", "Enter"));
  await guest.main.getByRole("alert").waitFor();
  await guest.look("people-05-not-yet");

  await admin.press(say("人を加える", "Let somebody in"));
  await admin.choose(request);
  await admin.main.getByText("pc-7").waitFor();
  await admin.look("people-06-admit");
  const words = admin.main.locator("#words");
  await words.fill(ten.trim().split(" ").reverse().join(" "));
  await admin.press(say("佐藤さんを加える", "Let 佐藤 in"));
  await admin.main.getByRole("alert").waitFor();
  await words.fill(ten);
  await admin.press(say("佐藤さんを加える", "Let 佐藤 in"));
  await admin.page.waitForURL("**/admitted/*");
  const eight = await admin.main.locator(".words").innerText();
  check(eight.trim().split(" ").length === 8, `eight words: ${eight}`);
  await admin.look("people-07-admitted");

  await admin.press(say("ひと", "People"), admin.banner);
  await admin.press("佐藤");
  await admin.press(say(/8語を、もう一度/, /eight words/));
  check((await admin.main.locator(".words").innerText()) === eight, "they are found again at his name");

  await guest.fill(say("聞いた8語", "The eight words that you hear"), eight);
  await guest.fill(say("パスフレーズ", "Passphrase"), own);
  await guest.press(say("入る", "Enter"));
  await guest.page.waitForURL("**/safe");

  // He was given nothing of before, and is given it.
  await admin.page.goto(`${at}/people/opens`);
  check(!(await admin.main.getByText("佐藤").count()), "what was kept before is closed to whoever comes");
  await admin.page.goto(`${at}/people`);
  await admin.look("people-08-people");
  await admin.press("佐藤");
  await admin.look("people-09-person");
  await admin.press(say("開けられるようにする", "Let him open it"));
  await admin.page.waitForURL("**/who/*");
  await admin.page.goto(`${at}/people/opens`);
  await admin.main.getByText("佐藤").waitFor();
  await admin.look("people-10-opens");

  // Another role.
  await admin.page.goto(`${at}/people`);
  await admin.press("佐藤");
  await admin.main.locator("#role").selectOption("reader");
  await admin.press(say("役割を変える", "Change the role"));
  await admin.page.waitForURL("**/who/*");
  check((await admin.main.locator("#role").inputValue()) === "reader", "he reads only");

  // He leaves: prepared for a time, withdrawn, and then at once.
  await admin.press(say("この人が離れる", "Somebody leaves"));
  await admin.main.getByText("drawings").first().waitFor();
  await admin.look("people-11-leave");
  await admin.main.locator("#at").fill("2099-03-31T18:00");
  await admin.press(say("外す", "Remove"));
  check(new URL(admin.page.url()).pathname.endsWith("/leave"), "the page wants to be read first");
  await admin.main.locator("#sure").check();
  await admin.press(say("外す", "Remove"));
  await admin.page.waitForURL("**/people");
  await admin.main.getByText("2099").waitFor();
  await admin.look("people-12-prepared");
  await admin.press(say("取り消す", "Withdraw"));
  check((await admin.main.getByText("2099").count()) === 0, "what was prepared is withdrawn");
  await admin.press("佐藤");
  await admin.press(say("この人が離れる", "Somebody leaves"));
  await admin.main.locator("#reason").fill("退職");
  await admin.main.locator("#sure").check();
  await admin.press(say("外す", "Remove"));
  await admin.main.getByRole("status").waitFor();
  await admin.look("people-13-left");
  await admin.press(say("ひと", "People"));
  check((await admin.main.getByText("佐藤").count()) === 0, "he is a member no more");
});
