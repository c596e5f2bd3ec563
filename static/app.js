// What pages do better with JavaScript; all work without.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const on = (type, selector, act) =>
    document.addEventListener(type, (event) => {
      const found = event.target.closest?.(selector);
      if (found) act(event, found);
    });
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const announce = (text) => (document.getElementById("announcer").textContent = text);
  const get = (url, options) =>
    fetch(url, { credentials: "same-origin", ...options, headers: { "HX-Request": "true" } });

  // data-dialog="Title" on a link shows its page in a dialog.
  const dialogOf = (title, ...body) => {
    const close = make("button", { type: "button", className: "icon-button", textContent: "\u2715" });
    close.setAttribute("aria-label", "Close");
    close.dataset.close = "";
    const head = make("div", { className: "dialog-head" }, make("h2", { id: "dialog-title", textContent: title }), close);
    const dialog = make("dialog", { className: "dialog" }, head, make("div", { className: "dialog-body" }, ...body));
    dialog.setAttribute("aria-labelledby", "dialog-title");
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
  };
  const fill = (dialog, html) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const body = dialog.querySelector(".dialog-body");
    body.replaceChildren(...(page.querySelector("#content, .gate-card") || page.body).childNodes);
    window.htmx?.process(body);
    prepare(body);
    const first = body.querySelector("[data-focus], [autofocus], .form-control, .form-select, .btn");
    first?.focus();
  };
  on("click", "a[data-dialog]", async (event, link) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const answer = await get(link.href).catch(() => null);
    if (answer?.status !== 200 || answer.redirected) return location.assign(link.href);
    const dialog = dialogOf(link.dataset.dialog);
    dialog.dataset.url = link.href;
    fill(dialog, await answer.text());
    dialog.addEventListener("close", () => link.focus());
  });
  on("click", "dialog [data-close]", (event, button) => {
    event.preventDefault();
    button.closest("dialog").close();
  });
  // A form in a dialog stays there while it is refused (422).
  on("submit", "dialog form[method=post]", async (event, form) => {
    if (event.defaultPrevented || form.enctype.startsWith("multipart")) return;
    event.preventDefault();
    const button = event.submitter;
    if (button) button.disabled = true;
    const dialog = form.closest("dialog");
    const data = new URLSearchParams(new FormData(form));
    if (button?.name) data.append(button.name, button.value);
    const answer = await get(form.getAttribute("action") || dialog.dataset.url, { method: "POST", body: data }).catch(() => null);
    const next = answer?.headers.get("HX-Redirect");
    if (next) {
      if (new URL(next, location).href.split("#")[0] === location.href.split("#")[0]) location.reload();
      else location.assign(next);
    } else if (answer?.redirected) location.assign(answer.url);
    else if (answer && answer.status < 500) fill(dialog, await answer.text());
    else {
      if (button) button.disabled = false;
      dialog.querySelector(".dialog-body").prepend(
        make("p", { className: "notice tone-bad", role: "alert", textContent: "Couldn’t save. Check your connection and try again." }),
      );
    }
  });

  // data-confirm="Retire SAVE10? New orders won’t earn commission." on a form or on one of its buttons.
  // Of a bulk action, {count} is the number of selected rows, and data-confirm-one is for a single one.
  let sure = null;
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    const chosen = boxesOf(form).filter((box) => box.checked).length;
    const asked = button?.dataset.confirm || form.dataset.confirm;
    const question = ((chosen === 1 && button?.dataset.confirmOne) || asked)?.replace("{count}", chosen);
    if (!question || sure === form) return;
    event.preventDefault();
    event.stopPropagation();
    const look = button?.classList.contains("btn-outline-danger") ? "btn btn-danger" : "btn btn-primary";
    const yes = make("button", { type: "button", className: look, textContent: button?.textContent.trim() || "Yes" });
    const no = make("button", { type: "button", className: "btn btn-outline-secondary", textContent: "Cancel" });
    no.dataset.close = "";
    const end = question.indexOf("? ") + 1;
    const title = end ? question.slice(0, end) : `${yes.textContent}?`;
    const dialog = dialogOf(title, make("p", { textContent: question.slice(end).trim() }), make("div", { className: "submit" }, yes, no));
    no.focus();
    yes.addEventListener("click", () => {
      dialog.close();
      sure = form;
      form.requestSubmit(button);
      sure = null;
    });
  }, true);

  on("click", "[data-copy]", async (event, button) => {
    const value = button.dataset.copy;
    const done = await navigator.clipboard.writeText(value).then(() => true, () => false);
    announce(done ? `Copied ${value}` : "Couldn’t copy. Select the text instead.");
    button.classList.toggle("copied", done);
    setTimeout(() => button.classList.remove("copied"), 1500);
  });

  // Bulk actions: data-select-all="name of the check boxes".
  const boxesOf = (form) => [...form.elements].filter((box) => box.type === "checkbox" && !box.dataset.selectAll);
  const count = (form) => {
    const boxes = boxesOf(form);
    const chosen = boxes.filter((box) => box.checked).length;
    const all = [...form.elements].find((box) => box.dataset.selectAll);
    if (!all) return;
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
    for (const text of form.querySelectorAll("[data-count]")) text.textContent = chosen ? `${chosen} selected` : "";
    if ("needsSelection" in form.dataset) form.hidden = !chosen;
  };
  on("change", "input[type=checkbox]", (event, box) => {
    if (box.dataset.selectAll) for (const each of box.form.elements) if (each.name === box.dataset.selectAll) each.checked = box.checked;
    if (box.form) count(box.form);
  });

  // Combobox (WAI-ARIA pattern): the list comes from the server, the focus stays in the field.
  const combobox = (field) => {
    const input = field.querySelector("input[type=text]");
    const list = field.querySelector("[role=listbox]");
    const name = input.name.slice(0, -2);
    let timer, asked;
    const set = (attributes) => { for (const key in attributes) input.setAttribute(key, attributes[key]); };
    set({ role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false" });
    const options = () => [...list.querySelectorAll("[role=option]")];
    const current = () => list.querySelector("[aria-selected=true]");
    const show = (open) => {
      list.hidden = !open;
      set({ "aria-expanded": open });
      if (!open) mark(null);
    };
    const mark = (option) => {
      current()?.setAttribute("aria-selected", "false");
      input.removeAttribute("aria-activedescendant");
      if (!option) return;
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      set({ "aria-activedescendant": option.id });
    };
    const clear = () => field.querySelector("input[type=hidden]")?.remove();
    const choose = (option) => {
      clear();
      field.append(make("input", { type: "hidden", name, value: option.dataset.value }));
      input.value = option.dataset.shown;
      show(false);
    };
    const look = async () => {
      const query = (asked = input.value.trim());
      const url = new URL(field.dataset.combobox, location);
      url.searchParams.set("q", query);
      const answer = await get(url).catch(() => null);
      if (!answer?.ok || asked !== query) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      list.replaceChildren(...page.querySelectorAll("[role=option]"));
      const found = options().length;
      show(found > 0 && document.activeElement === input);
      announce(found === 1 ? "1 result" : `${found || "No"} results`);
    };
    const later = (wait) => { clearTimeout(timer); timer = setTimeout(look, wait); };
    input.addEventListener("input", () => { clear(); later(150); });
    input.addEventListener("focus", () => { if (!field.querySelector("input[type=hidden]")) later(0); });
    input.addEventListener("blur", () => { asked = null; show(false); });
    input.addEventListener("keydown", (event) => {
      const all = options();
      const at = all.indexOf(current());
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden) return later(0);
        mark(all[(at + (event.key === "ArrowDown" ? 1 : at < 0 ? 0 : -1) + all.length) % all.length]);
      } else if (event.key === "Enter" && current()) {
        event.preventDefault();
        choose(current());
      } else if (event.key === "Escape" && !list.hidden) {
        event.preventDefault();
        show(false);
      }
    });
    list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[role=option]");
      if (option) choose(option);
    });
  };

  // data-fill="id" on a button puts its value into that field, as if it were typed.
  on("click", "[data-fill]", (event, button) => {
    const field = document.getElementById(button.dataset.fill);
    field.value = button.value;
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // The browser knows the time zone.
  const guessTimeZone = (form) => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const option = form.querySelector(`[name=time_zone] option[value="${CSS.escape(zone || "")}"]`);
    if (option) option.selected = true;
  };

  const prepare = (part) => {
    part.querySelectorAll("[data-guess-time-zone]").forEach(guessTimeZone);
    part.querySelectorAll("[data-combobox]").forEach(combobox);
    part.querySelectorAll("[data-select-all]").forEach((box) => count(box.form));
  };
  // The list follows what is typed, and the download the list.
  document.addEventListener("htmx:afterSwap", () => {
    const results = document.getElementById("results");
    const download = document.querySelector(".actions a[download]");
    if (download && results?.dataset.export) download.href = results.dataset.export;
    prepare(results || document.body);
  });
  // A field that is looked up while one types is wrong for as long as what is typed is.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "code-verdict") return;
    const field = event.target.closest(".field").querySelector("input");
    field.ariaInvalid = event.target.querySelector(".field-error") ? "true" : null;
  });
  // Leaving the field must not fetch the list once more.
  document.addEventListener("change", (event) => {
    if (event.target.matches?.(".filters [type=search]")) event.stopPropagation();
  }, true);
  on("change", "[data-auto-submit] select", (event, select) => select.form.requestSubmit());
  prepare(document);
  document.querySelector("[data-focus]")?.focus();
})();
