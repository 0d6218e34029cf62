() => {
    // Ask before the page is left with something that would be lost: a text for the report, a
    // worklist, or the reader's own answers. Gradio ends the session at this event, before the
    // answer is known, so it must not see the event of a question; a page that is left ends anyway.
    // This script stands in the head of the page: its listener must be added before gradio's.
    const unsaved = () =>
        document.querySelector("#report_text textarea")?.value
        || document.querySelector("#list tbody tr")
        || document.querySelector("#agreement .note");
    const ask = (event) => {
        if (!unsaved()) return;
        event.preventDefault();
        event.stopImmediatePropagation();
    };
    addEventListener("beforeunload", ask);
}
