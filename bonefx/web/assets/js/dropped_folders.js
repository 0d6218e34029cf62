() => {
    // Open dropped folders as a worklist. Called before drop_and_paste.js, which takes all other drops.
    const { openAsWorklist } = window.bonefx;
    const asPromise = (call) => new Promise((resolve, reject) => call(resolve, reject));
    const readFiles = async (entry) => {
        if (entry.isFile) return [await asPromise((...callbacks) => entry.file(...callbacks))];
        const reader = entry.createReader(), files = [];
        for (let batch = [null]; batch.length;) {  // readEntries returns at most 100 at a time
            batch = await asPromise((...callbacks) => reader.readEntries(...callbacks));
            for (const child of batch) files.push(...await readFiles(child));
        }
        return files;
    };
    const openFolders = async (entries) => {
        const files = await Promise.all(entries.map(readFiles));
        openAsWorklist(files.flat(), "#folder");
    };
    document.addEventListener("drop", (event) => {
        const items = [...event.dataTransfer.items];
        const entries = items.map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
        if (!entries.some((entry) => entry.isDirectory)) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        openFolders(entries);
    }, true);
}
