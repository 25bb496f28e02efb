// A targeted mail was opened: the company learns at its desk what not to do, begins a case on a clean machine with its emergency file, and
// is helped by a centre; the rescue team says that it cannot be determined, and later that it was an attack; what it advises is done; the
// police are told, the report is printed, and the case is closed. Everybody sits at a desk of his own, over one keeper. Run by
// tests/all/journeys.rs.
//
//   node mail.mjs SAFE CLEAN COUNSELLOR RESCUE POLICE PHRASE WORDS RESCUE_KEY POLICE_KEY EMERGENCY FOLDER LANGUAGE WIDTH PICTURES
import { check, go, say, told } from "./journey.mjs";
import { accepts, answered, consents, end, file as within, finds, handsOver, joins, keep, move, own, paper, toCase, toSteps } from "./steps.mjs";

const [safe, clean, counsellor, rescue, police, phrase, words, rescue_key, police_key, emergency, folder] = told;
const file = within(folder);
const title = say("メールの件", "About a mail");
const [team, officers] = ["J-CRAT", say("県警", "Police")];

await go(async (sit) => {
  // At his own desk the owner reads what not to do, and whom to ask.
  const worried = await sit(safe);
  await worried.unlock(phrase);
  await worried.press(say("何かおかしい", "Something is wrong"), worried.banner);
  await worried.tick(worried.main.getByRole("radio", { name: say("サイバー攻撃", "attack") }));
  await worried.press(say("どうすればよいか", "What now?"));
  await worried.main.getByRole("heading", { name: say("今はしないでください", "Do not do this now") }).waitFor();
  await worried.look("c-01-wrong-attack");
  await worried.page.goto(worried.page.url().replace(/\/wrong.*/, "/whom?area=13"));
  await worried.look("c-02-whom");

  // That machine is pulled off the network: the file beside the emergency card begins the case on another one.
  const owner = await sit(clean);
  const { main } = owner;
  await owner.press(say(/緊急カードで相談を/, /with the emergency card/));
  await owner.look("c-03-card");
  await owner.choose(emergency);
  await main.getByRole("heading", { name: say("印刷したカードと見比べてください", "Compare with the printed card") }).waitFor();
  await owner.tick(main.getByRole("radio", { name: say("不審な働きかけ", "approach") }));
  await owner.fill(say("相談の名前", "What the case is called"), title);
  for (const chosen of ["too short", own]) {
    await owner.fill(say("相談のパスフレーズ", "A passphrase for the case"), chosen);
    await owner.fill(say("パスフレーズをもう一度", "The passphrase once more"), chosen);
    await owner.press(say("相談を始める", "Begin the case"));
    if (chosen === own) break;
    await main.getByRole("alert").waitFor();
    await owner.look("c-04-card-begin");
  }
  await owner.page.waitForURL("**/case/*");
  await main.getByRole("heading", { name: title }).waitFor();
  await owner.fill(say("起きたこと（分かっている範囲で）", "What happened, as you know it"), "a quote was asked for by mail, the attachment was opened, canary-told-4471");
  await owner.press(say("書き留める", "Write it down"));
  await main.getByText("canary-told-4471").waitFor();

  // The centre hears it, puts right what it is about, and takes it to where somebody else is needed.
  const [helper, office, officer] = [await sit(counsellor), await sit(rescue), await sit(police)];
  for (const desk of [helper, office, officer]) await desk.unlock(phrase);
  await joins(helper, owner, { file, phrase, words });
  await helper.until("canary-told-4471");
  await helper.pick(helper.main.getByLabel(say("内容", "About")).first(), "attack");
  await helper.tick(helper.main.getByRole("checkbox", { name: say("今日中に動いてもらう必要がある", "Somebody has to act today") }));
  await helper.press(say("改める", "Put it right"));
  await helper.main.locator(".top .pill.bad").waitFor();
  await move(helper, ["見極め", "triage"], "facts");
  await move(helper, ["社内での確認", "check inside the company"], "preserved");
  await helper.fill(say("会社への助言", "Advice for the company"), "leave the machine as it is, canary-answer-5120");
  await helper.press(say("伝える", "Give it"));
  await helper.until("canary-answer-5120");
  await helper.look("c-10-case-counsellor");

  await owner.until("canary-answer-5120");
  await owner.look("c-11-case-company");
  await owner.press(say("証拠", "Evidence"));
  await owner.press(say(/最初のフォルダーを選ぶ|フォルダーを預ける/, /Choose the first folder|Keep a folder/));
  await keep(owner, file("mail"));

  // The rescue team learns of the mail, and not whose it is.
  const first = { title, they: team };
  await consents(owner, {
    ...first,
    key: rescue_key,
    purpose: say("攻撃かどうかの判断", "is this an attack?"),
    level: "B",
    items: [/mail/],
    sought: "トクダセイキ株式会社",
    out: [/signature\.txt/],
    look: (name) => owner.look(`c-20-${name}`),
  });
  await handsOver([owner, helper, office], { ...first, name: say("高橋", "Takahashi"), phrase, file });
  await toCase(helper, title);
  await move(helper, ["引き継ぎ中", "referral sent"], "attack");
  await office.press(say("確かめて開く", "Check and open"));
  check((await office.main.getByText("signature.txt").count()) === 0, "what was left out did not come");
  await accepts(office, { reference: "R-12" });
  await answered(owner, title, team, "R-12");
  await toCase(helper, title);
  await move(helper, ["攻撃かどうかの判断", "rescue: attack or not"], "accepted");

  // First it cannot be determined, then it can: the team says so itself, with its reasons.
  await finds(office, { verdict: say("判断できない", "It cannot be determined"), seen: say("添付は消されていた", "the attachment is gone") });
  await toSteps(owner, title, team);
  await owner.until(say("判断できない", "It cannot be determined"));
  await owner.look("c-30-undetermined");
  await toCase(owner, title);
  await move(owner, ["攻撃かどうかの判断", "rescue: attack or not"], "undetermined");
  await office.look("c-31-received-found");
  await finds(
    office,
    {
      verdict: say("攻撃があった", "It was an attack"),
      seen: say("送信元は乗っ取られていた", "the sender was taken over"),
      damage: say("端末 1 台", "one machine"),
      cause: say("添付のマクロ", "a macro in the attachment"),
      advice: say("マクロを止める\nパスワードを替える", "switch macros off\nchange the passwords"),
    },
    2,
  );
  await toSteps(owner, title, team);
  await owner.until(say("攻撃があった", "It was an attack"));
  await owner.look("c-32-attack");
  await owner.press(say("やることに加える マクロを止める", "Add to what is to be done switch macros off"));
  await owner.page.waitForURL("**/case/*");
  await owner.until(say("マクロを止める", "switch macros off"));
  await toSteps(owner, title, team);
  await main.getByText(say("やることにある", "to be done"), { exact: true }).waitFor();
  check((await main.getByRole("button", { name: say(/^やることに加える/, /^Add to what is to be done/) }).count()) === 1, "what was taken is not taken twice");
  await toCase(owner, title);
  await move(owner, ["被害の確認", "rescue: damage"], "attack");

  // The police are told, with the company's name.
  const second = { title, they: officers };
  await consents(owner, { ...second, key: police_key, purpose: say("捜査", "an investigation"), level: "C", items: [/mail/], company: "徳田精機" });
  await toCase(helper, title);
  await move(helper, ["警察への連絡", "rescue: telling the police"], "damage", officers);
  await handsOver([owner, helper, officer], { ...second, name: say("伊藤", "Ito"), phrase, file });
  await officer.press(say("確かめて開く", "Check and open"));
  await accepts(officer, { reference: "P-3" });
  await answered(owner, title, officers, "P-3");
  await toCase(helper, title);
  await move(helper, ["原因の調査", "rescue: cause"], "notified", officers);
  await move(helper, ["対策の助言", "rescue: advice"], "found", team);
  await helper.look("c-40-case-advised");

  // What was advised is done, and the report is printed.
  await toCase(owner, title);
  await owner.press(say("済んだ マクロを止める", "It is done switch macros off"));
  await paper(owner, say("レスキュー隊報告書", "Report of the rescue team"));
  await owner.look("c-41-case-done");

  // What was accepted stays, whatever is taken back.
  await owner.press(say("同意", "Consents"));
  await owner.press(say(`取り消す ${team}`, `Take it back ${team}`));
  await main.getByText(say(/すでに受領しており/, /has accepted it before/)).waitFor();
  await owner.look("c-42-consent-withdraw");
  await owner.press(say("取り消す", "Take it back"));
  await owner.page.waitForURL("**/consent");
  check((await main.getByRole("link", { name: say(`取り消す ${team}`, `Take it back ${team}`) }).count()) === 0, "what was taken back is not taken back again");

  await toCase(helper, title);
  await end(helper, ["まとめ", "closing"], "measures-agreed");
  await end(helper, ["終了", "closed"], "done");
  await toCase(owner, title);
  await owner.until(main.locator(".stands").getByText(say("終了", "closed"), { exact: true }));
  await owner.look("c-43-case-closed");
});
