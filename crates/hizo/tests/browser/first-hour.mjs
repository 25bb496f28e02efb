// The first hour of a mould maker at the desk, in a real browser: begin, keep, prove, check, bring back; in the language and the
// width that are named. Run by tests/all/desk.rs, which starts the desk.
//
//   node first-hour.mjs LINK FOLDER LANGUAGE WIDTH PICTURES
import { check, go, say, told } from "./journey.mjs";

const [link, folder] = told;
const phrase = "five ducks cross the frozen river";

await go(async (sit) => {
  const desk = await sit(link);
  const { context, page, banner, elsewhere, complaints, press, fill, look } = desk;
  await page.waitForURL("**/begin");
  await look("01-begin");

  // Looking first costs nothing, and leaves nothing.
  const steps = desk.interactions;
  await press(say("見本の会社を見る", "Look at a sample company"));
  await page.waitForURL("**/sample");
  await look("00-sample");
  await press(say("見本を消す", "Delete the sample"));
  await page.waitForURL("**/begin");
  desk.interactions = steps;

  await fill(say("会社名", "Company"), "徳田精機");
  // Whoever likes says what the others call him.
  await desk.main.getByLabel(say("あなたの名前", "Your name"), { exact: true }).fill("田中");
  await fill(say("パスフレーズ", "Passphrase"), phrase);
  await fill(say("パスフレーズをもう一度", "The passphrase once more"), phrase);
  await press(say("作る", "Begin"));
  await page.waitForURL("**/safe");
  await look("02-safe-empty");

  await press(say("最初のフォルダーを選ぶ", "Choose the first folder"));
  await fill(say("場所を入力する:", "Or type a path:"), folder);
  await press(say("開く", "Open"));
  await fill(say("束", "Series"), "α-117 金型図");
  await look("03-keep");
  await press(say(/を預ける$/, /^Keep “/));
  await page.waitForURL("**/deposit/*");
  await look("04-deposit");
  check(await page.locator("table").getByText("drawings").first().isVisible(), "the folder's contents are shown");
  check((await page.locator(".seal").count()) === 0, "no seal before anybody says a time");

  await press(say("証明を作る", "Make the proof"));
  await page.waitForURL("**/prove*");
  await look("05-prove");
  await press(say("証明を作る", "Make the proof"));
  await page.waitForURL("**/proof/*");
  await look("06-proof");
  check((await page.locator(".seal.ring").count()) === 1, "a time that nobody else says has a grey ring");
  check((await page.locator(".seal .red").count()) === 0, "and no red seal");
  const kept = desk.interactions;
  check(kept <= 12, `from the link to the proof took ${kept} interactions`);
  const certificate = await page.getByRole("link", { name: say("証明書を開く", "Open the certificate") }).getAttribute("href");
  const pdf = await context.request.get(new URL(certificate, link).href);
  check(pdf.headers()["content-type"] === "application/pdf" && (await pdf.body()).subarray(0, 5).toString() === "%PDF-", "the certificate is a PDF");
  const made = (await page.locator(".top .soft").innerText()).match(/\/\S.*?(?=( にあります|\.$))/)[0];

  // Somebody else checks it; the page needs no safe.
  await page.goto(new URL(page.url()).origin + new URL(page.url()).pathname.split("/").slice(0, 2).join("/") + "/verify");
  await fill(say("場所を入力する:", "Or type a path:"), made);
  await press(say("開く", "Open"));
  await press(say(/を確かめる$/, /^Check “/));
  await page.getByRole("status").waitFor();
  check((await page.locator(".pill").first().innerText()) === say("言い切れません", "cannot be told"), "without roots nothing is said to hold");
  await look("07-verify");

  // Brought back, as it was.
  await press(say("金庫", "Safe"), banner);
  await look("08-safe");
  await press("α-117 金型図");
  await look("09-series");
  await press("1");
  await press(say("取り出す", "Bring back"));
  await look("10-restore");
  await fill(say("新しいフォルダー", "New folder"), `${folder}-back`);
  await press(say("取り出す", "Bring back"));
  await page.getByText(say("どれも預けたときと同じものです", "each is the one committed to")).waitFor();
  await look("11-restored");

  // Locked, nothing of it is shown any more; the wrong passphrase opens nothing.
  const deposit = page.url();
  await press(say("鍵をかける", "Lock"), banner);
  await page.waitForURL("**/unlock");
  await page.goto(deposit);
  check(page.url().endsWith("/unlock"), "a locked desk shows no deposit");
  check(!(await page.content()).includes("徳田精機"), "a locked desk does not say whose safe it is");
  await fill(say("パスフレーズ", "Passphrase"), "not this one at all");
  await press(say("開ける", "Unlock"));
  await page.getByRole("alert").waitFor();
  await look("12-unlock");
  await fill(say("パスフレーズ", "Passphrase"), phrase);
  await press(say("開ける", "Unlock"));
  await page.waitForURL("**/safe");

  await press(say("ひと", "People"), banner);
  await desk.main.getByRole("link", { name: "田中" }).waitFor();
  await look("13-people");

  // The other language, on the same page.
  await press(say("English", "日本語"), banner);
  check((await page.locator("html").getAttribute("lang")) === say("en", "ja"), "the language is the other one");
  check(elsewhere.length === 0, `asked elsewhere: ${elsewhere}`);
  check(complaints.filter((line) => !line.includes("422")).length === 0, `the browser complains: ${complaints}`);
  console.log(JSON.stringify({ interactions: kept }));
});
