() => {
    // Give a film that is dropped anywhere on the page, or pasted, to the visible screen.
    const { oneFilmScreens, dropZone, giveFiles, tab, visible, whenFound } = window.bonefx;
    const giveToVisibleScreen = (event, files) => {
        const zones = [...oneFilmScreens.map(dropZone), document.querySelector("#films")];
        const zone = zones.find((each) => each?.checkVisibility());
        if (!files?.length) return;
        event.preventDefault();
        event.stopPropagation();
        if (zone) {
            giveFiles(zone, files);
            return;
        }
        tab("read").click();  // from a tab that takes no film
        whenFound(() => visible("#film"), (film) => giveFiles(film, files));
    };
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
        event.preventDefault();  // else the browser leaves the page to show the file
        giveToVisibleScreen(event, event.dataTransfer.files);
    }, true);
    document.addEventListener("paste", (event) => giveToVisibleScreen(event, event.clipboardData?.files));
}
