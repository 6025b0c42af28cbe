// A scan watched live: server-sent events fill numbers and texts; nothing that comes is ever read as markup.
"use strict";
const live = document.getElementById("live");
if (live) {
  const put = (id, text) => { document.getElementById(id).textContent = text; };
  const source = new EventSource(live.dataset.events);
  source.onmessage = (message) => {
    const told = JSON.parse(message.data);
    put("ended", told.ended);
    put("begun", told.begun);
    const bar = document.getElementById("bar");
    bar.max = Math.max(told.begun, 1);
    bar.value = told.ended;
    document.getElementById("latest").replaceChildren(...told.latest.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }));
    if (told.state !== "running") {
      source.close();
      setTimeout(() => location.reload(), 1200);
    }
  };
}
