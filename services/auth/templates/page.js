"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const form = byId("form"), send = byId("send"), password = byId("password");
  const codes = ["length", "too_short", "common", "own", "repeats", "sequence"].map((rule) => `password_${rule}`);
  const problems = [...codes, "invalid_token", "other_browser", "other"].map(byId).filter(Boolean);
  // The token is in the fragment, so that no server logs it. Remove it from the browser's history too.
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  history.replaceState(null, "", location.pathname + location.search);

  const show = (problem) => problems.forEach((element) => { element.hidden = element !== problem; });

  const problemOf = async (response) => {
    const body = await response.json().catch(() => ({}));
    const codes = [body.code, ...(body.errors || []).map((error) => error.code)];
    return problems.find((problem) => codes.includes(problem.id)) || byId("other");
  };

  const post = async () => {
    const body = password ? { token, new_password: password.value } : { token };
    try {
      const response = await fetch(form.dataset.action, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
        credentials: "same-origin",
        signal: AbortSignal.timeout(15000),
      });
      return response.ok ? null : await problemOf(response);
    } catch {
      return byId("other");
    }
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    show(null);
    send.disabled = true;
    const problem = await post();
    send.disabled = false;
    if (problem) return show(problem);
    form.hidden = true;
    byId("done").hidden = false;
  });

  if (token) form.hidden = false;
  else show(byId("invalid_token"));
})();
