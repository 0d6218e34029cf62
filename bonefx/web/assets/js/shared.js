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
    const given = new WeakMap();  // files that wait for the input of their zone
    const dropZone = (screen) => document.querySelector(`#${screen}film`);
    // Hand files to a zone. While it sends others it has no input: the newer ones replace them.
    const giveFiles = (zone, files) => {
        given.set(zone, files);
        const findInput = () => zone.querySelector("input[type=file]");
        if (!findInput()) window.bonefx.supersede(zone.id.replace(/film$/, ""));
        whenFound(findInput, (input) => {
            if (given.get(zone) !== files) return;
            given.delete(zone);
            input.files = files;
            input.dispatchEvent(new Event("change", { bubbles: true }));
        });
    };
    const asFileList = (files) => {
        const transfer = new DataTransfer();
        for (const file of files) transfer.items.add(file);
        return transfer.files;
    };
    const openAsWorklist = (files, selector) => {
        tab("worklist").click();
        whenFound(() => document.querySelector(`${selector} input[type=file]`) && visible(selector),
            (zone) => giveFiles(zone, asFileList(files)));
    };
    window.bonefx = {
        visible, whenFound, onPageChange, tab, holdFocusOnFilm,
        oneFilmScreens, dropZone, giveFiles, asFileList, openAsWorklist,
    };
}
