() => {
    // On the way back to the worklist, focus the row of the film that was opened last.
    const { visible, whenFound } = window.bonefx;
    const focusCurrentRow = (list) => {
        const row = list.querySelector("tr[aria-current=true]");
        row?.scrollIntoView({ block: "center" });
        row?.querySelector("button").focus({ preventScroll: true });
    };
    document.addEventListener("click", (event) => {
        const tab = event.target.closest?.("[role=tab]");
        if (tab?.dataset.tabId === "worklist") whenFound(() => visible("#list"), focusCurrentRow);
    });
}
