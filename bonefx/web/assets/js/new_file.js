(settings) => {
    // Clear the verdict as soon as a new file is given, before gradio uploads or refuses it.
    const { oneFilmScreens, dropZone, openAsWorklist, upload, showFailure } = window.bonefx;
    const maxBytes = settings.max_upload_mb * 1024 * 1024;
    const cancel = (event) => {
        event.stopPropagation();
        event.target.value = "";
    };
    document.addEventListener("change", (event) => {
        if (event.target.type !== "file") return;
        const screen = oneFilmScreens.find((each) => dropZone(each)?.contains(event.target));
        upload.screen = null;
        if (screen === undefined) return;
        const files = [...event.target.files];
        if (screen === "" && files.length > 1) {  // several films on Read are a worklist
            cancel(event);
            openAsWorklist(files, "#films");
            return;
        }
        upload.screen = screen;
        if (files.length === 1 && files[0].size <= maxBytes) {
            document.querySelector(`#${screen}sent`).click();
            return;
        }
        showFailure(screen, "refused");
        cancel(event);
    }, true);
}
