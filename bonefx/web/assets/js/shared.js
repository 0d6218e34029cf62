() => {
    // Helpers that several scripts of the page share, under one global name.
    const visible = (selector) => {
        const element = document.querySelector(selector);
        return element?.checkVisibility() ? element : null;
    };
    // Gradio builds the page in steps: try again each frame until the element is there.
    const whenFound = (find, act) => {
        const element = find();
        if (element) act(element);
        else requestAnimationFrame(() => whenFound(find, act));
    };
    const onPageChange = (act) => {
        new MutationObserver(act).observe(document.body, { childList: true, subtree: true });
        act();
    };
    const tab = (name) => document.querySelector(`[role=tab][data-tab-id="${CSS.escape(name)}"]`);
    const holdFocusOnFilm = () => document.dispatchEvent(new Event("hold-film"));

    // The screens that take one film, as the prefix of their element ids: Read and Compare.
    const oneFilmScreens = ["", "compare-"];
    const dropZone = (screen) => document.querySelector(`#${screen}film`);
    const giveFiles = (zone, files) => {
        const input = zone.querySelector("input[type=file]");
        input.files = files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
    };
    const openAsWorklist = (files, selector) => {
        const transfer = new DataTransfer();
        for (const file of files) transfer.items.add(file);
        tab("worklist").click();
        whenFound(() => document.querySelector(`${selector} input[type=file]`) && visible(selector),
            (zone) => giveFiles(zone, transfer.files));
    };
    window.bonefx = {
        visible, whenFound, onPageChange, tab, holdFocusOnFilm,
        oneFilmScreens, dropZone, giveFiles, openAsWorklist,
    };
}
