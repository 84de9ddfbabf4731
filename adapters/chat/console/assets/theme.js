// Runs before the page is drawn, so that a chosen theme does not flash; and lets the log-in page in whom it can.
const chosen = (() => {
  try {
    return localStorage.getItem("bellhop-theme");
  } catch {
    return null; // storage may be switched off: the system's theme it is
  }
})();
if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;

addEventListener("DOMContentLoaded", async () => {
  if (!("door" in document.body.dataset)) return;
  // A visit that began on another site comes without the session's cookie; a request of our own has it.
  const answer = await fetch("/console/session").catch(() => null);
  if (answer?.status === 204) location.replace("/");
});
