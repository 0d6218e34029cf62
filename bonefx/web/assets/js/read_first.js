() => {
    // Give the reader's own answer by the keys 1, 2 and 3, and return the focus to the film.
    const { visible, holdFocusOnFilm } = window.bonefx;
    document.addEventListener("keydown", (event) => {
        const answer = "123".indexOf(event.key), buttons = visible("#own");
        if (answer < 0 || !buttons || !event.target.matches(".stage")) return;
        buttons.querySelectorAll("button")[answer].click();
    });
    document.addEventListener("click", (event) => {
        if (event.target.closest?.("#own button")) holdFocusOnFilm();
    });
}
