// A leak, from the notice to the end: somebody who leads the work on a recipe leaves a company; drawings are missing; the company learns
// what not to do and what to keep, begins a case, and is helped by a centre; specialists see no more than needed, the police everything that
// they act on; and the case is closed. Everybody sits at a desk of his own, over one keeper. Run by tests/all/journeys.rs.
//
//   node leak.mjs COMPANY COUNSELLOR SPECIALIST POLICE PHRASE WORDS SPECIALISTS_KEY POLICE_KEY FOLDER LANGUAGE WIDTH PICTURES
import { readdirSync } from "node:fs";

import { check, go, say, told } from "./journey.mjs";
import { accepts, answered, begins, consents, end, file as within, finds, handsOver, joins, keep, move, paper, toCase, toSteps } from "./steps.mjs";

const [company, counsellor, specialist, police, phrase, words, specialists_key, police_key, folder] = told;
const file = within(folder);
const title = say("配合の件", "About a recipe");
const [specialists, officers] = [say("専門官", "Specialists"), say("県警", "Police")];

// He leaves: prepared for a time, withdrawn, and then at once.
async function leaves(owner) {
  const { page, main, press, look } = owner;
  await press(say("ひと", "People"), owner.banner);
  await press("佐藤");
  await look("b-01-person");
  await press(say("この人が離れる", "Somebody leaves"));
  // What he could read.
  await main.getByText(say("スープの配合", "Soup recipe")).first().waitFor();
  await main.getByText("drawings").first().waitFor();
  await look("b-02-leave");
  await owner.fill(main.locator("#at"), "2099-03-31T18:00");
  await press(say("外す", "Remove"));
  check(new URL(page.url()).pathname.endsWith("/leave"), "the page wants to be read first");
  await owner.tick(main.locator("#sure"));
  await press(say("外す", "Remove"));
  await page.waitForURL("**/people");
  await main.getByText("2099").waitFor();
  await look("b-03-prepared");
  await press(say("取り消す", "Withdraw"));
  check((await main.getByText("2099").count()) === 0, "what was prepared is withdrawn");
  await press("佐藤");
  await press(say("この人が離れる", "Somebody leaves"));
  await owner.fill(main.locator("#reason"), say("退職", "he leaves"));
  await owner.tick(main.locator("#sure"));
  await press(say("外す", "Remove"));
  await main.getByRole("status").waitFor();
  await look("b-04-left");
  await press(say("ひと", "People"));
  check((await main.getByText("佐藤").count()) === 0, "he is a member no more");
}

await go(async (sit) => {
  const [owner, helper, office, officer] = [await sit(company), await sit(counsellor), await sit(specialist), await sit(police)];
  for (const desk of [owner, helper, office, officer]) await desk.unlock(phrase);
  const { page, main } = owner;
  await leaves(owner);

  // Drawings are missing. What not to do, what to keep, whom to ask; and the case begins with what is known.
  const steps = owner.interactions;
  await owner.press(say("何かおかしい", "Something is wrong"), owner.banner);
  await owner.look("b-10-wrong");
  await begins(owner, { kind: say("持ち出し・漏えい", "leak"), title });
  await owner.look("b-12-case-begun");
  await owner.fill(say("起きたこと（分かっている範囲で）", "What happened, as you know it"), "<b>leaver 1</b> had the drawings of KX-204 last, canary-told-8812");
  await owner.press(say("書き留める", "Write it down"));
  await main.getByText("canary-told-8812").waitFor();
  check((await page.locator("main b", { hasText: "leaver 1" }).count()) === 0, "a story is text and nothing else");
  const begun = owner.interactions - steps;
  check(begun <= 12, `a signed sending took ${begun} interactions`);
  await joins(helper, owner, { file, phrase, words, look: (desk, name) => desk.look(`b-13-${name}`) });
  await helper.until("canary-told-8812");

  // What he sends after somebody has locked the desk is given back.
  await move(helper, ["見極め", "triage"], "facts");
  await move(helper, ["証拠の保全", "keeping the evidence"], "suspicion");
  await helper.fill(say("会社への助言", "Advice for the company"), "lock his PC away as it is, canary-answer-3306");
  await helper.lockedBefore(say("伝える", "Give it"), phrase);
  await helper.main.getByText("canary-answer-3306").waitFor();
  await helper.look("b-14-unsent");
  await helper.press(say("いま送る", "Send it now"));
  await helper.until("canary-answer-3306");
  await helper.fill(helper.main.getByPlaceholder(say("やること", "What is to be done")), "canary-task-1177");
  await helper.press(say("加える", "Add"));
  await helper.until("canary-task-1177");
  await helper.look("b-15-case-counsellor");

  // The company does what it was told, and keeps what may be lost.
  await owner.until("canary-answer-3306");
  check((await main.getByRole("button", { name: say("伝える", "Give it") }).count()) === 0, "a company gives no advice");
  await owner.press(say("証拠", "Evidence"));
  await owner.look("b-16-evidence");
  await owner.press(say(/最初のフォルダーを選ぶ|フォルダーを預ける/, /Choose the first folder|Keep a folder/));
  await keep(owner, file("signs"));
  await owner.look("b-17-evidence-kept");
  await toCase(owner, title);
  await owner.press(say("済んだ canary-task-1177", "It is done canary-task-1177"));
  const badges = main.getByRole("listitem").filter({ hasText: say("入退室の記録", "badge records") });
  const choice = badges.getByRole("combobox");
  await owner.pick(choice, await choice.locator("option").nth(1).getAttribute("value"));
  await owner.press(say(/^残した 入退室の記録/, /^It is kept badge records/));
  await owner.press(say(/^残した 退職者のパソコン/, /^It is kept the leaver's PC/));
  await owner.press(say(/^ない 防犯カメラの映像/, /^There is none camera pictures/));
  await move(owner, ["社内での確認", "check inside the company"], "preserved");
  await owner.look("b-18-case-company");

  // Somebody else is needed. Specialists learn facts, and no name.
  await toCase(helper, title);
  await move(helper, ["引き継ぎの提案", "referral proposed"], "former-employee");
  const first = { title, they: specialists };
  await consents(owner, {
    ...first,
    key: specialists_key,
    purpose: say("どこに引き継げるか", "who can act on this?"),
    level: "B",
    items: [/signs/],
    sought: "トクダ食品株式会社\n1948-03-01",
    out: [/note\.txt/],
    look: (name) => owner.look(`b-20-${name}`),
  });
  const wrong = file("signs/copied.csv");
  const last = await handsOver([owner, helper, office], {
    ...first,
    name: say("高橋", "Takahashi"),
    phrase,
    file,
    wrong,
    look: (desk, name) => desk.look(`b-21-${name}`),
  });
  await helper.press(say("鍵をかける", "Lock"), helper.banner);
  await helper.unlock(phrase);
  await toSteps(helper, title, specialists);
  check((await helper.main.locator(".words").first().innerText()).trim() === last, "the words are there after a lock too");
  await toCase(helper, title);
  await move(helper, ["引き継ぎ中", "referral sent"], "consented");

  // Nothing is shown to them before they say that they open.
  check((await office.main.getByText("copied.csv").count()) === 0, "nothing is shown yet");
  const inside = office.page.url().replace("/received/", "/case/") + "/safe";
  const unseen = await office.context.request.get(inside);
  check(unseen.status() === 422 && !(await unseen.text()).includes("item 1"), "and by no other page");
  await office.look("b-22-received-unopened");
  await office.press(say("確かめて開く", "Check and open"));
  await office.press(/^item 1/);
  await office.press("copied.csv");
  await office.main.getByText("09:12 copied KX-204.dxf").waitFor();
  await office.look("b-22-received-look");
  check((await office.main.getByText(/canary-left-out/).count()) === 0, "what was left out did not come");
  await office.press(say("元の画面へ戻る", "Back to what this belongs to"));
  await accepts(office, { reference: "S-7", look: (name) => office.look(`b-22-${name}`) });
  await finds(office, { verdict: say("そのほか", "Something else"), seen: say("在職中に写した跡", "traces of copying while he was there"), advice: say("配合表のどの版かを書き出す", "write down which version of the recipe it is") });

  // What they advise becomes something to do.
  await answered(owner, title, specialists, "S-7");
  check((await main.locator("#suspect").count()) === 0, "whoever receives evidence alone may learn a name");
  await owner.look("b-23-answered");
  await owner.press(say(/^やることに加える/, /^Add to what is to be done/));
  await owner.page.waitForURL("**/case/*");
  await owner.until(say("配合表のどの版か", "which version of the recipe"));

  // The police get it with the name and the evidence.
  const second = { title, they: officers };
  await consents(owner, { ...second, key: police_key, purpose: say("被害届", "a damage report"), level: "D", items: [/signs/], company: "徳田食品", look: (name) => owner.look(`b-30-${name}`) });
  await handsOver([owner, helper, officer], { ...second, name: say("伊藤", "Ito"), phrase, file });
  await officer.press(say("確かめて開く", "Check and open"));
  await officer.main.getByRole("heading", { name: "徳田食品" }).waitFor();
  await accepts(officer, { reference: "R-12" });
  await answered(owner, title, officers, "R-12");
  await owner.fill(main.locator("#suspect"), "canary-suspect-3391");
  await owner.fill(main.locator("#note"), "leaver 1");
  await owner.press(say("名前を伝える", "Tell the name"));
  await main.getByText("canary-suspect-3391").waitFor();
  await officer.until("canary-suspect-3391");
  await officer.look("b-31-suspect");
  await finds(officer, { verdict: say("被害届を受理した", "We have accepted a damage report"), damage: say("図面 1 件", "one drawing") });
  await officer.look("b-32-found");
  await toSteps(owner, title, officers);
  await owner.until(say("被害届を受理した", "We have accepted a damage report"));
  await owner.press(say("被害届を受理した", "We have accepted a damage report"));
  await owner.look("b-33-finding");

  // The facts, and no more, stand in the case.
  await toCase(helper, title);
  await move(helper, ["警察に相談", "police: consultation"], "accepted", officers);
  await move(helper, ["被害届の受理", "police: damage report accepted"], "reported");
  check(!(await helper.main.innerText()).includes("canary-suspect"), "the counsellor learns no name");
  await helper.look("b-34-case-police");

  // Whoever has no hizo gets it on paper, and gives his number.
  await toCase(owner, title);
  await owner.press(say("書面で渡す", "Hand over on paper"));
  const [printing, taking] = [main.locator("#print"), main.locator("#taken-form")];
  await owner.tick(printing.getByRole("checkbox", { name: /signs/ }));
  await owner.fill(printing.getByLabel(say("相手の名前", "What the receiver is called")), say("地裁", "The court"));
  await owner.fill(main.getByLabel(say("使ってよい目的", "What he may use it for")), "a hearing");
  await owner.fill(say("新しいフォルダー（渡す媒体の上）", "New folder, on the disk that you hand over"), file("on paper"));
  await owner.press(say("取り出して目録を作る", "Lay it out"), printing);
  await main.getByRole("status").waitFor();
  check(readdirSync(file("on paper")).sort().join(" ") === "SHA256SUMS check.cmd check.ps1 handed-over.pdf item-1", "the folder checks itself");
  await owner.look("b-35-on-paper");
  await owner.tick(taking.getByRole("checkbox", { name: /signs/ }));
  await owner.fill(taking.getByLabel(say("相手の名前", "What the receiver is called")), say("地裁", "The court"));
  await owner.fill(say("相手の受領番号", "The receiver’s number for it"), "K-7");
  await owner.press(say("書き留める", "Write it down"), taking);
  await main.getByText("K-7").waitFor();
  await owner.look("b-36-on-paper-taken");

  // It ends, and the company sees that.
  await toCase(helper, title);
  await end(helper, ["まとめ", "closing"], "measures-agreed");
  await end(helper, ["終了", "closed"], "done");
  await helper.look("b-40-case-closed");
  await owner.press(say("相談", "Advice"), owner.banner);
  await owner.until(main.getByRole("cell", { name: say("終了", "closed") }));
  await owner.look("b-41-cases-closed");
  await owner.press(title);
  check((await main.getByRole("button", { name: say("書き留める", "Write it down") }).count()) === 0, "nothing more is asked for");
  await owner.look("b-42-case-closed");
  await paper(owner, say("相談記録", "Consultation record"));
  for (const desk of [owner, helper, office, officer]) check(desk.elsewhere.length === 0, `asked elsewhere: ${desk.elsewhere}`);
});
