// Shows how far an upload has come. Without it the browser sends the same form by itself.
const form = document.getElementById("drop");
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
  request.upload.addEventListener("progress", (sent) => {
    document.getElementById("bar").value = sent.total > 0 ? sent.loaded / sent.total : 0;
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
