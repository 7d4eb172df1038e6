"use strict";
(() => {
  const one = (id) => document.getElementById(id);
  const form = one("form"), send = one("send"), password = one("password");
  const problems = ["password_length", "password_common", "invalid_token", "other"].map(one).filter(Boolean);
  // The token came in the fragment, so that no server's log has it; no history keeps it either.
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  history.replaceState(null, "", location.pathname + location.search);

  const show = (shown) => problems.forEach((problem) => { problem.hidden = problem !== shown; });

  const reason = async (answer) => {
    const said = await answer.json().catch(() => ({}));
    const codes = [said.code, ...(said.errors || []).map((error) => error.code)];
    return problems.find((problem) => codes.includes(problem.id)) || one("other");
  };

  const ask = async () => {
    const body = password ? { token, new_password: password.value } : { token };
    try {
      const answer = await fetch(form.dataset.action, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
        credentials: "omit",
        signal: AbortSignal.timeout(15000),
      });
      return answer.ok ? null : await reason(answer);
    } catch {
      return one("other");
    }
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    show(null);
    send.disabled = true;
    const problem = await ask();
    send.disabled = false;
    if (problem) return show(problem);
    form.hidden = true;
    one("done").hidden = false;
  });

  if (token) form.hidden = false;
  else show(one("invalid_token"));
})();
