() => {
    // Give the reader's own answer by the keys 1, 2 and 3, and return the focus to the film. While
    // the reader answers first, the worklist hides its verdicts and keeps the order of the list.
    const { visible, holdFocusOnFilm } = window.bonefx;
    document.addEventListener("keydown", (event) => {
        const answer = "123".indexOf(event.key), buttons = visible("#own");
        if (answer < 0 || !buttons || !event.target.matches(".stage")) return;
        if (!window.bonefx.takesKey(event, true)) return;  // such as Ctrl and 1, of the browser
        buttons.querySelectorAll("button")[answer].click();
    });
    document.addEventListener("change", (event) => {
        if (!event.target.matches("#read_first input")) return;
        document.documentElement.classList.toggle("reads-first", event.target.checked);
        document.dispatchEvent(new Event("order"));  // to worklist_rows.js
    });
    document.addEventListener("click", (event) => {
        if (event.target.closest?.("#own button")) holdFocusOnFilm();
    });
}
