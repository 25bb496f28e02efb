// The company consents at its desk: it chooses, sees what the receiver will see, decides on every trace of its name, signs, and
// later sees what came of it. Run by tests/all/desk.rs.
//
//   node line.mjs consent|accepted COMPANY PHRASE KEY LANGUAGE WIDTH PICTURES
import { check, go, say, told } from "./journey.mjs";

const [part, company, phrase, key] = told;

await go(async (sit) => {
  const desk = await sit(company);
  const { page, main } = desk;
  const look = async (name) => {
    await desk.look(name);
    check(!/[^\x00-\x7f]|note|%/.test(new URL(page.url()).pathname), `an address holds a name: ${page.url()}`);
  };
  await desk.unlock(phrase);
  await desk.press(say("相談", "Advice"), desk.banner);
  await desk.press("図面の件");
  await desk.press(say("同意", "Consents"));
  await page.waitForURL("**/consent");

  if (part === "consent") {
    await main.getByLabel(say("相手の名前", "What the receiver is called")).fill("J-CRAT");
    await main.getByLabel(say("相手の鍵", "The receiver’s key")).fill(key);
    await main.getByLabel(say("使ってよい目的", "What he may use it for")).fill("is this an attack?");
    await main.getByRole("checkbox", { name: /signs/ }).check();
    await main.getByLabel(say(/^A と B で/, /^What must not be known/)).fill("トクダセイキ株式会社\n1948-03-01");
    await main.getByLabel(say("開いてよい最後の日", "The last day on which it may be opened")).fill("2099-12-31");
    await look("30-consent");
    await desk.press(say("相手に見えるものを確かめる", "Show what he will see"));
    await main.getByRole("heading", { name: say("署名する内容", "What you sign") }).waitFor();
    check((await main.getByText("note.txt").count()) > 0, "every file is listed");
    await look("31-consent-preview");
    await desk.press(say("同意に署名する", "Sign the consent"));
    await main.getByRole("alert").waitFor();
    await look("32-consent-undecided");
    await main.getByRole("group", { name: /note\.txt/ }).getByLabel(say("外す", "Leave it out")).check();
    await desk.press(say("同意に署名する", "Sign the consent"));
    await main.getByText(say("同意済み（まだ引き渡していません）", "consented, not handed over")).waitFor();
    await look("33-consent-given");
    await desk.press(say("取り消す J-CRAT", "Take it back J-CRAT"));
    await main.getByRole("heading", { name: say("同意を取り消す", "Take a consent back") }).waitFor();
    await look("34-consent-withdraw");
    await desk.press(say("このままにする", "Leave it as it is"));
    await main.getByText(say("同意済み（まだ引き渡していません）", "consented, not handed over")).waitFor();
  } else {
    await main.getByText("R-12").waitFor();
    await look("35-consent-accepted");
    await desk.press(say("取り消す J-CRAT", "Take it back J-CRAT"));
    await main.getByText(say(/すでに受領しており/, /has accepted it before/)).waitFor();
    await main.getByRole("button", { name: say("取り消す", "Take it back") }).click();
    await page.waitForURL("**/consent");
    check((await main.getByRole("link", { name: say("取り消す J-CRAT", "Take it back J-CRAT") }).count()) === 0, "what was taken back is not taken back again");
  }
});
