(settings) => {
    // Clear the verdict as soon as a new file is given, before gradio uploads or refuses it.
    const { oneFilmScreens, dropZone, giveFiles, asFileList, openAsWorklist, upload, showFailure } = window.bonefx;
    const lastFiles = {};  // of each screen; gone_film.js sends them again
    window.bonefx.sendAgain = (screen) => giveFiles(dropZone(screen), asFileList(lastFiles[screen]));
    const maxBytes = settings.max_upload_mb * 1024 * 1024;
    const cancel = (event) => {
        event.stopPropagation();
        event.target.value = "";
    };
    const mayReplaceList = () => {
        const films = document.querySelectorAll("#list tr[data-place]").length;
        return films === 0 || confirm(
            `A new list replaces the one with ${films} ${films === 1 ? "film" : "films"} and its ` +
            "verdicts. Download it as CSV first to keep them. Replace it now?");
    };
    document.addEventListener("change", (event) => {
        if (event.target.type !== "file") return;
        const screen = oneFilmScreens.find((each) => dropZone(each)?.contains(event.target));
        upload.screen = null;
        if (screen === undefined) {
            if (event.target.closest("#films, #folder") && !mayReplaceList()) cancel(event);
            return;
        }
        const files = [...event.target.files];
        const archive = files.some((file) => /\.zip$/i.test(file.name));
        if (archive || (screen === "" && files.length > 1)) {  // several films are a worklist
            cancel(event);
            openAsWorklist(files, "#films");
            return;
        }
        upload.screen = screen;
        document.querySelector(`#${screen}sent`).click();
        if (files.length === 1 && files[0].size <= maxBytes) {
            lastFiles[screen] = files;
            return;
        }
        showFailure(screen, "refused");
        cancel(event);
    }, true);
}
