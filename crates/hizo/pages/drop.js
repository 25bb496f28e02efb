// Shows how far an upload has come. Without it the browser sends the same form by itself.
const form = document.getElementById("drop");
const told = document.getElementById("told");
const size = (bytes) => {
  const power = bytes < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
};
const time = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const fields = new FormData();
  for (const [name, value] of new FormData(form)) {
    if (!(value instanceof File)) fields.append(name, value);
  }
  for (const input of form.querySelectorAll("input[type=file]")) {
    for (const file of input.files) fields.append(input.name, file, file.webkitRelativePath || file.name);
  }
  const request = new XMLHttpRequest();
  const began = performance.now();
  request.upload.addEventListener("progress", (sent) => {
    document.getElementById("bar").value = sent.total > 0 ? sent.loaded / sent.total : 0;
    const rate = sent.loaded / Math.max((performance.now() - began) / 1000, 0.001);
    told.textContent = [
      told.dataset.done.replace("{done}", size(sent.loaded)).replace("{total}", size(sent.total)),
      told.dataset.rate.replace("{bytes}", size(rate)),
      told.dataset.left.replace("{time}", time((sent.total - sent.loaded) / Math.max(rate, 1))),
    ].join(" · ");
  });
  request.addEventListener("load", () => {
    if (request.status === 200) {
      location.assign(request.responseURL);
      return;
    }
    document.open();
    document.write(request.responseText);
    document.close();
  });
  request.addEventListener("error", () => {
    document.getElementById("far").hidden = true;
    document.getElementById("broken").hidden = false;
    form.querySelector("button").disabled = false;
  });
  document.getElementById("broken").hidden = true;
  document.getElementById("far").hidden = false;
  form.querySelector("button").disabled = true;
  request.open("POST", form.action);
  request.send(fields);
});
