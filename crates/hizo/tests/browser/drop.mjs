// A folder is handed over by the browser, with the page's script or without any. Run by tests/all/desk.rs.
//
//   node drop.mjs LINK PHRASE FOLDER with|without LANGUAGE WIDTH PICTURES
import { check, go, say, told } from "./journey.mjs";

const [link, phrase, folder, script] = told;

await go(async (sit) => {
  const { page, main, complaints, ...desk } = await sit(link, { javaScriptEnabled: script === "with" });
  await desk.unlock(phrase);
  // axe is a script itself.
  const look = script === "with" ? desk.look : desk.picture;
  await page.goto(page.url().replace(/safe$/, "drop"));
  await main.locator("#series").fill("drop");
  await main.locator("#folder").setInputFiles(folder);
  await look("drop");
  if (script === "with") {
    await page.evaluate(() => {
      const told = document.getElementById("told");
      new MutationObserver(() => sessionStorage.setItem("told", told.textContent)).observe(told, { childList: true });
    });
  }
  await main.getByRole("button", { name: say("預ける", "Keep them") }).click();
  await page.waitForURL("**/work/*");
  if (script === "with") {
    const far = await page.evaluate(() => sessionStorage.getItem("told"));
    check(say(/B のうち .*B · 毎秒 .*B · 残り \d+:\d\d$/, /B of .*B · .*B a second · \d+:\d\d left$/).test(far), `how far it has come is told: ${far}`);
  }
  await main.getByText(say(/更新日時、権限/, /not when each file was changed/)).waitFor();
  await desk.picture("dropped");
  await main.getByRole("link", { name: say("見る", "Show it") }).click();
  await main.getByRole("link", { name: "α-117.dxf", exact: true }).click();
  await page.waitForURL("**/look*");
  check((await main.locator("pre").innerText()).startsWith("0\nSECTION"), "the text of the file is shown");
  await desk.picture("look");
  await page.goBack();
  await main.getByRole("link", { name: "α-117.png", exact: true }).click();
  await page.waitForURL("**/look*");
  await main.locator("img").waitFor();
  if (script === "with") {
    check(await main.locator("img").evaluate((picture) => picture.decode().then(() => picture.naturalWidth === 1)), "the picture is shown");
    await look("look-picture");
  }
  check(complaints.length === 0, `the browser complains: ${complaints}`);
});
