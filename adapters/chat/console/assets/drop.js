// Files dropped anywhere on the conversation go to the message box beneath it.

/** Watches for dropped files; `composerAt` gives the box that belongs to a place on the page, if one does. */
export function drops(composerAt) {
  const veil = () => document.getElementById("drop");
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  let over = 0;
  document.addEventListener("dragenter", (event) => {
    if (!hasFiles(event) || !composerAt(event.target)) return;
    over += 1;
    veil().hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    over = Math.max(0, over - 1);
    if (!over) veil().hidden = true;
  });
  document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault(); // or the browser would leave the page for the file
    over = 0;
    veil().hidden = true;
    composerAt(event.target)?.attach(event.dataTransfer.files);
  });
}
